"""The gRPC server: our services, health and reflection on one port."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.transport.context import Context
from asktell_server.transport.edge import Edge
from asktell_server.transport.errors import to_status
from asktell_server.transport.methods import Method, Service

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""20,000 observations of a large space fit."""

STOP_GRACE_S = 1.0
"""For what is left after the drain, such as open health watches."""

_OPTIONS: Sequence[tuple[str, int]] = (
    # On by default, and a second server would silently share the port.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Clients ping every 30 s while they watch; without these the server would end their connection.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate chain and private key, PEM."""

    certificate: bytes
    private_key: bytes


class GrpcServer:
    """One listening server. Health speaks for the services of `serving`, and for the server as a whole."""

    def __init__(self, edge: Edge, services: Sequence[Service], *, serving: Sequence[str]) -> None:
        self._server = grpc.aio.server(options=_OPTIONS)
        self._health = health.aio.HealthServicer()
        self._serving = ("", *serving)
        for service in services:
            handlers = {method.name: _handler(edge, method) for method in service.methods()}
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service.name, handlers)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.name for service in services]
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        reflection.enable_server_reflection([*names, health_name, reflection.SERVICE_NAME], self._server)

    async def start(self, address: str, *, tls: Tls | None) -> int:
        """Binds `host:port` (port 0 = any free one) and serves; returns the port.

        Raises:
            RuntimeError: the address cannot be bound.
        """
        if tls is None:
            port = self._server.add_insecure_port(address)
        else:
            credentials = grpc.ssl_server_credentials([(tls.private_key, tls.certificate)])
            port = self._server.add_secure_port(address, credentials)
        if not port:
            raise RuntimeError(f"cannot listen on {address}")
        await self.set_serving(False)
        await self._server.start()
        return port

    async def set_serving(self, serving: bool) -> None:
        """Sets what health checks see."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in self._serving:
            await self._health.set(service, status)

    async def announce_stop(self) -> None:
        """Health says NOT_SERVING for good: load balancers send nothing new."""
        await self._health.enter_graceful_shutdown()

    async def stop(self) -> None:
        """Closes the port and ends what is left."""
        await self._server.stop(STOP_GRACE_S)


def _handler(edge: Edge, method: Method) -> grpc.RpcMethodHandler[Any, Any]:
    # The stubs know handlers of the synchronous server alone; aio takes ours as they are.
    handler: Any = _stream(edge, method) if method.streams else _unary(edge, method)
    make = grpc.unary_stream_rpc_method_handler if method.streams else grpc.unary_unary_rpc_method_handler
    return make(
        handler,
        # No deserializer: grpc answers UNKNOWN, with the parser's words and without details, when one fails.
        request_deserializer=None,
        response_serializer=method.response.SerializeToString,
    )


def _unary(edge: Edge, method: Method) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(raw: bytes, context: Context) -> Any:
        try:
            request = _parsed(method, raw)
            return await edge.unary(
                method, request, authorization=_authorization(context), remaining_s=context.time_remaining()
            )
        except AsktellError as error:
            await context.abort_with_status(to_status(error))

    return call


def _stream(edge: Edge, method: Method) -> Callable[[Any, Context], AsyncGenerator[Any, None]]:
    async def call(raw: bytes, context: Context) -> AsyncGenerator[Any, None]:
        try:
            request = _parsed(method, raw)
            async for message in edge.stream(method, request, authorization=_authorization(context)):
                yield message
        except AsktellError as error:
            await context.abort_with_status(to_status(error))

    return call


def _parsed(method: Method, raw: bytes) -> Message:
    try:
        return method.request.FromString(raw)
    except DecodeError:
        name = method.request.DESCRIPTOR.full_name
        raise InvalidArgument("request", f"is not a {name}: malformed bytes, or text that is not UTF-8") from None


def _authorization(context: Context) -> bytes | str | None:
    return next((value for key, value in context.invocation_metadata() or () if key == "authorization"), None)
