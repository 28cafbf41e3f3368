"""The gRPC door: bytes to the edge and back, errors with their details, health of what serves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.wrappers_pb2 import BytesValue
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from asktell_server.domain.errors import ErrorReason, Unavailable
from asktell_server.transport.calls import Call, Service
from asktell_server.transport.gate import Gate
from asktell_server.transport.grpc_server import GrpcServer
from tests.support.calls import edge_of, method, service

RIGHT = (("authorization", "Bearer right"), ("traceparent", "00-1"), ("x-bin", b"\x00\xff"))
GARBAGE = b"\xff\xff\xff\xff"

calls: list[Call] = []


async def _echo(request: Any, call: Call) -> Any:
    calls.append(call)
    return request


async def _away(_request: Any, _call: Call) -> Any:
    raise Unavailable("away", reason=ErrorReason.STORE_UNAVAILABLE)


async def _twice(request: Any, _call: Call) -> AsyncGenerator[Any, None]:
    yield request
    yield request
    raise Unavailable("away", reason=ErrorReason.STORE_UNAVAILABLE)


@pytest.fixture
def gate() -> Gate:
    return Gate(max_calls=4)


@pytest.fixture
async def channel(gate: Gate) -> AsyncIterator[grpc.aio.Channel]:
    """A server with the service `s`, and `t`, which serves nothing."""
    kinds: dict[str, Any] = {"request": BytesValue, "response": BytesValue}
    methods = (
        method(_echo, "Echo", max_bytes=100_000, **kinds),
        method(_echo, "Small", max_bytes=10, **kinds),
        method(_away, "Away", **kinds),
        method(_twice, "Twice", streams=True, **kinds),
    )
    refusing = Service(name="t", methods=methods, serves=False)
    server = GrpcServer(edge_of(gate, token="right"), [service(*methods), refusing])
    port = await server.start("127.0.0.1:0", tls=None)
    await server.set_serving(True)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await server.stop()


async def _call(channel: grpc.aio.Channel, name: str, data: bytes, metadata: Any = RIGHT) -> bytes:
    answered: Any = channel.unary_unary(f"/s/{name}")
    answer: bytes = await answered(data, timeout=30, metadata=metadata)
    return answer


async def _refused(channel: grpc.aio.Channel, name: str, data: bytes, metadata: Any = RIGHT) -> tuple[str, str]:
    """Code and reason of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _call(channel, name, data, metadata)
    return caught.value.code().name, _reason(caught.value)


def _reason(error: Any) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return info.reason


async def test_bytes_in_and_out_and_the_call(channel: grpc.aio.Channel, gate: Gate) -> None:
    message = BytesValue(value=b"x").SerializeToString()
    assert await _call(channel, "Echo", message) == message
    call = calls[-1]
    assert (call.method.name, call.principal.name) == ("Echo", "token")
    assert call.peer.startswith("127.0.0.1:")
    assert (call.metadata["traceparent"], call.metadata["x-bin"]) == ("00-1", b"\x00\xff")
    assert "authorization" not in call.metadata
    assert call.remaining_s is not None
    assert 0 < call.remaining_s <= 30
    assert gate.calls == 0


async def test_a_wrong_token_is_refused_before_anything_is_parsed(channel: grpc.aio.Channel, gate: Gate) -> None:
    for data in (GARBAGE, b"\xff" * 100_000):
        assert await _refused(channel, "Echo", data, None) == ("UNAUTHENTICATED", "UNAUTHENTICATED")
        assert await _refused(channel, "Echo", data) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert gate.calls == 0


async def test_each_method_has_a_size_of_its_own(channel: grpc.aio.Channel) -> None:
    assert await _refused(channel, "Small", b"\xff" * 11) == ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
    with pytest.raises(grpc.aio.AioRpcError) as caught:  # the largest of all, which grpc itself checks
        await _call(channel, "Echo", b"\xff" * 100_001)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_an_error_has_details_and_says_when_to_come_again(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _call(channel, "Away", b"")
    assert (caught.value.code().name, caught.value.details()) == ("UNAVAILABLE", "away")
    assert _reason(caught.value) == "STORE_UNAVAILABLE"
    trailers = dict(caught.value.trailing_metadata() or ())
    assert trailers["grpc-retry-pushback-ms"] == "500"


async def test_a_stream_and_its_error(channel: grpc.aio.Channel, gate: Gate) -> None:
    watched: Any = channel.unary_stream("/s/Twice")
    message = BytesValue(value=b"x").SerializeToString()
    stream = watched(message, timeout=30, metadata=RIGHT)
    assert [await stream.read(), await stream.read()] == [message, message]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    assert _reason(caught.value) == "STORE_UNAVAILABLE"
    assert gate.calls == 0


async def test_health_knows_what_serves(channel: grpc.aio.Channel) -> None:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    for name in ("", "s"):
        assert (await stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=30)).status == 1
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="t"), timeout=30)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
