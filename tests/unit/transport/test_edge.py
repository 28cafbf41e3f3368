"""The edge: order of the checks, token, deadline, shielding, and nothing but domain errors beyond it."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import UninterpretedOption
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import Int32Value

from asktell_server.domain.errors import (
    AsktellError,
    ErrorReason,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unavailable,
    study_not_found,
)
from asktell_server.transport.bodies import JSON, PROTOBUF, Body
from asktell_server.transport.calls import Call, Method
from asktell_server.transport.edge import Edge
from asktell_server.transport.gate import Gate
from tests.support.calls import admit, answer, edge_of, method

GARBAGE = b"\xff\xff\xff\xff"
ONE = Int32Value(value=1)


@pytest.fixture
def gate() -> Gate:
    return Gate(max_calls=3)


@pytest.fixture
def edge(gate: Gate) -> Edge:
    return edge_of(gate)


def stream_of(edge: Edge, streaming: Method, *, token: str | None = None) -> AsyncGenerator[bytes, None]:
    return edge.stream(admit(edge, streaming, token=token), Body(b"", PROTOBUF))


async def _echo(request: Any, _call: Any) -> Any:
    return request


async def _missing(_request: Any, _call: Any) -> Any:
    raise study_not_found("projects/default/studies/a")


async def _buggy(_request: Any, _call: Any) -> Any:
    raise KeyError("redis://:password@host")


async def test_an_answer_and_a_domain_error_go_through(edge: Edge, gate: Gate) -> None:
    assert await answer(edge, method(_echo)) == b""
    with pytest.raises(NotFound):
        await answer(edge, method(_missing))
    assert gate.calls == 0


async def test_a_bug_is_told_by_incident_alone(edge: Edge, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(AsktellError) as caught:
        await answer(edge, method(_buggy))
    incident = caught.value.metadata["incident"]
    assert caught.value.reason is ErrorReason.INTERNAL
    assert "password" not in caught.value.message
    assert incident in caught.value.message
    assert incident in caplog.text
    assert "password" in caplog.text, "the log has the cause"
    assert gate.calls == 0


@pytest.mark.parametrize("token", [None, "", "Bearer", "Bearer wrong", "bearer right", "right", "Bearer right "])
async def test_a_wrong_token_is_refused(gate: Gate, token: str | None) -> None:
    edge = edge_of(gate, token="right")
    with pytest.raises(AsktellError) as caught:
        await answer(edge, method(_echo), token=token)
    assert caught.value.reason is ErrorReason.UNAUTHENTICATED
    with pytest.raises(AsktellError) as caught:
        await anext(stream_of(edge, method(_numbers, streams=True), token=token))
    assert caught.value.reason is ErrorReason.UNAUTHENTICATED
    assert gate.calls == 0


async def test_the_right_token_is_taken(gate: Gate) -> None:
    assert await answer(edge_of(gate, token="right"), method(_echo), token="Bearer right") == b""


async def test_a_read_stops_at_its_deadline(edge: Edge, gate: Gate) -> None:
    stopped = asyncio.Event()

    async def slow(_request: Any, _call: Any) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    with pytest.raises(AsktellError) as caught:
        await answer(edge, method(slow), remaining_s=0.01)
    assert caught.value.reason is ErrorReason.DEADLINE
    assert stopped.is_set()
    assert gate.calls == 0


async def test_a_change_runs_to_its_end_although_its_caller_is_gone(edge: Edge, gate: Gate) -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def write(_request: Any, _call: Any) -> Any:
        begun.set()
        await go_on.wait()
        done.set()
        return Empty()

    with pytest.raises(AsktellError) as caught:
        await answer(edge, method(write, cancellable=False), remaining_s=0.01)
    assert caught.value.reason is ErrorReason.DEADLINE
    begun.clear()
    cancelled = asyncio.create_task(answer(edge, method(write, cancellable=False)))
    await begun.wait()
    cancelled.cancel()
    assert gate.calls == 2, "a drain waits for them"
    go_on.set()
    assert await gate.drain(timeout_s=30)
    assert done.is_set()


async def _numbers(_request: Any, _call: Any) -> AsyncGenerator[Int32Value, None]:
    for number in range(3):
        yield Int32Value(value=number)


async def test_a_stream_goes_through(edge: Edge) -> None:
    stream = stream_of(edge, method(_numbers, streams=True))
    assert [Int32Value.FromString(message).value async for message in stream] == [0, 1, 2]


async def test_a_drain_ends_a_stream_and_sends_its_client_elsewhere(edge: Edge, gate: Gate) -> None:
    closed = asyncio.Event()

    async def endless(_request: Any, _call: Any) -> AsyncGenerator[Int32Value, None]:
        try:
            yield ONE
            await asyncio.Event().wait()
        finally:
            closed.set()

    stream = stream_of(edge, method(endless, streams=True))
    assert await anext(stream) == ONE.SerializeToString()
    following = asyncio.ensure_future(anext(stream))
    assert await gate.drain(timeout_s=30), "open streams do not hold a drain up"
    with pytest.raises(Unavailable) as caught:
        await following
    assert caught.value.reason is ErrorReason.SERVER_DRAINING
    assert closed.is_set()


async def test_a_bug_in_a_stream_is_told_by_incident_alone(edge: Edge) -> None:
    async def broken(_request: Any, _call: Any) -> AsyncGenerator[Int32Value, None]:
        yield ONE
        raise KeyError("secret")

    stream = stream_of(edge, method(broken, streams=True))
    assert await anext(stream) == ONE.SerializeToString()
    with pytest.raises(AsktellError) as caught:
        await anext(stream)
    assert caught.value.reason is ErrorReason.INTERNAL
    assert "secret" not in caught.value.message


# ------------------------------------------------------------------------------------ the order of the checks


async def test_a_wrong_token_is_refused_before_anything_is_parsed(gate: Gate) -> None:
    """Bytes that no parser takes, and a body of the largest size: both would be told otherwise, had they been parsed."""
    edge = edge_of(gate, token="right")
    for data in (GARBAGE, b"\xff" * 1000):
        for token in (None, "Bearer wrong"):
            with pytest.raises(AsktellError) as caught:
                await answer(edge, method(_echo), data, token=token)
            assert caught.value.reason is ErrorReason.UNAUTHENTICATED
        with pytest.raises(InvalidArgument):
            await answer(edge, method(_echo), data, token="Bearer right")
    assert gate.calls == 0


async def test_a_body_that_is_too_large_is_refused_first_of_all(gate: Gate) -> None:
    edge = edge_of(gate, token="right")
    with pytest.raises(ResourceExhausted) as caught:
        await answer(edge, method(_echo, "Ask", max_bytes=10), b"\xff" * 11)
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert caught.value.metadata == {"limit": "10", "field": "request"}
    assert "Ask" in caught.value.message


async def test_an_overloaded_or_draining_server_parses_nothing(gate: Gate, edge: Edge) -> None:
    for _ in range(3):
        gate.enter()
    with pytest.raises(ResourceExhausted, match="3 calls in flight"):
        await answer(edge, method(_echo), GARBAGE)
    for _ in range(3):
        gate.leave()
    assert await gate.drain(timeout_s=30)
    with pytest.raises(Unavailable):
        await answer(edge, method(_echo), GARBAGE)


async def test_what_cannot_be_parsed_is_refused_and_counted_out(gate: Gate, edge: Edge) -> None:
    for encoding, field in ((PROTOBUF, "request"), (JSON, "body")):
        for cancellable in (True, False):
            with pytest.raises(InvalidArgument) as caught:
                await answer(edge, method(_echo, cancellable=cancellable), GARBAGE, encoding=encoding)
            assert caught.value.field == field
            assert "google.protobuf.Empty" in caught.value.message
    assert gate.calls == 0


async def test_a_call_whose_body_never_comes_is_counted_out_once(gate: Gate, edge: Edge) -> None:
    admission = admit(edge, method(_echo), size=None)
    assert gate.calls == 1
    admission.close()
    admission.close()
    assert gate.calls == 0


# ------------------------------------------------------------------------------------------------- the call


async def test_a_handler_gets_the_call(gate: Gate) -> None:
    calls: list[Call] = []
    now = 100.0

    async def see(_request: Any, call: Call) -> Any:
        calls.append(call)
        return Empty()

    seeing = method(see)
    edge = edge_of(gate, token="right", clock=lambda: now)
    await answer(edge, seeing, token="Bearer right", remaining_s=7.0, metadata={"traceparent": "00-1"})
    await answer(edge, seeing, token="Bearer right")
    await answer(edge, seeing, token="Bearer right", remaining_s=1e9)
    call = calls[0]
    assert (call.method, call.principal.name, call.peer) == (seeing, "token", "127.0.0.1:7")
    assert dict(call.metadata) == {"traceparent": "00-1"}, "the token is not for handlers"
    assert "right" not in repr(call)
    assert [each.deadline_s for each in calls] == [107.0, 160.0, 400.0]
    now = 104.0
    assert call.remaining_s == 3.0
    now = 108.0
    assert call.remaining_s == -1.0


async def test_a_stream_has_the_deadline_of_its_caller_alone(gate: Gate) -> None:
    seen: list[float | None] = []

    async def see(_request: Any, call: Call) -> AsyncGenerator[Empty, None]:
        seen.append(call.remaining_s)
        yield Empty()

    edge = edge_of(gate, clock=lambda: 0.0)
    for remaining_s in (None, 1e9):
        admission = admit(edge, method(see, streams=True), remaining_s=remaining_s)
        assert [message async for message in edge.stream(admission, Body(b"", PROTOBUF))] == [b""]
    assert seen == [None, 1e9]


async def test_the_log_of_a_bug_names_the_project(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(AsktellError):
        await answer(edge, method(_buggy, "Ask", project=lambda _: "vision"))
    assert "Ask of project vision failed" in caplog.text


# -------------------------------------------------------------------------------------- streams and admission


async def test_streams_count_as_calls_until_they_end_or_are_left(edge: Edge, gate: Gate) -> None:
    endless = method(_endless, streams=True)
    stream = stream_of(edge, endless)
    await anext(stream)
    assert gate.calls == 1
    with pytest.raises(ResourceExhausted, match="1 streams open"):
        stream_of(edge, endless)
    assert await answer(edge, method(_echo)) == b"", "there is room for other calls"
    await stream.aclose()
    assert gate.calls == 0
    assert [message async for message in stream_of(edge, method(_numbers, streams=True))]
    assert gate.calls == 0


async def test_streams_are_refused_when_the_server_is_full_or_goes_down(edge: Edge, gate: Gate) -> None:
    for _ in range(3):
        gate.enter()
    with pytest.raises(ResourceExhausted, match="3 calls in flight"):
        stream_of(edge, method(_numbers, streams=True))
    gate.set_store_trouble("the store is away")
    with pytest.raises(Unavailable, match="the store is away"):
        stream_of(edge, method(_numbers, streams=True))


async def test_a_stream_whose_request_cannot_be_parsed_is_refused_and_counted_out(edge: Edge, gate: Gate) -> None:
    admission = admit(edge, method(_numbers, streams=True))
    with pytest.raises(InvalidArgument):
        await anext(edge.stream(admission, Body(GARBAGE, PROTOBUF)))
    assert gate.calls == 0


async def _endless(_request: Any, _call: Any) -> AsyncGenerator[Int32Value, None]:
    yield ONE
    await asyncio.Event().wait()


# ----------------------------------------------------------------------------- no memory behind a refused call


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What a cycle holds stays in memory."""
    gc.collect()
    gc.disable()
    logging.disable()  # pytest keeps log records, and those their errors
    yield
    logging.disable(logging.NOTSET)
    gc.enable()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("cancellable", [True, False])
