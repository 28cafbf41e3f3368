"""gRPC in, gRPC out, byte for byte, except for what the plan says should go wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from tests.conformance.faults import FaultPlan

STREAMS = frozenset({"WatchStudy"})
INJECTED = "injected by the fault proxy"
_Context = Any  # grpc.aio.ServicerContext[bytes, bytes]; its stubs are generic, the class itself is not


class GrpcProxy:
    """Forwards to the server at `target`; `reset` breaks the connections of its clients."""

    def __init__(self, target: str, plan: FaultPlan, reset: Callable[[], None]) -> None:
        self._target = target
        self._plan = plan
        self._reset = reset
        self._upstream: Any = None  # a channel; its calls are typed for messages, these are bytes
        self._server: grpc.aio.Server | None = None

    async def start(self) -> int:
        """Begins to serve; returns the port."""
        # A server that was killed and comes back is to be found at once: the client's patience is what is tested.
        options = [
            ("grpc.enable_retries", 0),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 5_000),  # how long one attempt may take
        ]
        self._upstream = grpc.aio.insecure_channel(self._target, options=options)
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_Handler(self),))
        port: int = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return port

    async def close(self) -> None:
        """Ends everything."""
        if self._server is not None:
            await self._server.stop(0)
            await self._upstream.close()

    async def unary(self, path: str, request: bytes, context: _Context) -> bytes:
        """One call."""
        fault = self._plan.meet(_short(path), request)
        if fault is not None:
            await self._before(fault, context)
        try:
            reply: bytes = await self._upstream.unary_unary(path)(request, **_forwarded(context))
        except grpc.aio.AioRpcError as error:
            if fault is None:
                await _pass_on(error, context)
            reply = b""  # an error is lost or replaced like any other reply
        if fault is not None and fault.WhichOneof("kind") == "replace_reply":
            await _answer(fault.replace_reply, context)
        elif fault is not None:  # cut_reply
            self._reset()
        return reply

    async def stream(self, path: str, request: bytes, context: _Context) -> AsyncIterator[bytes]:
        """One server stream."""
        fault = self._plan.meet(_short(path), request)
        left = None
        if fault is not None:
            await self._before(fault, context)
            left = fault.cut_stream_after
        call = self._upstream.unary_stream(path)(request, **_forwarded(context))
        try:
            async for message in call:
                if left == 0:
                    self._reset()
                    return
                yield message
                left = None if left is None else left - 1
        except grpc.aio.AioRpcError as error:
            await _pass_on(error, context)
        finally:
            call.cancel()

    async def _before(self, fault: Any, context: _Context) -> None:
        """Faults for which nothing is forwarded."""
        match fault.WhichOneof("kind"):
            case "answer":
                await _answer(fault.answer, context)
            case "cut_request":
                self._reset()
                await asyncio.Event().wait()  # until the call is cancelled, its connection being gone
            case "hang":
                await asyncio.Event().wait()


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, proxy: GrpcProxy) -> None:
        self._proxy = proxy

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        """A handler that knows nothing of the messages."""
        path = details.method

        async def unary(request: bytes, context: _Context) -> bytes:
            return await self._proxy.unary(path, request, context)

        async def stream(request: bytes, context: _Context) -> AsyncIterator[bytes]:
            async for message in self._proxy.stream(path, request, context):
                yield message

        if _short(path) in STREAMS:
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)


def _short(path: str) -> str:
    return path.rpartition("/")[2]


def _forwarded(context: _Context) -> dict[str, Any]:
    metadata = context.invocation_metadata()
    kept = tuple((key, value) for key, value in metadata if key != "user-agent" and not key.startswith("grpc-"))
    return {"metadata": kept, "timeout": context.time_remaining()}


async def _pass_on(error: grpc.aio.AioRpcError, context: _Context) -> None:
    await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata()))


async def _answer(status: Any, context: _Context) -> None:
    code = grpc.StatusCode[status.code]
    trailers: list[tuple[str, str | bytes]] = []
    if status.reason:
        details = status_pb2.Status(code=code.value[0], message=INJECTED, details=error_details(status))
        trailers.append(("grpc-status-details-bin", details.SerializeToString()))
    if status.retry_after_ms:
        trailers.append(("grpc-retry-pushback-ms", str(status.retry_after_ms)))
    await context.abort(code, INJECTED, tuple(trailers))


def error_details(status: Any) -> list[any_pb2.Any]:
    """The details that a server of ours would send with a status (a message `Status` of the corpus)."""
    details: list[Any] = [error_details_pb2.ErrorInfo(domain="asktell", reason=status.reason)]
    if status.retry_after_ms:
        delay = Duration()
        delay.FromMilliseconds(status.retry_after_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return packed
