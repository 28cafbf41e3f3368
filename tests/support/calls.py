"""Methods of no protocol, an edge for them, and both doors driven without a server, for the tests of transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from asktell_server.transport.bodies import PROTOBUF, Body, Encoding, Translator
from asktell_server.transport.calls import Metadata, Method, Permission, Rules, Service
from asktell_server.transport.edge import Admission, Edge
from asktell_server.transport.gate import Gate
from asktell_server.transport.identity import Identity


def method(
    handler: Callable[[Any, Any], Any],
    name: str = "Get",
    *,
    streams: bool = False,
    cancellable: bool = True,
    request: type[Message] = Empty,
    response: type[Message] = Empty,
    project: Callable[[Any], str] = lambda _: "",
    max_bytes: int = 1000,
) -> Method:
    """A method of the service `s`."""
    rules = Rules(permission=Permission.READ, project=project, max_bytes=max_bytes, cancellable=cancellable)
    return Method(
        service="s", name=name, request=request, response=response, streams=streams, rules=rules, handler=handler
    )


def service(*methods: Method) -> Service:
    """The service `s`."""
    return Service(name="s", methods=methods, serves=True)


def edge_of(
    gate: Gate, *, token: str | None = None, body_s: float | None = None, clock: Callable[[], float] | None = None
) -> Edge:
    """An edge that wants this token."""
    more: dict[str, Any] = {} if clock is None else {"clock": clock}
    if body_s is not None:
        more["body_s"] = body_s
    return Edge(gate, Identity(token=token), Translator(), **more)


def admit(
    edge: Edge,
    method: Method,
    *,
    token: str | None = None,
    remaining_s: float | None = None,
    size: int | None = 0,
    metadata: Metadata | None = None,
) -> Admission:
    """Has a call let in. `token`: the whole authorization header."""
    given: Metadata = {} if token is None else {"authorization": token}
    given.update(metadata or {})
    return edge.admit(method, metadata=given, peer="127.0.0.1:7", remaining_s=remaining_s, size=size)


async def answer(edge: Edge, method: Method, data: bytes = b"", *, encoding: Encoding = PROTOBUF, **head: Any) -> bytes:
    """Takes a unary call through the edge."""
    admission = admit(edge, method, size=len(data), **head)
    return await edge.answer(admission, Body(data, encoding))


@dataclass(slots=True, kw_only=True)
class Exchange:
    """What an ASGI application answered, and how much of the body it asked for."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    chunks_read: int = 0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def exchange(
    application: Any,
    path: str,
    chunks: Sequence[bytes] | Callable[[], Any] = (b"{}",),
    *,
    verb: str = "POST",
    headers: Mapping[str, str | bytes] | None = None,
    more_headers: Sequence[tuple[bytes, bytes]] = (),
    leaves: bool = False,
) -> Exchange:
    """One request to an ASGI application, by a client that stays or `leaves` once its body is sent.

    `chunks`: the body, or what gives the next message of it.
    """
    done = Exchange()
    sent = {"content-type": "application/json", **(headers or {})}
    encoded = [(key.encode(), value.encode() if isinstance(value, str) else value) for key, value in sent.items()]
    encoded += more_headers

    async def receive() -> dict[str, Any]:
        if callable(chunks):
            return await chunks()
        if done.chunks_read == len(chunks):
            if not leaves:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        done.chunks_read += 1
        more = done.chunks_read < len(chunks)
        return {"type": "http.request", "body": chunks[done.chunks_read - 1], "more_body": more}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            done.status = message["status"]
            done.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        elif message["type"] == "http.response.body":
            done.body += message.get("body", b"")

    scope = {
        "type": "http",
        "method": verb,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
        "headers": encoded,
        "client": ("127.0.0.1", 7),
        "server": ("127.0.0.1", 80),
    }
    await application(scope, receive, send)
    return done
