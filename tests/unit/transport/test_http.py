"""The HTTP door: routes, what is no call of ours, and calls that are refused before their body is read."""

from __future__ import annotations

import asyncio
import gzip
import json
import struct
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from asktell_server.domain.errors import InvalidArgument
from asktell_server.transport.gate import Gate
from asktell_server.transport.routes import application, routes
from tests.support.calls import Exchange, edge_of, exchange, method, service

TOKEN = {"authorization": "Bearer right"}
STREAM = {"content-type": "application/connect+json", **TOKEN}


async def _echo(request: Any, _call: Any) -> Any:
    return request


async def _refuse(_request: Any, _call: Any) -> Any:
    raise InvalidArgument("trials[0].ünknown", "is wrong")


async def _slow(_request: Any, _call: Any) -> Any:
    await asyncio.Event().wait()


async def _twice(request: Any, _call: Any) -> AsyncGenerator[Any, None]:
    yield request
    yield request


METHODS = (
    method(_echo, "Echo", request=Struct, response=Struct),
    method(_refuse, "Refuse", request=Struct, response=Struct),
    method(_slow, "Slow", request=Struct, response=Struct),
    method(_twice, "Twice", request=Struct, response=Struct, streams=True),
)


@pytest.fixture
def gate() -> Gate:
    return Gate(max_calls=4)


@pytest.fixture
def app(gate: Gate) -> Starlette:
    edge = edge_of(gate, token="right")
    return application(routes(edge, [service(*METHODS)], is_serving=lambda: gate.is_open))


# ------------------------------------------------------------------------------------------------------ routes


async def test_health_follows_the_gate(app: Starlette, gate: Gate) -> None:
    healthy = await exchange(app, "/healthz", verb="GET")
    assert (healthy.status, healthy.body) == (200, b"SERVING\n")
    gate.set_store_trouble("away")
    sick = await exchange(app, "/healthz", verb="GET")
    assert (sick.status, sick.body) == (503, b"NOT_SERVING\n")


async def test_another_route_is_one_line(gate: Gate) -> None:
    async def version(_request: Request) -> JSONResponse:
        return JSONResponse({"version": "1"})

    app = application([*routes(edge_of(gate), [], is_serving=lambda: True), Route("/version", version)])
    assert (await exchange(app, "/version", verb="GET")).json == {"version": "1"}


@pytest.mark.parametrize("path", ["/", "/healthz/", "/s", "/s/", "/s/Nothing", "/t/Echo", "/s/Echo/", "//s/Echo"])
async def test_where_nothing_is_the_answer_says_so(app: Starlette, path: str) -> None:
    answer = await exchange(app, path, headers=TOKEN)
    assert (answer.status, answer.json["code"]) == (404, "unimplemented")
    assert path in answer.json["message"]
    assert answer.chunks_read == 0


async def test_what_is_no_call_gets_a_clear_answer(app: Starlette) -> None:
    got = await exchange(app, "/s/Echo", verb="GET", headers=TOKEN)
    assert (got.status, got.headers["allow"]) == (405, "POST")
    assert "POST" in got.json["message"]
    for content_type in ("application/grpc", "application/grpc+proto", "text/plain", "", "application/jsonx"):
        form = await exchange(app, "/s/Echo", headers={**TOKEN, "content-type": content_type})
        assert (form.status, form.chunks_read) == (415, 0)
        assert "application/json or application/proto" in form.json["message"]
        assert "application/json" in form.headers["accept-post"]
    for first, second in (("application/grpc", b"application/json"), ("application/json", b"application/grpc")):
        headers = {**TOKEN, "content-type": first}
        form = await exchange(app, "/s/Echo", headers=headers, more_headers=[(b"content-type", second)])
        assert (form.status, form.json["message"]) == (400, "header content-type is there more than once")
    unframed = await exchange(app, "/s/Twice", headers=TOKEN)
    assert (unframed.status, unframed.headers["accept-post"]) == (
        415,
        "application/connect+json, application/connect+proto",
    )
    binary = await exchange(app, "/s/Echo", headers={**TOKEN, "x-name": b"\xff"})
    assert (binary.status, binary.json["message"]) == (400, "header x-name is not UTF-8")


