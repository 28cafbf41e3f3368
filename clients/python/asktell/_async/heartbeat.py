"""One task that renews all open leases of a client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time

from asktell._async.transport import AsyncTransport
from asktell._core.leases import Beats, Lease, renew

logger = logging.getLogger("asktell")


class HeartbeatTask:
    """Renews the open leases of a client. The task starts with the first lease and ends with `stop`."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
        self._beats = Beats()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, lease: Lease) -> None:
        """Keeps a lease renewed from now on, as long as somebody holds on to it."""
        if lease.due_at is None:
            return
        self._beats.add(lease)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="asktell-heartbeat")
        self._changed.set()

    async def stop(self) -> None:
        """Ends the task."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            lease = await self._next()
            try:
                await self._transport.run(renew(lease))
            except Exception:
                logger.exception("heartbeat of %s failed", lease.name)
            self._beats.add(lease)
            del lease  # or this task alone would keep a dropped trial alive

    async def _next(self) -> Lease:
        while True:
            now = time.monotonic()
            lease = self._beats.due(now)
            if lease is not None:
                return lease
            self._changed.clear()
            # Not wait_for: on Python 3.11 it swallows a cancellation that comes together with the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._beats.wait_s(now)):
                    await self._changed.wait()
