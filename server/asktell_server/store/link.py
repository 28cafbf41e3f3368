"""What the ledger needs of a connection to the store, whatever its topology. Errors are the driver's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff

from asktell_server.store.driver import store_unavailable
from asktell_server.store.scripts import Script
from asktell_server.store.urls import StoreUrl

RETRIES = 2
"""Of a command whose connection broke: changes carry request ids, so that a second try is never a second change."""

MAX_CONNECTIONS = 64

_HEALTH_CHECK_S = 15.0  # idle connections, above all that of change notifications, may die without a word


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOptions:
    """Timeouts and acknowledgement of a link.

    `socket_timeout_s`: of one reply, and of a free connection. `wait_replicas`: how many replicas must confirm what a
    script wrote, within `wait_timeout_s`, before its reply counts.
    """

    socket_timeout_s: float = 1.0
    wait_replicas: int = 0
    wait_timeout_s: float = 1.0


class Node(Protocol):
    """One server."""

    async def execute_command(self, *args: Any) -> Any:
        """Runs a command on this server; the driver's parsed reply."""
        ...


class Link(Protocol):
    """What the ledger needs of a connection to the store.

    A caller may be cancelled at any time: a change on its way is not torn off, only its answer is dropped.
    """

    name: str
    """The store's URL without its secrets, for messages."""

    async def read(self, *command: Any) -> Any:
        """Runs one command that changes nothing, on the server of its key."""
        ...

    async def read_many(self, commands: Sequence[tuple[Any, ...]]) -> Sequence[Any]:
        """Runs many such commands, on any keys, in one round trip to each server that has some of them."""
        ...

    async def run(self, script: Script, keys: Sequence[str], arguments: bytes, *, acknowledged: bool) -> Any:
        """Runs a script. If `acknowledged`, the replicas asked for have what it wrote.

        Raises:
            Unavailable: it ran, and too few replicas confirmed in time.
        """
        ...

    async def run_many(self, script: Script, calls: Sequence[tuple[Sequence[str], bytes]]) -> Sequence[Any]:
        """Runs a script that changes nothing once for each call (keys and arguments), as `read_many` does."""
        ...

    async def write(self, key: str, *command: Any) -> Any:
        """Runs one command that changes `key`, acknowledged as in `run`."""
        ...

    async def masters(self) -> Mapping[str, Node]:
        """Every server that takes writes, by address."""
        ...

    async def pubsub(self) -> PubSub:
        """An unsubscribed connection to a server that hears of all changes."""
        ...

    async def close(self) -> None:
        """Closes all connections. Changes on their way are finished first."""
        ...


def connection_settings(url: StoreUrl, options: LinkOptions) -> dict[str, Any]:
    """The driver's settings of every connection."""
    reply_s = options.socket_timeout_s + (options.wait_timeout_s if options.wait_replicas else 0.0)
    return {
        "username": url.username,
        "password": url.password,
        "socket_timeout": reply_s,
        "socket_connect_timeout": options.socket_timeout_s,
        "health_check_interval": _HEALTH_CHECK_S,
        "protocol": 2,  # nothing here needs more, and every server and proxy speaks it
    }


def tls_settings(url: StoreUrl) -> dict[str, Any]:
    """Those for TLS, if it is asked for."""
    return {"ssl": True, "ssl_ca_certs": url.tls_ca} if url.tls else {}


def retry_backoff() -> ExponentialWithJitterBackoff:
    """The pauses between tries."""
    return ExponentialWithJitterBackoff(base=0.01, cap=0.2)


def retry_policy() -> Retry:
    """How the driver tries again."""
    return Retry(retry_backoff(), RETRIES)


def wait_command(options: LinkOptions) -> tuple[Any, ...]:
    """WAIT; it answers for the writes of its own connection only, so it must follow them there."""
    return ("WAIT", options.wait_replicas, round(options.wait_timeout_s * 1000))


def acknowledged_reply(reply: Any, confirmed: Any, options: LinkOptions) -> Any:
    """The reply of a change, given that of the WAIT behind it.

    Raises:
        Unavailable: too few replicas have it. The driver's errors: either reply is one.
    """
    for result in (reply, confirmed):
        if isinstance(result, Exception):
            raise result
    if confirmed < options.wait_replicas:
        raise store_unavailable(
            f"the change is not yet on {options.wait_replicas} replicas of the store; try again with the same request id"
        )
    return reply
