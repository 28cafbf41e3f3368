"""The asynchronous transport: drives the same flows on grpc.aio."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio

from asktell._core import channel as wire
from asktell._core.flow import Effect, Flow, OpenStream, ReadStream, Refused, Sleep, T, Unary, Unreachable
from asktell._core.methods import Method
from asktell._core.settings import Settings
from asktell.errors import ClientClosed


class AsyncTransport:
    """A channel, and how each effect of a flow is carried out on it. Belongs to one event loop."""

    def __init__(self, settings: Settings) -> None:
        """Opens nothing yet: grpc.aio takes the loop that runs when the channel is made."""
        self._settings = settings
        self._metadata = wire.metadata(settings)
        self._opened: grpc.aio.Channel | None = None
        self._pid = os.getpid()
        self._found = False
        self._callables: dict[str, Any] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """`close` has been called."""
        return self._closed

    async def run(self, flow: Flow[T]) -> T:
        """Carries out a flow and returns its result; what an effect raises is raised inside the flow.

        Raises:
            ClientClosed: before, or while it waited. RuntimeError: in a fork of the process that made the client,
                where gRPC would hang.
        """
        if self._closed:
            raise ClientClosed(wire.CLOSED, code=grpc.StatusCode.CANCELLED)
        if os.getpid() != self._pid:
            raise RuntimeError("this client belongs to the process that made it: make another one after a fork")
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = await self._perform(effect)
                except BaseException as error:  # noqa: BLE001 # the flow decides about all of them, cancelling too
                    effect = flow.throw(self._because_closed(error) or error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result

    async def close(self) -> None:
        """Closes the channel; calls in flight end with CANCELLED."""
        self._closed = True
        if self._opened is not None and os.getpid() == self._pid:
            await self._opened.close()

    def _because_closed(self, error: BaseException) -> ClientClosed | None:
        """gRPC cancels a call in flight, as if somebody had cancelled its task, and refuses a new one with UsageError."""
        if not self._closed:
            return None
        task = asyncio.current_task()
        cancelled = isinstance(error, asyncio.CancelledError) and (task is None or not task.cancelling())
        if cancelled or isinstance(error, grpc.RpcError | grpc.aio.UsageError):
            return ClientClosed(wire.CLOSED, code=grpc.StatusCode.CANCELLED)
        return None

    @property
    def _open_channel(self) -> grpc.aio.Channel:
        if self._opened is None:
            target, options = wire.target(self._settings), wire.options(self._settings)
            credentials = wire.credentials(self._settings)
            self._opened = (
                grpc.aio.insecure_channel(target, options)
                if credentials is None
                else grpc.aio.secure_channel(target, credentials, options)
            )
        return self._opened

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Unary():
                return await self._callable(effect.method, self._open_channel.unary_unary)(
                    effect.request,
                    timeout=effect.timeout_s,
                    metadata=self._metadata,
                    wait_for_ready=effect.wait_for_ready,
                )
            case Sleep():
                await asyncio.sleep(effect.seconds)
                return None
            case Unreachable():
                state = self._open_channel.get_state()
                connected = state in {grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.IDLE}
                return None if connected else wire.unreachable(self._settings)
            case Refused():
                return await self._refused()
            case OpenStream():
                open_stream = self._callable(effect.method, self._open_channel.unary_stream)
                return open_stream(effect.request, metadata=self._metadata, wait_for_ready=True)
            case ReadStream():
                message = await effect.call.read()
                return None if message is grpc.aio.EOF else message

    async def _refused(self) -> bool:
        self._found = self._found or not await asyncio.to_thread(wire.refused, self._settings)
        return not self._found

    def _callable(self, method: Method[Any, Any], make: Callable[..., Any]) -> Any:
        if method.path not in self._callables:
            self._callables[method.path] = make(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        return self._callables[method.path]
