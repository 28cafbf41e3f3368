"""How long an event loop was kept from its work, in processor time: other programs on the machine do not count."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

TICK_S = 0.001


class Holds:
    """What was seen of a loop, in seconds of processor time of the process, all its threads together.

    A thread that lets others have the interpreter's lock adds little to `longest_s`; one that does not adds all of it.
    """

    def __init__(self) -> None:
        self.longest_s = 0.0
        self.total_s = 0.0


@contextlib.asynccontextmanager
async def watched() -> AsyncIterator[Holds]:
    """Watches the running loop; the numbers are there afterwards."""
    holds = Holds()

    async def tick() -> None:
        while True:
            before_s = time.process_time()
            await asyncio.sleep(TICK_S)
            holds.longest_s = max(holds.longest_s, time.process_time() - before_s)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    began_s = time.process_time()
    try:
        yield holds
        await asyncio.sleep(2 * TICK_S)  # so that the last hold is seen
    finally:
        holds.total_s = time.process_time() - began_s
        ticking.cancel()