# ------------------------------------------------------------------------------------------------------- calls


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_in_and_out(app: Starlette, gate: Gate, content_type: str) -> None:
    answer = await exchange(app, "/s/Echo", [b'{"a"', b": 1}"], headers={**TOKEN, "content-type": content_type})
    assert (answer.status, answer.json) == (200, {"a": 1})
    assert gate.calls == 0


async def test_protobuf_in_and_out(app: Starlette) -> None:
    message = Struct()
    message.update({"a": 1})
    headers = {**TOKEN, "content-type": "application/proto"}
    answer = await exchange(app, "/s/Echo", [message.SerializeToString()], headers=headers)
    assert (answer.status, Struct.FromString(answer.body)) == (200, message)


async def test_an_error_of_a_handler_has_status_reason_and_field(app: Starlette, gate: Gate) -> None:
    answer = await exchange(app, "/s/Refuse", headers=TOKEN)
    assert (answer.status, answer.json["code"]) == (400, "invalid_argument")
    assert answer.headers["asktell-error-reason"] == "INVALID_FIELD"
    assert answer.headers["asktell-error-field"] == "trials[0].%C3%BCnknown"
    assert gate.calls == 0


async def test_a_deadline_has_a_reason_too(app: Starlette, gate: Gate) -> None:
    answer = await exchange(app, "/s/Slow", headers={**TOKEN, "connect-timeout-ms": "20"})
    assert (answer.json["code"], answer.headers["asktell-error-reason"]) == ("deadline_exceeded", "DEADLINE")
    assert gate.calls == 0


async def test_a_stream(app: Starlette, gate: Gate) -> None:
    answer = await exchange(app, "/s/Twice", [_envelope(b'{"a": 1}')], headers=STREAM)
    first, second, end = _messages(answer)
    assert first == second == {"a": 1}
    assert end == {}
    assert gate.calls == 0


# ---------------------------------------------------------------------- refused before the body is read or parsed


@pytest.mark.parametrize("body", [b"{", b"\xff" * 1000, b'{"a": 1}'])
@pytest.mark.parametrize("token", [{}, {"authorization": "Bearer wrong"}])
async def test_a_wrong_token_is_refused_with_the_body_unread(
    app: Starlette, gate: Gate, token: dict[str, str], body: bytes
) -> None:
    answer = await exchange(app, "/s/Echo", [body], headers=token)
    assert (answer.status, answer.headers["asktell-error-reason"]) == (401, "UNAUTHENTICATED")
    assert answer.chunks_read == 0
    streamed = await exchange(app, "/s/Twice", [_envelope(body)], headers={**STREAM, "authorization": "", **token})
    (end,) = _messages(streamed)
    assert (end["error"]["code"], streamed.headers["asktell-error-reason"]) == ("unauthenticated", "UNAUTHENTICATED")
    assert streamed.chunks_read == 0
    assert gate.calls == 0


async def test_a_body_that_declares_itself_too_large_is_refused_unread(app: Starlette, gate: Gate) -> None:
    answer = await exchange(app, "/s/Echo", [b"{}"], headers={**TOKEN, "content-length": "1001"})
    assert (answer.status, answer.headers["asktell-error-reason"]) == (429, "LIMIT_EXCEEDED")
    assert (answer.headers["asktell-error-field"], answer.chunks_read) == ("request", 0)
    assert "the 1,000 bytes that Echo takes" in answer.json["message"]
    assert gate.calls == 0


async def test_a_body_without_a_length_is_read_up_to_the_limit(app: Starlette, gate: Gate) -> None:
    answer = await exchange(app, "/s/Echo", [b"x" * 400] * 100, headers=TOKEN)
    assert (answer.status, answer.headers["asktell-error-reason"]) == (429, "LIMIT_EXCEEDED")
    assert answer.chunks_read == 3
    packed = gzip.compress(b" " * 1_000_000)
    bomb = await exchange(app, "/s/Echo", [packed[:900]], headers={**TOKEN, "content-encoding": "gzip"})
    assert (bomb.status, bomb.headers["asktell-error-reason"]) == (429, "LIMIT_EXCEEDED")
    assert gate.calls == 0


PACKED = {**TOKEN, "content-encoding": "gzip"}


