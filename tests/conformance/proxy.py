"""The fault proxy: gRPC in, gRPC out, byte for byte, except for what its plan says should go wrong."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from tests.conformance.faults import FaultPlan
from tests.conformance.relay import Relay

T = TypeVar("T")
STREAMS = frozenset({"WatchStudy"})
_Context = Any  # grpc.aio.ServicerContext[bytes, bytes]; its stubs are generic, the class itself is not


class LoopThread:
    """An event loop in a thread of its own, for the proxies beside the runner's blocking calls."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine there and waits for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=60)

    def close(self) -> None:
        """Ends the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class FaultProxy:
    """Forwards to the server at `target`. Clients connect to a relay in front, whose connections can be reset."""

    def __init__(self, target: str, plan: FaultPlan, *, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self.plan = plan
        self._tls = tls
        self._upstream: Any = None  # a channel; its calls are typed for messages, these are bytes
        self._server: grpc.aio.Server | None = None
        self.relay: Relay | None = None

    @property
    def address(self) -> str:
        """Where clients connect."""
        assert self.relay is not None
        return self.relay.address

    async def start(self) -> None:
        """Begins to serve."""
        # A server that was killed and comes back is to be found at once: the client's patience is what is tested.
        options = [("grpc.enable_retries", 0), ("grpc.initial_reconnect_backoff_ms", 50),
                   ("grpc.min_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 50)]  # fmt: skip
        self._upstream = grpc.aio.insecure_channel(self._target, options=options)
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((_Handler(self),))
        port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        self.relay = Relay(("127.0.0.1", port), tls=self._tls)
        await self.relay.start()

    async def close(self) -> None:
        """Ends everything."""
        if self.relay is not None:
            await self.relay.stop()
        if self._server is not None:
            await self._server.stop(0)
        if self._upstream is not None:
            await self._upstream.close()

    async def unary(self, path: str, request: bytes, context: _Context) -> bytes:
        """One call."""
        assert self.relay is not None
        fault = self.plan.meet(_short(path), request)
        kind = None if fault is None else fault.WhichOneof("kind")
        if fault is not None:
            await self._before(fault, context)
        call = self._upstream.unary_unary(path)(request, **_forwarded(context))
        try:
            reply: bytes = await call
        except grpc.aio.AioRpcError as error:
            if kind is None:
                await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata()))
            reply = b""  # an error is lost or replaced like any other reply
        if kind == "cut_reply":
            self.relay.reset()
        elif fault is not None and kind == "replace_reply":
            await _answer(fault.replace_reply, context)
        return reply

    async def stream(self, path: str, request: bytes, context: _Context) -> AsyncIterator[bytes]:
        """One server stream."""
        assert self.relay is not None
        fault = self.plan.meet(_short(path), request)
        kind = None if fault is None else fault.WhichOneof("kind")
        left = None
        if fault is not None:
            await self._before(fault, context)
            left = fault.cut_stream_after if kind == "cut_stream_after" else None
        call = self._upstream.unary_stream(path)(request, **_forwarded(context))
        try:
            async for message in call:
                if left == 0:
                    self.relay.reset()
                    return
                yield message
                left = None if left is None else left - 1
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata()))
        finally:
            call.cancel()

    async def _before(self, fault: Any, context: _Context) -> None:
        """Faults for which nothing is forwarded."""
        assert self.relay is not None
        match fault.WhichOneof("kind"):
            case "answer":
                await _answer(fault.answer, context)
            case "cut_request":
                self.relay.reset()
                await asyncio.Event().wait()  # until the call is cancelled, its connection being gone
            case "hang":
                await asyncio.Event().wait()


class _Handler(grpc.GenericRpcHandler):
    def __init__(self, proxy: FaultProxy) -> None:
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


async def _answer(status: Any, context: _Context) -> None:
    code = grpc.StatusCode[status.code]
    text = "injected by the fault proxy"
    trailers: list[tuple[str, str | bytes]] = []
    if status.reason:
        trailers.append(("grpc-status-details-bin", status_details(status, code.value[0], text)))
    if status.retry_after_ms:
        trailers.append(("grpc-retry-pushback-ms", str(status.retry_after_ms)))
    await context.abort(code, text, tuple(trailers))


def status_details(status: Any, code: int, text: str) -> bytes:
    """The google.rpc.Status that a server of ours would send."""
    details: list[Any] = [error_details_pb2.ErrorInfo(domain="asktell", reason=status.reason)]
    if status.retry_after_ms:
        delay = Duration()
        delay.FromMilliseconds(status.retry_after_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        packed.append(any_pb2.Any())
        packed[-1].Pack(detail)
    return status_pb2.Status(code=code, message=text, details=packed).SerializeToString()
