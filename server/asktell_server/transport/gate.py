"""Admission: what the server takes in, and what it waits for before it goes down."""

from __future__ import annotations

import asyncio
import time

from asktell_server.domain.errors import ErrorReason, Unavailable
from asktell_server.transport.calls import MIB
from asktell_server.transport.counter import Counter

MAX_BYTES_IN_FLIGHT = 256 * MIB
"""Of requests, before they are parsed: eight of the largest."""

DRAIN_RETRY_AFTER_S = 0.2
QUIET_S = 0.5
"""How long no call has come when the server stops. One that has been received and has not begun would be ended with
CANCELLED, which no client takes for a reason to try another server."""
MOST_LINGER_S = 3.0
"""A server stops even if calls never cease to come; clients that are refused come back ever more seldom."""


class Gate:
    """Counts calls in flight, limits them, and closes when the server drains or its store is not durable.

    Streams are calls that stay for hours: at most half of all calls are streams, so that others find room. And at most
    half of the calls, streams and bytes are one caller's, so that others find room beside it.
    """

    def __init__(self, *, max_calls: int, max_bytes: int = MAX_BYTES_IN_FLIGHT) -> None:
        self._calls = Counter("calls in flight", max_calls)
        self._streams = Counter("streams open", max(1, max_calls // 2))
        self._bytes = Counter("bytes of requests in flight", max_bytes)
        self._idle = asyncio.Event()
        self._idle.set()
        self._store_trouble = ""
        self._refused_at = 0.0
        self.draining = asyncio.Event()

    @property
    def calls(self) -> int:
        """Calls in flight, streams included."""
        return self._calls.total

    @property
    def is_open(self) -> bool:
        """Calls are taken."""
        return not self.draining.is_set() and not self._store_trouble

    def set_store_trouble(self, why: str) -> None:
        """Refuses calls with `why` until it is set to "" again."""
        self._store_trouble = why

    def check(self) -> None:
        """Raises Unavailable when the server takes no calls."""
        if self.draining.is_set():
            self._refused_at = time.monotonic()
            raise Unavailable(
                "the server is going down; try again",
                reason=ErrorReason.SERVER_DRAINING,
                retry_after_s=DRAIN_RETRY_AFTER_S,
            )
        if self._store_trouble:
            raise Unavailable(self._store_trouble, reason=ErrorReason.STORE_UNAVAILABLE)

    def enter(self, *, stream: bool = False, caller: str = "") -> None:
        """Counts a call in; every `enter` needs a `leave` with the same arguments. `caller` "" = one of its own.

        Raises:
            Unavailable: the server takes no calls now. ResourceExhausted: it has as many as it can take, or as many as it
                takes of this caller (OVERLOADED).
        """
        self.check()
        self._calls.require(caller)
        if stream:
            self._streams.require(caller)
            self._streams.add(caller)
        self._calls.add(caller)
        self._idle.clear()

    def leave(self, *, stream: bool = False, caller: str = "") -> None:
        """Counts a call out."""
        if stream:
            self._streams.take(caller)
        self._calls.take(caller)
        if not self._calls.total:
            self._idle.set()

    def load(self, size: int, *, caller: str = "") -> None:
        """Counts the bytes of a request in; every `load` needs an `unload`.

        Raises:
            ResourceExhausted: there are too many already (OVERLOADED).
        """
        self._bytes.require(caller, size)
        self._bytes.add(caller, size)

    def unload(self, size: int, *, caller: str = "") -> None:
        """Counts the bytes of a request out."""
        self._bytes.take(caller, size)

    async def drain(self, *, timeout_s: float) -> bool:
        """Refuses new calls and waits for those in flight, then until no more come.

        False when some were still in flight after `timeout_s`.
        """
        self.draining.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        await self._quiet()
        return True

    async def _quiet(self) -> None:
        idle_at = time.monotonic()
        give_up_at = idle_at + MOST_LINGER_S
        while (left_s := min(max(self._refused_at, idle_at) + QUIET_S, give_up_at) - time.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left_s)
