"""The edge: token, deadline, shielding, and nothing but domain errors beyond it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty

from asktell_server.domain.errors import AsktellError, ErrorReason, NotFound, Unavailable, study_not_found
from asktell_server.transport.edge import Edge
from asktell_server.transport.gate import Gate
from asktell_server.transport.methods import Method


def _method(handler: Callable[[Any, Any], Any], name: str = "GetStudy", *, streams: bool = False) -> Method:
    return Method(service="s", name=name, request=Empty, response=Empty, streams=streams, handler=handler)


async def _call(edge: Edge, method: Method, *, token: str | None = None, remaining_s: float | None = None) -> Any:
    return await edge.unary(method, Empty(), authorization=token, remaining_s=remaining_s)


@pytest.fixture
def gate() -> Gate:
    return Gate(max_calls=3)


@pytest.fixture
def edge(gate: Gate) -> Edge:
    return Edge(gate, token=None)


async def _echo(request: Any, _context: Any) -> Any:
    return request


async def _missing(_request: Any, _context: Any) -> Any:
    raise study_not_found("projects/default/studies/a")


async def _buggy(_request: Any, _context: Any) -> Any:
    raise KeyError("redis://:password@host")


async def test_an_answer_and_a_domain_error_go_through(edge: Edge, gate: Gate) -> None:
    assert await _call(edge, _method(_echo)) == Empty()
    with pytest.raises(NotFound):
        await _call(edge, _method(_missing))
    assert gate.calls == 0


async def test_a_bug_is_told_by_incident_alone(edge: Edge, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(AsktellError) as caught:
        await _call(edge, _method(_buggy))
    incident = caught.value.metadata["incident"]
    assert caught.value.reason is ErrorReason.INTERNAL
    assert "password" not in caught.value.message
    assert incident in caught.value.message
    assert incident in caplog.text
    assert "password" in caplog.text, "the log has the cause"
    assert gate.calls == 0


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer wrong", "bearer right", "right", "Bearer right "])
async def test_a_wrong_token_is_refused(gate: Gate, token: str | None) -> None:
    edge = Edge(gate, token="right")
    with pytest.raises(AsktellError) as caught:
        await _call(edge, _method(_echo), token=token)
    assert caught.value.reason is ErrorReason.UNAUTHENTICATED
    with pytest.raises(AsktellError) as caught:
        await anext(edge.stream(_method(_numbers, streams=True), Empty(), authorization=token))
    assert caught.value.reason is ErrorReason.UNAUTHENTICATED
    assert gate.calls == 0


async def test_the_right_token_is_taken(gate: Gate) -> None:
    assert await _call(Edge(gate, token="right"), _method(_echo), token="Bearer right") == Empty()


async def test_a_read_stops_at_its_deadline(edge: Edge, gate: Gate) -> None:
    stopped = asyncio.Event()

    async def slow(_request: Any, _context: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    with pytest.raises(AsktellError) as caught:
        await _call(edge, _method(slow, "GetStudy"), remaining_s=0.01)
    assert caught.value.reason is ErrorReason.DEADLINE
    assert stopped.is_set()
    assert gate.calls == 0


async def test_a_change_runs_to_its_end_although_its_caller_is_gone(edge: Edge, gate: Gate) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def write(_request: Any, _context: Any) -> Any:
        begun.set()
        await go_on.wait()
        done.set()

    with pytest.raises(AsktellError) as caught:
        await _call(edge, _method(write, "Tell"), remaining_s=0.01)
    assert caught.value.reason is ErrorReason.DEADLINE
    begun.clear()
    cancelled = asyncio.create_task(_call(edge, _method(write, "Tell")))
    await begun.wait()
    cancelled.cancel()
    assert gate.calls == 2, "a drain waits for them"
    go_on.set()
    assert await gate.drain(timeout_s=30)
    assert done.is_set()


async def _numbers(_request: Any, _context: Any) -> AsyncGenerator[int, None]:
    for number in range(3):
        yield number


async def test_a_stream_goes_through(edge: Edge) -> None:
    stream = edge.stream(_method(_numbers, streams=True), Empty(), authorization=None)
    assert [number async for number in stream] == [0, 1, 2]


async def test_a_drain_ends_a_stream_and_sends_its_client_elsewhere(edge: Edge, gate: Gate) -> None:
    closed = asyncio.Event()

    async def endless(_request: Any, _context: Any) -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    stream = edge.stream(_method(endless, "WatchStudy", streams=True), Empty(), authorization=None)
    assert await anext(stream) == 1
    following = asyncio.ensure_future(anext(stream))
    assert await gate.drain(timeout_s=30), "open streams do not hold a drain up"
    with pytest.raises(Unavailable) as caught:
        await following
    assert caught.value.reason is ErrorReason.SERVER_DRAINING
    assert closed.is_set()


async def test_a_bug_in_a_stream_is_told_by_incident_alone(edge: Edge) -> None:
    async def broken(_request: Any, _context: Any) -> AsyncGenerator[int, None]:
        yield 1
        raise KeyError("secret")

    stream = edge.stream(_method(broken, streams=True), Empty(), authorization=None)
    assert await anext(stream) == 1
    with pytest.raises(AsktellError) as caught:
        await anext(stream)
    assert caught.value.reason is ErrorReason.INTERNAL
    assert "secret" not in caught.value.message
