"""What every call goes through: admission, token, deadline, and errors in one place.

Handlers raise domain errors and need no try/except; the interceptor aborts the call with the right status. Methods
that change something run to their end even when the client's deadline cancels the call: the store may have
taken the change already.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import grpc

from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.transport.context import Context
from asktell_server.transport.errors import to_status
from asktell_server.transport.gate import Gate

log = logging.getLogger(__name__)

DEFAULT_DEADLINE_S = 60.0
"""For calls without a deadline."""
MAX_DEADLINE_S = 300.0
"""Cap on every unary call's deadline."""

EXEMPT_SERVICES = ("grpc.health.v1.Health", "grpc.reflection.")
"""Answered without token and whatever the load: probes must see a server that is busy as alive."""

CANCELLABLE_METHODS = frozenset(
    {"Ask", "GetStudy", "ListStudies", "GetTrial", "ListTrials", "ListBestTrials", "Suggest"}
)
"""May stop when the client goes away: they change nothing, or (Ask) must not start trials for nobody."""

Unary = Callable[[Any, Context], Awaitable[Any]]
Stream = Callable[[Any, Context], AsyncGenerator[Any, None]]
T = TypeVar("T")


class EdgeInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler of ours."""

    def __init__(self, gate: Gate, *, token: str | None) -> None:
        self._gate = gate
        self._authorization = f"Bearer {token}".encode() if token else None
        self._running: set[asyncio.Task[Any]] = set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Called by grpc for each call."""
        handler = await continuation(handler_call_details)
        _, service, method = handler_call_details.method.split("/")
        if handler is None or service.startswith(EXEMPT_SERVICES):
            return handler
        # The stubs type handlers as those of the synchronous server; ours are all asynchronous.
        asynchronous: Any = handler
        codecs = {
            "request_deserializer": asynchronous.request_deserializer,
            "response_serializer": asynchronous.response_serializer,
        }
        if asynchronous.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._stream(asynchronous.unary_stream), **codecs)
        return grpc.unary_unary_rpc_method_handler(self._unary(asynchronous.unary_unary, method), **codecs)

    def _unary(self, handler: Unary, method: str) -> Unary:
        shielded = method not in CANCELLABLE_METHODS

        async def call(request: Any, context: Context) -> Any:
            try:
                self._authorize(context)
                self._gate.enter()
                leaving = self._leaving(handler(request, context))
                work = asyncio.shield(self._spawn(leaving, method)) if shielded else leaving
                async with asyncio.timeout(_deadline_s(context)):
                    return await work
            except Exception as error:  # noqa: BLE001  # the edge: nothing may pass it unexplained
                await _abort(context, error, method)

        return call

    def _stream(self, handler: Stream) -> Stream:
        async def call(request: Any, context: Context) -> AsyncGenerator[Any, None]:
            try:
                self._authorize(context)
                self._gate.check()
                async for message in _until(handler(request, context), self._gate.draining):
                    yield message
                self._gate.check()  # ended by the drain: tell the client to go to another server
            except Exception as error:  # noqa: BLE001
                await _abort(context, error, "stream")

        return call

    def _spawn(self, work: Coroutine[Any, Any, Any], method: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=method)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # the call may have gone away; without a look, asyncio complains about the error

    async def _leaving(self, work: Awaitable[Any]) -> Any:
        try:
            return await work
        finally:
            self._gate.leave()

    def _authorize(self, context: Context) -> None:
        if self._authorization is None:
            return
        for key, value in context.invocation_metadata() or ():
            if key == "authorization":
                given = value if isinstance(value, bytes) else value.encode()
                if hmac.compare_digest(given, self._authorization):
                    return
        raise AsktellError("a valid token is required (ASKTELL_TOKEN)", reason=ErrorReason.UNAUTHENTICATED)


def _deadline_s(context: Context) -> float:
    remaining: float | None = context.time_remaining()  # the stubs forget that a call may have no deadline
    return min(DEFAULT_DEADLINE_S if remaining is None else remaining, MAX_DEADLINE_S)


async def _until(stream: AsyncGenerator[T, None], end: asyncio.Event) -> AsyncIterator[T]:
    """The stream's messages, until it ends or `end` is set."""
    stop = asyncio.create_task(end.wait())
    following: asyncio.Future[T] = asyncio.ensure_future(anext(stream))
    try:
        while True:
            waiting: set[asyncio.Future[Any]] = {following, stop}
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                return
            try:
                message = following.result()
            except StopAsyncIteration:
                return
            yield message
            following = asyncio.ensure_future(anext(stream))
    finally:
        stop.cancel()
        following.cancel()
        await asyncio.gather(stop, following, return_exceptions=True)
        await stream.aclose()


async def _abort(context: Context, error: Exception, method: str) -> None:
    if isinstance(error, TimeoutError):
        error = AsktellError("the deadline passed before the answer was ready", reason=ErrorReason.DEADLINE)
    elif not isinstance(error, AsktellError):
        incident = secrets.token_hex(8)
        log.error("incident %s: %s failed", incident, method, exc_info=error)
        error = AsktellError(
            f"internal error; the server's log has more under incident {incident}",
            reason=ErrorReason.INTERNAL,
            metadata={"incident": incident},
        )
    await context.abort_with_status(to_status(error))
