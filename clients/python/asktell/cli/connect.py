"""The options that say which server a command talks to."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from asktell._sync.client import Client

P = ParamSpec("P")
R = TypeVar("R")

# One command makes one call and a person waits for it; `run` and `watch` have the client's own, longer time.
_COMMAND_TIMEOUT_S = 10.0


def with_client(*, patient: bool = False) -> Callable[[Callable[Concatenate[Client, P], R]], Callable[P, R]]:
    """Gives a command its client, and the options `--address` and `--project`, which stand after it as well as before."""

    def decorate(command: Callable[Concatenate[Client, P], R]) -> Callable[P, R]:
        @click.option("--address", metavar="HOST:PORT", help="The server, before ASKTELL_ADDRESS.")
        @click.option("--project", metavar="NAME", help="Project of studies named by their id.  [default: default]")
        @click.pass_context
        @functools.wraps(command)
        def wrapped(context: click.Context, /, *args: Any, **kwargs: Any) -> R:
            own = {"address": kwargs.pop("address"), "project": kwargs.pop("project")}
            root: dict[str, Any] = context.find_root().obj
            with Client(
                own["address"] or root["address"],
                project=own["project"] or root["project"] or "default",
                tls=root["tls"],
                timeout_s=30.0 if patient else _COMMAND_TIMEOUT_S,
            ) as client:
                return command(client, *args, **kwargs)

        return wrapped

    return decorate
