"""Limits of connections, tried with raw sockets: callers that say nothing, half of something, or read nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue

from asktell_server.transport.calls import Service
from asktell_server.transport.gate import Gate
from asktell_server.transport.grpc_server import GrpcServer
from asktell_server.transport.http_server import HttpServer
from asktell_server.transport.limits import Limits
from asktell_server.transport.routes import application, routes
from tests.support.calls import edge_of, method, service

SOON_S = 0.4
LONG_S = 300.0
MOST_S = 30.0
"""What is to come soon has come by then, however busy the machine is."""

PATIENT = Limits(
    connections=100,
    handshake_s=LONG_S,
    grpc_idle_s=LONG_S,
    ping_s=LONG_S,
    head_s=LONG_S,
    http_idle_s=LONG_S,
    stalled_s=LONG_S,
)
LARGE_BYTES = 30_000_000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(request: Any, _call: Any) -> Any:
    return request


async def _large(_request: Any, _call: Any) -> Any:
    return BytesValue(value=b"x" * LARGE_BYTES)


async def _watch(_request: Any, _call: Any) -> AsyncGenerator[Any, None]:
    yield BytesValue(value=b"x")
    await asyncio.Event().wait()


KINDS: dict[str, Any] = {"request": BytesValue, "response": BytesValue}
SERVICE: Service = service(
    method(_echo, "Echo", **KINDS), method(_large, "Large", **KINDS), method(_watch, "Watch", streams=True, **KINDS)
)


@contextlib.asynccontextmanager
async def http_door(limits: Limits, gate: Gate | None = None, *, body_s: float = LONG_S) -> AsyncIterator[int]:
    """The port of an HTTP door."""
    edge = edge_of(gate or Gate(max_calls=100), body_s=body_s)
    server = HttpServer(application(routes(edge, [SERVICE], is_serving=lambda: True)), limits)
    yield await server.start("127.0.0.1:0", tls=None)
    await server.stop()


@contextlib.asynccontextmanager
async def grpc_door(limits: Limits, gate: Gate | None = None, *, body_s: float = LONG_S) -> AsyncIterator[int]:
    """The port of a gRPC door."""
    server = GrpcServer(edge_of(gate or Gate(max_calls=100), body_s=body_s), [SERVICE], limits)
    yield await server.start("127.0.0.1:0", tls=None)
    await server.stop()


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Streams]:
    """A raw connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    yield reader, writer
    writer.transport.abort()


async def until_closed(streams: Streams, *, drip: bytes = b"") -> bytes:
    """All that comes until the server closes, while the caller goes on to send a byte at a time."""
    reader, writer = streams
    received = b""

    async def dripping() -> None:
        for byte in drip:
            writer.write(bytes([byte]))
            await asyncio.sleep(SOON_S / 10)

    sending = asyncio.create_task(dripping())
    try:
        async with asyncio.timeout(MOST_S):
            while data := await reader.read(65536):
                received += data
    except ConnectionError:
        pass
    finally:
        sending.cancel()
    return received


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition."""
    async with asyncio.timeout(MOST_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def post(name: str, body: bytes, *, length: int | None = None) -> bytes:
    """An HTTP request; a `length` above the body's promises more of it."""
    length = len(body) if length is None else length
    head = f"POST /s/{name} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}"
    return head.encode() + b"\r\n\r\n" + body


# -------------------------------------------------------------------------------------------------------- HTTP


@pytest.mark.parametrize("sent", [b"", b"POST /s/Echo HTTP/1.1\r\nx: "])
async def test_headers_that_never_end_are_not_waited_for(sent: bytes) -> None:
    async with http_door(replace(PATIENT, head_s=SOON_S)) as port, connected(port) as streams:
        streams[1].write(sent)
        assert await until_closed(streams, drip=b"x" * 10_000 if sent else b"") == b""


async def test_nor_are_those_of_a_second_request() -> None:
    async with http_door(replace(PATIENT, head_s=SOON_S)) as port, connected(port) as streams:
        streams[1].write(post("Echo", b'"eA=="') + b"POST /s/Echo HTTP/1.1\r\nx: ")
        received = await until_closed(streams, drip=b"x" * 10_000)
        assert received.startswith(b"HTTP/1.1 200 OK")
        assert received.count(b"HTTP/1.1") == 1


async def test_a_call_that_takes_longer_than_headers_may_is_answered() -> None:
    async with http_door(replace(PATIENT, head_s=SOON_S)) as port, connected(port) as streams:
        streams[1].write(post("Echo", b'"', length=6))
        await asyncio.sleep(3 * SOON_S)
        streams[1].write(b'eA=="')
        assert (await until_closed(streams)).startswith(b"HTTP/1.1 200 OK")


async def test_an_idle_connection_is_closed() -> None:
    async with http_door(replace(PATIENT, http_idle_s=SOON_S)) as port, connected(port) as streams:
        streams[1].write(post("Echo", b'"eA=="'))
        assert (await until_closed(streams)).startswith(b"HTTP/1.1 200 OK")


async def test_half_a_body_is_refused_and_its_connection_closed() -> None:
    gate = Gate(max_calls=100)
    limits = replace(PATIENT, head_s=SOON_S)
    async with http_door(limits, gate, body_s=SOON_S) as port, connected(port) as streams:
        streams[1].write(post("Echo", b'"', length=900))
        await until(lambda: gate.calls == 1)
        assert b"the body did not come within" in await until_closed(streams, drip=b"x" * 800)
        assert gate.calls == 0


