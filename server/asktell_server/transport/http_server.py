"""HTTP/JSON for programs without gRPC: the Connect protocol for every method, on HTTP/1.1.

`POST /asktell.v1.TrialService/Ask` with a JSON body answers JSON. Errors carry the same details as over gRPC, and, for
programs that cannot read protobuf, the headers `asktell-error-reason` and `asktell-error-field`. `GET /healthz` answers 200 while the server serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import protobuf.wkt
import uvicorn
from connectrpc.code import Code
from connectrpc.codec import Codec
from connectrpc.compat import google_protobuf_binary_codec, google_protobuf_json_codec
from connectrpc.errors import ConnectError, ErrorDetail
from connectrpc.method import IdempotencyLevel, MethodInfo, StreamType
from connectrpc.request import RequestContext
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf.json_format import ParseError
from google.protobuf.message import Message

from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.transport.edge import Edge
from asktell_server.transport.errors import DOMAIN, MAX_METADATA_CHARS, retry_after, status_code, status_proto
from asktell_server.transport.methods import Method, Service

MAX_BODY_BYTES = 32 * 1024 * 1024
REASON_HEADER = f"{DOMAIN}-error-reason"
FIELD_HEADER = f"{DOMAIN}-error-field"
STOP_GRACE_S = 1.0

Context = RequestContext[Any, Any]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class HttpServer:
    """One listening HTTP server over the same edge as gRPC."""

    def __init__(
        self,
        edge: Edge,
        services: Sequence[Service],
        *,
        is_serving: Callable[[], bool],
        certificate: Path | None = None,
        private_key: Path | None = None,
    ) -> None:
        connect = _ConnectApplication(edge, services)
        config = uvicorn.Config(
            _with_health(connect, is_serving),
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            ssl_certfile=certificate,
            ssl_keyfile=private_key,
            timeout_graceful_shutdown=math.ceil(STOP_GRACE_S),
        )
        self._server = _Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self, address: str) -> int:
        """Binds `host:port` (port 0 = any free one) and serves; returns the port.

        Raises:
            OSError: the address cannot be bound.
        """
        host, _, port = address.rpartition(":")
        listener = socket.create_server((host.strip("[]"), int(port)), family=_family(host))
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="http server")
        bound: int = listener.getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Closes the port; calls in flight get a short while to end."""
        if self._serving is not None:
            self._server.should_exit = True
            await self._serving


class _Server(uvicorn.Server):
    """Leaves signals to the composition root."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _ConnectApplication(ConnectASGIApplication[None]):
    """Endpoints of all services, built from their descriptors."""

    def __init__(self, edge: Edge, services: Sequence[Service]) -> None:
        endpoints = {method.path: _endpoint(edge, method) for service in services for method in service.methods()}
        super().__init__(
            service=None,
            endpoints=lambda _: endpoints,
            read_max_bytes=MAX_BODY_BYTES,
            codecs=[google_protobuf_binary_codec(), _StrictJson()],
        )

    @property
    def path(self) -> str:
        return ""


class _StrictJson(Codec[Message, Any]):
    """JSON in which a misspelt field is refused, with an error like all others."""

    def __init__(self) -> None:
        self._codec = google_protobuf_json_codec(ignore_unknown_fields=False)

    def name(self) -> str:
        return self._codec.name()

    def encode(self, message: Message) -> bytes:
        encoded: bytes = self._codec.encode(message)
        return encoded

    def decode(self, data: bytes | bytearray, message_class: type[Any]) -> Any:
        try:
            return self._codec.decode(data, message_class)
        except (ParseError, UnicodeDecodeError) as error:
            refused = InvalidArgument("body", f"is not JSON of {message_class.DESCRIPTOR.full_name}: {error}")
            raise _connect_error(refused) from None


def _endpoint(edge: Edge, method: Method) -> Any:
    info = MethodInfo(
        name=method.name,
        service_name=method.service,
        input=method.request,
        output=method.response,
        idempotency_level=IdempotencyLevel.UNKNOWN,
        stream_type=StreamType.SERVER_STREAM if method.streams else StreamType.UNARY,
    )
    if method.streams:
        return Endpoint.server_stream(info, _stream(edge, method))
    return Endpoint.unary(info, _unary(edge, method))


def _unary(edge: Edge, method: Method) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        remaining_s = None if context.timeout_ms is None else context.timeout_ms / 1000
        try:
            return await edge.unary(
                method, request, authorization=context.request_headers.get("authorization"), remaining_s=remaining_s
            )
        except AsktellError as error:
            _add_headers(context, error)
            raise _connect_error(error) from None

    return call


def _stream(edge: Edge, method: Method) -> Callable[[Any, Context], AsyncIterator[Any]]:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        authorization = context.request_headers.get("authorization")
        try:
            async for message in edge.stream(method, request, authorization=authorization):
                yield message
        except AsktellError as error:
            raise _connect_error(error) from None

    return call


def _connect_error(error: AsktellError) -> ConnectError:
    status = status_proto(error)
    details = [ErrorDetail(protobuf.wkt.Any(type_url=detail.type_url, value=detail.value)) for detail in status.details]
    name = status_code(error).name
    return ConnectError(Code.CANCELED if name == "CANCELLED" else Code[name], status.message, details)


def _add_headers(context: Context, error: AsktellError) -> None:
    context.response_headers[REASON_HEADER] = error.reason.value
    if "field" in error.metadata:  # percent-encoded: parameters may have any name
        context.response_headers[FIELD_HEADER] = quote(error.metadata["field"][:MAX_METADATA_CHARS], safe="[]._-/ ")
    retry_after_s = retry_after(error)
    if retry_after_s is not None:
        context.response_headers["retry-after"] = str(math.ceil(retry_after_s))


def _with_health(connect: Asgi, is_serving: Callable[[], bool]) -> Asgi:
    async def application(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/healthz":
            await connect(scope, receive, send)
            return
        status, body = (200, b"SERVING\n") if is_serving() else (503, b"NOT_SERVING\n")
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
