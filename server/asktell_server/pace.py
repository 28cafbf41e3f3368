"""Long work of the event loop, cut in pieces: whatever else waits runs in between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

PIECE_S = 0.005
"""How long one piece may keep everything else waiting."""

T = TypeVar("T")
R = TypeVar("R")


async def in_pieces(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """`function` of each item, in their order. A few items are done at once, without giving the loop away."""
    results: list[R] = []
    ends_at = time.perf_counter() + PIECE_S
    for item in items:
        results.append(function(item))
        if time.perf_counter() >= ends_at:
            await asyncio.sleep(0)
            ends_at = time.perf_counter() + PIECE_S
    return results
