"""Long work that must not keep everything else waiting: cut in pieces, or made without pauses for the garbage collector."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

PIECE_S = 0.001
"""How long one piece may keep everything else waiting. A call takes about ten turns of the loop, and waits for a piece at each."""

T = TypeVar("T")
R = TypeVar("R")


class Pace:
    """Says when a piece of work has taken long enough; ask it after each item."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._ends_at = clock() + PIECE_S

    async def keep(self) -> None:
        """Gives the loop away, if the piece has taken long enough."""
        if self._clock() >= self._ends_at:
            await asyncio.sleep(0)
            self._ends_at = self._clock() + PIECE_S


async def in_pieces(
    function: Callable[[T], R], items: Iterable[T], *, clock: Callable[[], float] = time.perf_counter
) -> list[R]:
    """`function` of each item, in their order. A few items are done at once, without giving the loop away."""
    results: list[R] = []
    pace = Pace(clock)
    for item in items:
        results.append(function(item))
        await pace.keep()
    return results


async def in_pieces_numbered(function: Callable[[int, T], R], items: Iterable[T]) -> list[R]:
    """`in_pieces` for a function that takes the place of each item, from 0 on, before the item."""
    return await in_pieces(lambda numbered: function(*numbered), enumerate(items))


@contextmanager
def without_collector() -> Iterator[None]:
    """No search for reference cycles meanwhile: for work in a thread that makes very many objects, and no cycles.

    Each such search would look at all of them anew and stop every thread, the event loop's too. Threads may overlap: the first
    one switches the collector off, and on again at its end.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
