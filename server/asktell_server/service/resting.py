"""Which studies have come to rest: they were in use, and then not for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from asktell_server.domain.names import StudyName
from asktell_server.store.tasks import end_task

REST_S = 60.0
"""A study is at rest when nobody has used it for one to two times as long."""


class Resting:
    """Calls `on_rest` for each study that has come to rest, once until it is used again. It must raise nothing."""

    def __init__(self, on_rest: Callable[[StudyName], Awaitable[None]], *, rest_s: float) -> None:
        self._on_rest = on_rest
        self._rest_s = rest_s
        self._used: set[StudyName] = set()
        """Since the last look at them."""
        self._quiet: set[StudyName] = set()
        """Before it."""
        self._task: asyncio.Task[None] | None = None

    def used(self, name: StudyName) -> None:
        """The study is in use."""
        self._used.add(name)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="studies at rest")

    async def close(self) -> None:
        """Ends the waiting."""
        if self._task is not None:
            await end_task(self._task)

    async def _run(self) -> None:
        while self._used or self._quiet:
            await asyncio.sleep(self._rest_s)
            at_rest, self._quiet, self._used = self._quiet - self._used, self._used, set()
            for name in at_rest:
                await self._on_rest(name)
        self._task = None