async def test_a_packed_body_and_a_packed_answer(app: Starlette, gate: Gate) -> None:
    for packed in (gzip.compress(b'{"a": 1}'), gzip.compress(b'{"a"') + gzip.compress(b": 1}")):
        answer = await exchange(app, "/s/Echo", [packed], headers={**PACKED, "accept-encoding": "gzip"})
        assert (answer.status, answer.headers["content-encoding"]) == (200, "gzip")
        assert json.loads(gzip.decompress(answer.body)) == {"a": 1}
    envelope = b"\x01" + struct.pack(">I", len(packed)) + packed
    headers = {**STREAM, "connect-content-encoding": "gzip"}
    assert _messages(await exchange(app, "/s/Twice", [envelope], headers=headers))[0] == {"a": 1}
    assert gate.calls == 0


@pytest.mark.parametrize(
    "body", [b"no gzip", gzip.compress(b'{"a": 1}', mtime=0)[:-9], gzip.compress(b'{"a": 1}', mtime=0) + b"more"]
)
async def test_a_body_that_is_no_gzip_is_refused(app: Starlette, gate: Gate, body: bytes) -> None:
    answer = await exchange(app, "/s/Echo", [body], headers=PACKED)
    assert (answer.status, answer.headers["asktell-error-field"]) == (400, "body")
    assert "is not gzip" in answer.json["message"]
    assert gate.calls == 0


@pytest.mark.parametrize("size", [1001, 100_000])
async def test_a_packed_body_is_as_large_as_it_unpacks_to(app: Starlette, gate: Gate, size: int) -> None:
    answer = await exchange(app, "/s/Echo", [gzip.compress(b" " * size)], headers=PACKED)
    assert (answer.status, answer.headers["asktell-error-reason"]) == (429, "LIMIT_EXCEEDED")
    assert "the 1,000 bytes that Echo takes" in answer.json["message"]
    assert gate.calls == 0


async def test_what_cannot_be_parsed_is_refused_by_the_message_s_name(app: Starlette, gate: Gate) -> None:
    for content_type, field in (("application/json", "body"), ("application/proto", "request")):
        answer = await exchange(app, "/s/Echo", [b"\xff\xff"], headers={**TOKEN, "content-type": content_type})
        assert (answer.status, answer.headers["asktell-error-field"]) == (400, field)
        assert "google.protobuf.Struct" in answer.json["message"]
    assert gate.calls == 0


async def test_an_overloaded_server_reads_no_body(app: Starlette, gate: Gate) -> None:
    for _ in range(4):
        gate.enter()
    answer = await exchange(app, "/s/Echo", headers=TOKEN)
    assert (answer.status, answer.headers["asktell-error-reason"]) == (429, "OVERLOADED")
    assert (answer.headers["retry-after"], answer.chunks_read) == ("1", 0)
    assert gate.calls == 4


async def test_a_body_that_does_not_come_is_given_up(gate: Gate) -> None:
    app = application(routes(edge_of(gate, body_s=0.05), [service(*METHODS)], is_serving=lambda: True))
    answer = await exchange(app, "/s/Echo", asyncio.Event().wait)
    assert (answer.json["code"], answer.headers["asktell-error-reason"]) == ("deadline_exceeded", "DEADLINE")
    assert "body" in answer.json["message"]
    assert gate.calls == 0


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_counted_out(app: Starlette, gate: Gate) -> None:
    left = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Any:
        return next(left)

    await exchange(app, "/s/Echo", receive, headers=TOKEN)
    assert gate.calls == 0


async def test_a_client_that_leaves_stops_its_call(app: Starlette, gate: Gate) -> None:
    async with asyncio.timeout(30):
        await exchange(app, "/s/Slow", headers=TOKEN, leaves=True)
    assert gate.calls == 0


def _envelope(body: bytes) -> bytes:
    return struct.pack(">BI", 0, len(body)) + body


def _messages(answer: Exchange) -> list[Any]:
    messages, rest = [], answer.body
    while rest:
        _, length = struct.unpack(">BI", rest[:5])
        messages.append(json.loads(rest[5 : 5 + length]))
        rest = rest[5 + length :]
    return messages
