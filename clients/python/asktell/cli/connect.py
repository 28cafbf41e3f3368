"""The options that say which server a command talks to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from asktell._core.settings import make_settings
from asktell._sync.client import Client
from asktell.cli.number_types import Number
from asktell.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")

# One command makes one call and a person waits for it; `run` and `watch` have the client's own, longer time.
_COMMAND_TIMEOUT_S = 10.0


def with_client(*, patient: bool = False) -> Callable[[Callable[Concatenate[Client, P], R]], Callable[P, R]]:
    """Gives a command its client, and the options of the connection, which stand after it as well as before."""

    def decorate(command: Callable[Concatenate[Client, P], R]) -> Callable[P, R]:
        @click.option("--address", metavar="HOST:PORT", help="The server, before ASKTELL_ADDRESS.")
        @click.option("--project", metavar="NAME", help="Project of studies named by their id.  [default: default]")
        @click.option("--wait", type=Number(0), metavar="SECONDS", help="For a server that is not there yet.")
        @click.option("--tls", is_flag=True, help="Encrypt, and trust the system's authorities.")
        @click.pass_context
        @functools.wraps(command)
        def wrapped(context: click.Context, /, *args: Any, **kwargs: Any) -> R:
            own = {name: kwargs.pop(name) for name in ("address", "project", "wait", "tls")}
            root: dict[str, Any] = context.find_root().obj
            wait_s = root["wait"] if own["wait"] is None else own["wait"]
            timeout_s = 30.0 if patient else _COMMAND_TIMEOUT_S
            with Client(
                own["address"] or root["address"],
                project=own["project"] or root["project"] or "default",
                tls=own["tls"] or root["tls"],
                timeout_s=max(timeout_s, wait_s or 0.0),
                wait_s=wait_s,
            ) as client:
                try:
                    return command(client, *args, **kwargs)
                except Unavailable as error:
                    if not error.reason:  # no server said it: the message names the address
                        raise
                    raise error.at(
                        f"the server at {make_settings(own['address'] or root['address']).address} says: "
                    ) from None

        return wrapped

    return decorate
