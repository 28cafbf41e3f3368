"""The synchronous transport: drives flows on blocking gRPC calls."""

from __future__ import annotations

import abc
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc

from asktell._core import channel as wire
from asktell._core.flow import Effect, Flow, OpenStream, ReadStream, Refused, Sleep, T, Unary, Unreachable
from asktell._core.methods import Method
from asktell._core.settings import Settings
from asktell.errors import ClientClosed

_CONNECTED = {grpc.ChannelConnectivity.READY, grpc.ChannelConnectivity.IDLE}


class FlowRunner(abc.ABC):
    """Carries flows out, blocking; how an effect is performed is a subclass's."""

    def __init__(self) -> None:
        """Belongs to the present process."""
        self._pid = os.getpid()
        self._closed = False

    @property
    def closed(self) -> bool:
        """`close` has been called."""
        return self._closed

    @property
    def owned(self) -> bool:
        """This is the process that opened the channel, not a fork of it."""
        return os.getpid() == self._pid

    def run(self, flow: Flow[T]) -> T:
        """Carries out a flow and returns its result; what an effect raises is raised inside the flow.

        Raises:
            ClientClosed: before, or while it waited. RuntimeError: in a fork of the process that opened the channel,
                where gRPC would hang.
        """
        if self._closed:
            raise ClientClosed(wire.CLOSED, code=grpc.StatusCode.CANCELLED)
        if not self.owned:
            raise RuntimeError("this client belongs to the process that made it: make another one after a fork")
        try:
            effect = next(flow)
            while True:
                try:
                    outcome = self._perform(effect)
                except BaseException as error:  # noqa: BLE001 # the flow decides about all of them, Ctrl-C too
                    effect = flow.throw(self._because_closed(error) or error)
                else:
                    effect = flow.send(outcome)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def close(self) -> None:
        """Refuses flows from now on, and ends those in flight."""
        self._closed = True

    def _because_closed(self, error: BaseException) -> ClientClosed | None:
        """gRPC ends a call in flight with CANCELLED, and refuses a new one with ValueError."""
        if self._closed and isinstance(error, grpc.RpcError | ValueError):
            return ClientClosed(wire.CLOSED, code=grpc.StatusCode.CANCELLED)
        return None

    @abc.abstractmethod
    def _perform(self, effect: Effect) -> Any:
        """The outcome of an effect."""


class SyncTransport(FlowRunner):
    """A channel, and how each effect of a flow is carried out on it. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        """Opens the channel; the connection itself is made by the first call."""
        super().__init__()
        self._settings = settings
        target, options = wire.target(settings), wire.options(settings)
        credentials = wire.credentials(settings)
        self._channel = (
            grpc.insecure_channel(target, options)
            if credentials is None
            else grpc.secure_channel(target, credentials, options)
        )
        self._metadata = wire.metadata(settings)
        self._found = False
        self._callables: dict[str, Any] = {}

    def close(self) -> None:
        """Closes the channel; calls in flight end with CANCELLED."""
        super().close()
        if self.owned:
            self._channel.close()

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Unary():
                return self._callable(effect.method, self._channel.unary_unary)(
                    effect.request,
                    timeout=effect.timeout_s,
                    metadata=self._metadata,
                    wait_for_ready=effect.wait_for_ready,
                )
            case Sleep():
                return time.sleep(effect.seconds)
            case Unreachable():
                return None if self._is_connected() else wire.unreachable(self._settings)
            case Refused():
                return self._refused()
            case OpenStream():
                open_stream = self._callable(effect.method, self._channel.unary_stream)
                return open_stream(effect.request, metadata=self._metadata, wait_for_ready=True)
            case ReadStream():
                return next(effect.call, None)

    def _refused(self) -> bool:
        self._found = self._found or not wire.refused(self._settings)
        return not self._found

    def _callable(self, method: Method[Any, Any], make: Callable[..., Any]) -> Any:
        if method.path not in self._callables:
            self._callables[method.path] = make(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.response.FromString,
            )
        return self._callables[method.path]

    def _is_connected(self) -> bool:
        seen: list[grpc.ChannelConnectivity] = []
        told = threading.Event()

        def take(state: grpc.ChannelConnectivity) -> None:
            seen.append(state)
            told.set()

        # Only subscribed on this path of error: gRPC watches a channel's state with a polling thread.
        self._channel.subscribe(take)
        told.wait(1.0)
        self._channel.unsubscribe(take)
        return bool(seen) and seen[0] in _CONNECTED
