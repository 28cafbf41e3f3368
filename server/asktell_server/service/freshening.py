"""Keeping what a server knows of a study no older than a few seconds, beside the calls that use it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

from asktell_server.domain.names import StudyName
from asktell_server.store.tasks import end_task

FRESH_S = 2.0
"""Early stopping judges by what other servers took in up to so long ago, and the time of a read."""


class Freshening:
    """Calls `read` for a study that was not read for `fresh_s` seconds, when it is next used. It must raise nothing."""

    def __init__(
        self,
        read: Callable[[StudyName], Awaitable[None]],
        *,
        fresh_s: float = FRESH_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._fresh_s = fresh_s
        self._monotonic_s = monotonic_s
        self._read_at: dict[StudyName, float] = {}
        """When each study was last read, or was to be, by `monotonic_s`."""
        self._tasks: dict[StudyName, asyncio.Task[None]] = {}

    def was_read(self, name: StudyName) -> None:
        """The study was read just now."""
        self._read_at[name] = self._monotonic_s()

    def forget(self, name: StudyName) -> None:
        """Nothing is known of the study any more."""
        self._read_at.pop(name, None)

    def used(self, name: StudyName) -> None:
        """The study is in use and should be fresh from now on. Nobody waits for it."""
        if name in self._tasks or self._monotonic_s() - self._read_at.get(name, -math.inf) < self._fresh_s:
            return
        self.was_read(name)  # also where it fails: the next try has the same time
        task = self._tasks[name] = asyncio.create_task(self._run(name), name=f"freshen {name}")
        task.add_done_callback(lambda _: self._tasks.pop(name))

    async def _run(self, name: StudyName) -> None:
        await self._read(name)

    async def close(self) -> None:
        """Ends what is being read."""
        for task in list(self._tasks.values()):
            await end_task(task)
