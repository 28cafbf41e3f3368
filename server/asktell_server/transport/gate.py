"""Admission: what the server takes in, and what it waits for before it goes down."""

from __future__ import annotations

import asyncio
import time

from asktell_server.domain.errors import ErrorReason, ResourceExhausted, Unavailable

OVERLOAD_RETRY_AFTER_S = 0.25
DRAIN_RETRY_AFTER_S = 0.2
QUIET_S = 0.5
"""How long no call has come when the server stops. One that has been received and has not begun would be ended with
CANCELLED, which no client takes for a reason to try another server."""
MOST_LINGER_S = 3.0
"""A server stops even if calls never cease to come; clients that are refused come back ever more seldom."""


class Gate:
    """Counts calls in flight, limits them, and closes when the server drains or its store is not durable.

    Streams are calls that stay for hours: at most half of all calls are streams, so that others find room.
    """

    def __init__(self, *, max_calls: int) -> None:
        self._max_calls = max_calls
        self._max_streams = max(1, max_calls // 2)
        self._calls = 0
        self._streams = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._store_trouble = ""
        self._refused_at = 0.0
        self.draining = asyncio.Event()

    @property
    def calls(self) -> int:
        """Calls in flight, streams included."""
        return self._calls

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

    def enter(self, *, stream: bool = False) -> None:
        """Counts a call in; every `enter` needs a `leave`, or a `leave_stream`.

        Raises:
            Unavailable: the server takes no calls now. ResourceExhausted: it has as many as it can take (OVERLOADED).
        """
        self.check()
        if self._calls >= self._max_calls:
            raise _overloaded("calls in flight", self._max_calls)
        if stream and self._streams >= self._max_streams:
            raise _overloaded("streams open", self._max_streams)
        self._calls += 1
        self._streams += stream
        self._idle.clear()

    def leave(self) -> None:
        """Counts a call out."""
        self._calls -= 1
        if not self._calls:
            self._idle.set()

    def leave_stream(self) -> None:
        """Counts a stream out."""
        self._streams -= 1
        self.leave()

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


def _overloaded(what: str, limit: int) -> ResourceExhausted:
    return ResourceExhausted(
        f"the server has {limit} {what}, the most it takes",
        reason=ErrorReason.OVERLOADED,
        metadata={"limit": str(limit)},
        retry_after_s=OVERLOAD_RETRY_AFTER_S,
    )
