"""Long work of the loop in pieces."""

from __future__ import annotations

import asyncio
import time

from asktell_server.pace import PIECE_S, in_pieces


def _busy(item: int) -> int:
    """Takes half a piece of processor time."""
    ends_at = time.thread_time() + PIECE_S / 2
    while time.thread_time() < ends_at:
        pass
    return 2 * item


async def test_others_run_in_between() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    await asyncio.sleep(0)
    began = turns
    assert await in_pieces(_busy, range(20)) == list(range(0, 40, 2))
    assert turns - began >= 10
    others.cancel()


async def test_a_few_items_are_done_at_once() -> None:
    turns: list[str] = []
    other = asyncio.create_task(asyncio.sleep(0))
    other.add_done_callback(lambda _: turns.append("other"))
    assert await in_pieces(str, [1, 2]) == ["1", "2"]
    assert not turns
    await other