async def test_an_answer_that_is_not_read_is_given_up() -> None:
    async with http_door(replace(PATIENT, stalled_s=SOON_S)) as port, connected(port) as (reader, writer):
        writer.write(post("Large", b'""'))
        await reader.readline()
        await asyncio.sleep(5 * SOON_S)
        assert len(await until_closed((reader, writer))) < LARGE_BYTES


async def test_a_connection_too_many_is_told_so() -> None:
    async with http_door(replace(PATIENT, connections=2)) as port:
        async with connected(port), connected(port) as second:
            second[1].write(post("Echo", b'"eA=="'))
            await second[0].readline()
            async with connected(port) as third:
                head, _, body = (await until_closed(third)).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 ")
            assert b"asktell-error-reason: OVERLOADED" in head
            assert b"retry-after: 1" in head
            refusal = json.loads(body)
            assert refusal["code"] == "resource_exhausted"
            assert "2 connections open, and takes 2" in refusal["message"]
        async with asyncio.timeout(MOST_S):  # the others have gone, which the server sees in a moment
            while True:
                async with connected(port) as again:
                    again[1].write(post("Echo", b'"eA=="'))
                    if b"200 OK" in await again[0].readline():
                        break


# -------------------------------------------------------------------------------------------------------- gRPC

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind: int, flags: int, stream: int, payload: bytes = b"", *, length: int | None = None) -> bytes:
    """A frame of HTTP/2; a `length` above the payload's promises more of it."""
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


SETTINGS = frame(4, 0, 0)


def headers(name: str) -> bytes:
    """The head of a call, spelt out."""
    fields = {
        ":method": "POST", ":scheme": "http", ":path": f"/s/{name}", ":authority": "localhost",
        "te": "trailers", "content-type": "application/grpc",
    }  # fmt: skip
    block = b"".join(
        b"\x00" + bytes([len(text)]) + text.encode() if first else bytes([len(text)]) + text.encode()
        for field in fields.items()
        for first, text in zip((True, False), field, strict=True)
    )
    return frame(1, 4, 1, block)


def message(body: bytes, *, length: int | None = None) -> bytes:
    """A message in a frame of DATA; with a `length` above the body's it does not end."""
    return struct.pack(">BI", 0, len(body) if length is None else length) + body


@pytest.mark.parametrize("sent", [b"", PREFACE[:10], PREFACE + SETTINGS[:5]])
async def test_a_handshake_that_does_not_end_is_given_up(sent: bytes) -> None:
    async with grpc_door(replace(PATIENT, handshake_s=SOON_S)) as port, connected(port) as streams:
        streams[1].write(sent)
        await until_closed(streams)


@pytest.mark.parametrize("sent", [b"", headers("Echo")[:20], headers("Echo")[:5]])
async def test_a_connection_without_a_whole_call_is_closed(sent: bytes) -> None:
    async with grpc_door(replace(PATIENT, grpc_idle_s=SOON_S)) as port, connected(port) as streams:
        streams[1].write(PREFACE + SETTINGS + sent)
        await until_closed(streams)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        frame(0, 0, 1, b"\0\0", length=100),
        frame(0, 0, 1, message(b"abc", length=100)),
    ],
)
@pytest.mark.parametrize("name", ["Echo", "Watch"])
async def test_half_a_message_is_not_waited_for(name: str, body: bytes) -> None:
    gate = Gate(max_calls=100)
    async with grpc_door(PATIENT, gate, body_s=SOON_S) as port, connected(port) as (reader, writer):
        writer.write(PREFACE + SETTINGS + headers(name) + body)
        await until(lambda: gate.calls == 1)
        received = b""
        async with asyncio.timeout(MOST_S):
            while b"the body did not come within" not in received:
                received += await reader.read(4096)
        assert gate.calls == 0


async def test_a_call_without_a_message_is_refused() -> None:
    gate = Gate(max_calls=100)
    async with grpc_door(PATIENT, gate) as port, connected(port) as (reader, writer):
        writer.write(PREFACE + SETTINGS + headers("Echo") + frame(0, 1, 1))
        received = b""
        async with asyncio.timeout(MOST_S):
            while b"ended without one" not in received:
                received += await reader.read(4096)
        assert gate.calls == 0


async def test_a_watcher_that_has_gone_silent_is_counted_out() -> None:
    gate = Gate(max_calls=100)
    async with grpc_door(replace(PATIENT, ping_s=SOON_S), gate) as port, connected(port) as streams:
        streams[1].write(PREFACE + SETTINGS + headers("Watch") + frame(0, 1, 1, message(b"")))
        await until(lambda: gate.calls == 1)
        await until_closed(streams)
        await until(lambda: gate.calls == 0)


async def test_a_grpc_connection_too_many_is_closed() -> None:
    async with (
        grpc_door(replace(PATIENT, connections=2)) as port,
        connected(port) as first,
        connected(port) as second,
    ):
        for reader, writer in (first, second):
            writer.write(PREFACE + SETTINGS)
            await reader.readexactly(9)
        async with connected(port) as third:
            third[1].write(PREFACE + SETTINGS)
            assert await until_closed(third) == b""
