"""Changes that end in order even when nobody waits for them any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class Shield:
    """Keeps changes on their way going when their caller is cancelled: a deadline must not tear a connection."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, change: Coroutine[Any, Any, _T]) -> _T:
        """Awaits a change; cancelling the caller leaves it running."""
        task = asyncio.ensure_future(change)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Waits for all changes on their way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: the caller has it, or is gone