@pytest.mark.parametrize("encoding", [PROTOBUF, JSON])
@pytest.mark.parametrize("what", ["token", "parser", "domain", "bug", "deadline"])
async def test_a_refused_call_leaves_neither_body_nor_request(
    gate: Gate, what: str, encoding: Any, cancellable: bool
) -> None:
    contents = b"x" * 1_000_000  # one object, told by the number of its references

    async def refuse(request: UninterpretedOption, _call: Any) -> Any:
        held = (request, contents)
        if what == "domain":
            raise study_not_found("a")
        if what == "bug":
            raise KeyError(held)
        await asyncio.sleep(0.02)
        return Empty()

    refusing = method(refuse, request=UninterpretedOption, cancellable=cancellable, max_bytes=3_000_000)
    data = GARBAGE * 300_000 if what == "parser" else encoding.write(UninterpretedOption(string_value=contents))
    token, remaining_s = ("wrong" if what == "token" else "Bearer right"), (0.0 if what == "deadline" else None)
    edge = edge_of(gate, token="right")
    before = sys.getrefcount(data), sys.getrefcount(contents)
    for _ in range(3):
        with pytest.raises(AsktellError) as caught:
            await answer(edge, refusing, data, encoding=encoding, token=token, remaining_s=remaining_s)
        assert caught.value.__cause__ is caught.value.__context__ is None
        del caught
    for _ in range(100):  # until what ran on beyond its deadline has ended
        if (sys.getrefcount(data), sys.getrefcount(contents)) == before:
            break
        await asyncio.sleep(0.05)
    assert (sys.getrefcount(data), sys.getrefcount(contents)) == before
