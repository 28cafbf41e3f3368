"""Admission: how many calls, when none, and what a draining server waits for."""

from __future__ import annotations

import asyncio
import time

import pytest

from asktell_server.domain.errors import ErrorReason, ResourceExhausted, Unavailable
from asktell_server.transport import gate as gate_module
from asktell_server.transport.gate import Gate


async def test_calls_above_the_limit_are_refused_until_one_ends() -> None:
    gate = Gate(max_calls=2)
    gate.enter()
    gate.enter()
    with pytest.raises(ResourceExhausted) as caught:
        gate.enter()
    assert caught.value.reason is ErrorReason.OVERLOADED
    assert caught.value.metadata == {"limit": "2"}
    assert caught.value.retry_after_s
    assert gate.calls == 2
    gate.leave()
    gate.enter()


async def test_at_most_half_of_the_calls_are_streams() -> None:
    gate = Gate(max_calls=4)
    gate.enter(stream=True)
    gate.enter(stream=True)
    with pytest.raises(ResourceExhausted) as caught:
        gate.enter(stream=True)
    assert caught.value.reason is ErrorReason.OVERLOADED
    assert caught.value.metadata == {"limit": "2"}
    gate.enter()
    gate.enter()
    with pytest.raises(ResourceExhausted):
        gate.enter()
    gate.leave(stream=True)
    gate.enter()
    assert gate.calls == 4
    gate.leave()
    gate.enter(stream=True)
    Gate(max_calls=1).enter(stream=True)


async def test_one_caller_has_at_most_half_of_calls_streams_and_bytes() -> None:
    gate = Gate(max_calls=8, max_bytes=1000)
    for _ in range(2):
        gate.enter(stream=True, caller="a")
    with pytest.raises(ResourceExhausted, match="2 streams open from a, and takes 2 of one caller") as caught:
        gate.enter(stream=True, caller="a")
    assert caught.value.reason is ErrorReason.OVERLOADED
    assert caught.value.metadata == {"limit": "2"}
    for _ in range(2):
        gate.enter(caller="a")
    with pytest.raises(ResourceExhausted, match="4 calls in flight from a, and takes 4 of one caller"):
        gate.enter(caller="a")
    gate.load(500, caller="a")
    with pytest.raises(ResourceExhausted, match="500 bytes of requests in flight from a, and takes 500 of one caller"):
        gate.load(1, caller="a")
    gate.load(500, caller="b")
    with pytest.raises(ResourceExhausted, match="1000 bytes of requests in flight, and takes 1000"):
        gate.load(1, caller="c")
    gate.enter(stream=True, caller="b")
    for _ in range(2):
        gate.leave(stream=True, caller="a")
        gate.leave(caller="a")
    gate.unload(500, caller="a")
    gate.load(500, caller="c")
    for _ in range(4):
        gate.enter(caller="a")
    assert gate.calls == 5


async def test_callers_of_this_machine_have_no_share() -> None:
    gate = Gate(max_calls=4)
    for _ in range(4):
        gate.enter()
    assert gate.calls == 4


async def test_a_drain_waits_for_streams() -> None:
    gate = Gate(max_calls=9)
    gate.enter(stream=True)
    drain = asyncio.create_task(gate.drain(timeout_s=30))
    await gate.draining.wait()
    assert not drain.done()
    gate.leave(stream=True)
    assert await drain


async def test_trouble_with_the_store_closes_it_for_a_while() -> None:
    gate = Gate(max_calls=2)
    gate.set_store_trouble("appendonly is off")
    for attempt in (gate.check, gate.enter):
        with pytest.raises(Unavailable, match="appendonly is off") as caught:
            attempt()
        assert caught.value.reason is ErrorReason.STORE_UNAVAILABLE
    assert gate.calls == 0
    gate.set_store_trouble("")
    gate.enter()


async def test_a_drain_refuses_new_calls_and_waits_for_those_in_flight() -> None:
    gate = Gate(max_calls=9)
    gate.enter()
    drain = asyncio.create_task(gate.drain(timeout_s=30))
    await gate.draining.wait()
    with pytest.raises(Unavailable) as caught:
        gate.enter()
    assert caught.value.reason is ErrorReason.SERVER_DRAINING
    assert not drain.done()
    gate.leave()
    assert await drain


async def test_a_drain_of_an_idle_server_is_clean() -> None:
    assert await Gate(max_calls=1).drain(timeout_s=30)


async def test_a_drain_ends_when_calls_have_ceased_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "QUIET_S", 0.5)
    gate = Gate(max_calls=1)
    drain = asyncio.create_task(gate.drain(timeout_s=30))
    await gate.draining.wait()
    refused_at = 0.0
    for _ in range(3):
        await asyncio.sleep(0.2)
        refused_at = time.monotonic()
        with pytest.raises(Unavailable):
            gate.enter()
    assert await drain
    assert time.monotonic() - refused_at > 0.49


async def test_a_drain_does_not_wait_for_ever_for_calls_to_cease(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_module, "MOST_LINGER_S", 0.5)
    gate = Gate(max_calls=1)
    drain = asyncio.create_task(gate.drain(timeout_s=30))
    await gate.draining.wait()
    while not drain.done():
        with pytest.raises(Unavailable):
            gate.enter()
        await asyncio.sleep(0.01)
    assert drain.result()


async def test_a_drain_gives_up_on_calls_that_do_not_end() -> None:
    gate = Gate(max_calls=1)
    gate.enter()
    assert not await gate.drain(timeout_s=0)
