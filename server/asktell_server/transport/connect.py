"""Connect over ASGI: the methods of a service as `POST /{service}/{method}`, in JSON or protobuf.

Errors carry the same details as over gRPC and, for programs that cannot read protobuf, headers with the reason and the
field. Calls are let in when their head has come: the body of a refused one is not read.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncGenerator, Sequence
from typing import Any
from urllib.parse import quote

import protobuf.wkt
from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from asktell_server.domain.errors import AsktellError
from asktell_server.transport.bodies import JSON, PROTOBUF, Body, Encoding
from asktell_server.transport.calls import Method, Service
from asktell_server.transport.edge import Admission, Edge
from asktell_server.transport.errors import DOMAIN, MAX_METADATA_CHARS, retry_after, status_code, status_proto
from asktell_server.transport.failures import body_late, explained, too_large
from asktell_server.transport.packing import LateGzip, Packed

REASON_HEADER = f"{DOMAIN}-error-reason"
FIELD_HEADER = f"{DOMAIN}-error-field"

Context = RequestContext[Any, Any]


class ConnectService:
    """The ASGI application of one service."""

    def __init__(self, edge: Edge, service: Service) -> None:
        self._body_s = edge.body_s
        self._methods = {method.path: _ConnectMethod(edge, method) for method in service.methods}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request.

        Raises:
            HTTPException: it is no call of a method of the service.
        """
        method = self._methods.get(scope["path"])
        if method is None:
            raise HTTPException(404, f"there is no method {scope['path']}")
        _require_connect(scope, method.content_types)
        await method(scope, _within(receive, self._body_s), send)


class _ConnectMethod(ConnectASGIApplication[None]):
    """One method: an application of its own, which reads bodies up to the method's own limit."""

    def __init__(self, edge: Edge, method: Method) -> None:
        info = MethodInfo(
            name=method.name,
            service_name=method.service,
            input=Body,
            output=bytes,
            idempotency_level=IdempotencyLevel.UNKNOWN,
            stream_type=StreamType.SERVER_STREAM if method.streams else StreamType.UNARY,
        )
        kind = "application/connect+" if method.streams else "application/"
        self.content_types = tuple(kind + encoding.name for encoding in (JSON, PROTOBUF))
        door = _Door(edge, method)
        endpoint: Any = (
            Endpoint.server_stream(info, door.stream) if method.streams else Endpoint.unary(info, door.answer)
        )
        super().__init__(
            service=None,
            endpoints=lambda _: {method.path: endpoint},
            interceptors=[door],
            read_max_bytes=method.rules.max_bytes,
            codecs=[_Unparsed(JSON), _Unparsed(PROTOBUF)],
            compressions=[LateGzip()],
        )

    @property
    def path(self) -> str:
        return ""


class _Unparsed(Codec[bytes, Body]):
    """Leaves the parsing of requests and the writing of answers to the edge."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding

    def name(self) -> str:
        return self._encoding.name

    def encode(self, message: bytes) -> bytes:
        return message

    def decode(self, data: bytes | bytearray, message_class: type[Body]) -> Body:
        return Body(bytes(data), self._encoding, packed=isinstance(data, Packed))


class _Door:
    """Takes the calls of one method to the edge: `on_start` with the head, before connectrpc reads the body."""

    def __init__(self, edge: Edge, method: Method) -> None:
        self._edge = edge
        self._method = method
        self._admitted: dict[Context, Admission] = {}

    async def on_start(self, context: Context) -> Admission:
        try:
            admission = self._admit(context)
        except AsktellError as error:
            raise _connect_error(context, error) from None
        self._admitted[context] = admission
        return admission

    async def answer(self, body: Body, context: Context) -> bytes:
        return await self._edge.answer(self._admitted.pop(context), body)

    async def stream(self, body: Body, context: Context) -> AsyncGenerator[bytes, None]:
        async with contextlib.aclosing(self._edge.stream(self._admitted.pop(context), body)) as messages:
            async for message in messages:
                yield message

    async def on_end(self, admission: Admission, context: Context, error: Exception | None) -> None:
        """Ends a call whose body never came, and puts an error of ours in the place of any other."""
        if self._admitted.pop(context, None) is not None:
            admission.close()
        if error is not None and (ours := self._ours(error)) is not None:
            raise _connect_error(context, ours)

    def _admit(self, context: Context) -> Admission:
        length = context.request_headers.get("content-length", "")
        return self._edge.admit(
            self._method,
            metadata=dict(context.request_headers),
            peer=context.client_address or "",
            remaining_s=None if context.timeout_ms is None else context.timeout_ms / 1000,
            size=int(length) if length.isdecimal() and len(length) < 20 else None,
        )

    def _ours(self, error: Exception) -> AsktellError | None:
        if not isinstance(error, ConnectError):
            return explained(error, self._method)
        if error.code is Code.RESOURCE_EXHAUSTED:
            return too_large(self._method)
        if error.code is Code.DEADLINE_EXCEEDED:
            return explained(TimeoutError(), self._method)
        return None  # connectrpc found fault with its framing or compression and says so


def _connect_error(context: Context, error: AsktellError) -> ConnectError:
    context.response_headers[REASON_HEADER] = error.reason.value
    if "field" in error.metadata:  # percent-encoded: parameters may have any name
        context.response_headers[FIELD_HEADER] = quote(error.metadata["field"][:MAX_METADATA_CHARS], safe="[]._-/ ")
    retry_after_s = retry_after(error)
    if retry_after_s is not None:
        context.response_headers["retry-after"] = str(math.ceil(retry_after_s))
    status = status_proto(error)
    details = [ErrorDetail(protobuf.wkt.Any(type_url=detail.type_url, value=detail.value)) for detail in status.details]
    name = status_code(error).name
    return ConnectError(Code.CANCELED if name == "CANCELLED" else Code[name], status.message, details)


def _require_connect(scope: Scope, content_types: Sequence[str]) -> None:
    if scope["method"] != "POST":
        raise HTTPException(405, "methods are called with POST", headers={"allow": "POST"})
    content_types_sent = []
    for key, value in scope["headers"]:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise HTTPException(400, f"header {key.decode('latin-1')} is not UTF-8") from None
        if key == b"content-type":
            content_types_sent.append(text.partition(";")[0].strip().lower())
    if len(content_types_sent) > 1:  # of several, others may take another one
        raise HTTPException(400, "header content-type is there more than once")
    content_type = "".join(content_types_sent)
    if content_type not in content_types and not content_type.startswith("application/grpc-web"):
        message = f"content-type must be {' or '.join(content_types)}, got {content_type or 'none'}"
        raise HTTPException(415, message, headers={"accept-post": ", ".join(content_types)})


def _within(receive: Receive, most_s: float) -> Receive:
    """`receive` for a body that must have come `most_s` seconds from now."""
    ends_at = asyncio.get_running_loop().time() + most_s
    waits_for_body = True

    async def timed() -> Message:
        nonlocal waits_for_body
        if not waits_for_body:  # for the client to go away
            return await receive()
        try:
            async with asyncio.timeout_at(ends_at):
                message = await receive()
        except TimeoutError:
            raise body_late(most_s) from None
        waits_for_body = message.get("more_body", False)
        return message

    return timed
