"""Work on many trials in steps, between which other calls have their turn on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

T = TypeVar("T")

STEP = 250
"""Trials that are decoded, taken in or converted in one go: 5 to 10 ms."""


async def in_steps(items: Sequence[T], *, step: int = STEP) -> AsyncIterator[T]:
    """The items; after each `step` of them others have their turn."""
    for place, item in enumerate(items, 1):
        yield item
        if place % step == 0:
            await asyncio.sleep(0)
