"""The gRPC door: the services, health and reflection on one port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import unquote

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.transport.bodies import PROTOBUF, Body
from asktell_server.transport.calls import MIB, Metadata, Method, Service
from asktell_server.transport.edge import Admission, Edge
from asktell_server.transport.errors import to_status
from asktell_server.transport.failures import body_late
from asktell_server.transport.limits import DEFAULT_LIMITS, Limits
from asktell_server.transport.reflection import add_reflection
from asktell_server.transport.tls import Tls

MAX_ANSWER_BYTES = 32 * MIB

LEAST_STREAMS = 1024
"""Calls open at once on one connection that the server answers by itself, however few it works on."""

STOP_GRACE_S = 1.0
"""For what is left after the drain, such as open health watches."""


def _options(limits: Limits, max_request_bytes: int) -> Sequence[tuple[str, int]]:
    return (
        # On by default, and a second server would silently share the port.
        ("grpc.so_reuseport", 0),
        ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
        # What is larger than any method takes, grpc refuses by itself, without reading it.
        ("grpc.max_receive_message_length", max_request_bytes),
        # Clients ping every 30 s while they watch; without these the server would end their connection.
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # Connections whose other end has gone, has nothing to say, or never says it.
        ("grpc.keepalive_time_ms", _ms(limits.ping_s)),
        ("grpc.keepalive_timeout_ms", _ms(limits.ping_s)),
        ("grpc.http2.ping_timeout_ms", _ms(limits.ping_s)),  # of pings that measure the bandwidth
        ("grpc.max_connection_idle_ms", _ms(limits.grpc_idle_s)),
        ("grpc.server_handshake_timeout_ms", _ms(limits.handshake_s)),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        # As many calls as the server takes, and as many again that are refused with a reason; more wait at the caller's.
        # A small number is not waited for: grpc resets the streams beyond it, and their callers learn no reason.
        ("grpc.max_concurrent_streams", max(LEAST_STREAMS, 2 * limits.connections)),
    )


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


_Context = grpc.aio.ServicerContext[Any, Any]


class GrpcServer:
    """One listening server. Health speaks for the services that serve, and for the server as a whole."""

    def __init__(self, edge: Edge, services: Sequence[Service], limits: Limits = DEFAULT_LIMITS) -> None:
        most = max(method.rules.max_bytes for service in services for method in service.methods)
        self._server = grpc.aio.server(options=_options(limits, most))
        self._health = health.aio.HealthServicer()
        self._serving = [""]
        for service in services:
            if service.serves:
                self._serving += (service.name, *service.health_names)
        for service in services:
            handlers = {method.name: _handler(edge, method) for method in service.methods}
            self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service.name, handlers)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [service.name for service in services]
        health_name = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
        add_reflection(self._server, [*names, health_name])

    async def start(self, address: str, *, tls: Tls | None) -> int:
        """Binds `host:port` (port 0 = any free one) and serves; returns the port.

        Raises:
            RuntimeError: the address cannot be bound.
        """
        if tls is None:
            port = self._server.add_insecure_port(address)
        else:
            credentials = grpc.ssl_server_credentials(
                [(tls.private_key, tls.certificate)],
                root_certificates=tls.client_ca,
                require_client_auth=tls.client_ca is not None,
            )
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
    # To grpc every method takes a stream of requests, of which ours read one. On the wire that is the same, and the call is
    # here when its head is: it is let in before its body is read, and the body has to come in time.
    make = grpc.stream_stream_rpc_method_handler if method.streams else grpc.stream_unary_rpc_method_handler
    # Bytes in and bytes out: the edge parses, once it has let the call in.
    return make(handler, request_deserializer=None, response_serializer=None)


def _unary(edge: Edge, method: Method) -> Callable[[object, _Context], Awaitable[bytes]]:
    async def call(_requests: object, context: _Context) -> bytes:
        try:
            admission = _admitted(edge, method, context)
            return await edge.answer(admission, await _body(edge, admission, context))
        except AsktellError as error:
            _refuse(context, error)
            return b""  # grpc sends the status alone

    return call


def _stream(edge: Edge, method: Method) -> Callable[[object, _Context], AsyncGenerator[bytes, None]]:
    async def call(_requests: object, context: _Context) -> AsyncGenerator[bytes, None]:
        try:
            admission = _admitted(edge, method, context)
            body = await _body(edge, admission, context)
            async with contextlib.aclosing(edge.stream(admission, body)) as messages:
                async for message in messages:
                    yield message
        except AsktellError as error:
            _refuse(context, error)

    return call


async def _body(edge: Edge, admission: Admission, context: _Context) -> Body:
    """The body of a call that was let in; without one the call is counted out."""
    try:
        return await _read(context, edge.body_s)
    except BaseException:
        admission.close()
        raise


async def _read(context: _Context, most_s: float) -> Body:
    # A task of its own, never cancelled: grpc writes into what it has given until the call has ended, which then is soon.
    reading = asyncio.ensure_future(context.read())
    reading.add_done_callback(_seen)
    await asyncio.wait({reading}, timeout=most_s)
    if not reading.done():
        raise body_late(most_s)
    data = reading.result()
    if not isinstance(data, bytes):
        raise InvalidArgument("request", "is missing: the call ended without one")
    return Body(data, PROTOBUF)


def _seen(reading: asyncio.Future[Any]) -> None:
    if not reading.cancelled():
        reading.exception()  # the call may have gone away; without a look, asyncio complains about the error


def _refuse(context: _Context, error: AsktellError) -> None:
    """Ends a call with an error. `context.abort` would raise one that holds the frames of the call, and they hold it."""
    status = to_status(error)
    context.set_code(status.code)
    context.set_details(status.details)
    context.set_trailing_metadata(status.trailing_metadata)


def _admitted(edge: Edge, method: Method, context: _Context) -> Admission:
    metadata: Metadata = {}
    for key, value in context.invocation_metadata() or ():
        metadata.setdefault(key, value)
    peer, remaining_s = _peer(context.peer()), context.time_remaining()
    return edge.admit(method, metadata=metadata, peer=peer, remaining_s=remaining_s, size=None)


def _peer(name: str) -> str:
    """`host:port` of what grpc calls `ipv4:host:port` or, percent-encoded, `ipv6:[host]:port`."""
    family, _, address = name.partition(":")
    return unquote(address) if family in {"ipv4", "ipv6"} else name
