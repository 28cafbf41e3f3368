"""A server is out of service for as long as any check of its store finds something."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from asktell_server.domain.errors import Unavailable
from asktell_server.store.driver import store_unavailable
from asktell_server.store_watch import Check, StoreWatch
from asktell_server.transport.gate import Gate


class Found:
    """What a check finds; "" is nothing."""

    trouble = ""

    async def look(self) -> None:
        if self.trouble:
            raise store_unavailable(self.trouble)


async def test_the_gate_and_the_health_follow_every_check() -> None:
    gate = Gate(max_calls=8)
    first, second = Found(), Found()
    serving: asyncio.Queue[bool] = asyncio.Queue()
    checks = [Check(found.look, interval_s=0.001) for found in (first, second)]
    watch = asyncio.create_task(StoreWatch(checks, gate, serving.put).run())

    first.trouble = "the first"
    assert not await serving.get()
    with pytest.raises(Unavailable, match="the first"):
        gate.check()
    second.trouble = "the second"
    await until(lambda: bool(checks[1].trouble))
    first.trouble = ""
    await until(lambda: not checks[0].trouble)
    with pytest.raises(Unavailable, match="the second"):
        gate.check()
    second.trouble = ""
    async with asyncio.timeout(60):
        while not await serving.get():
            pass
    gate.check()

    watch.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watch


async def until(condition: Callable[[], bool]) -> None:
    """Waits until the condition holds."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  the checks look by the clock
            await asyncio.sleep(0)
    await asyncio.sleep(0)


async def test_without_a_store_there_is_nothing_to_watch() -> None:
    async def never(_: bool) -> None:
        raise AssertionError

    await StoreWatch([], Gate(max_calls=8), never).run()
