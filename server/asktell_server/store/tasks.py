"""Background tasks that end when they should, and changes that do not end before they should."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancels a task until it has ended; its error, if it had one, is dropped.

    Once is not enough: `asyncio.wait_for`, which the driver uses, can swallow a cancellation (fixed in Python 3.12).
    """
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=0.2)
    _retrieve(task)


def raise_if_cancelled() -> None:
    """Raises the cancellation of this task again if the driver has swallowed it (see `end_task`)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Shield:
    """Keeps changes on their way going when their caller is cancelled: a deadline must not tear a connection."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, change: Coroutine[Any, Any, _T]) -> _T:
        """Awaits a change; cancelling the caller leaves it running."""
        task = asyncio.ensure_future(change)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_retrieve)
        return await asyncio.shield(task)

    async def settle(self) -> None:
        """Waits for all changes on their way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _retrieve(task: asyncio.Task[Any]) -> None:
    """Whoever waits for the task has its error too; without anybody it is of no interest."""
    if not task.cancelled():
        task.exception()
