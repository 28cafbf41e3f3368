"""Flows: what a client decides, apart from how it waits.

A flow is a generator that yields effects (make this call, sleep so long) and is sent their outcome. The synchronous
and the asynchronous client drive the same flows, so retries, paging, waiting for a trial and the like are written once.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import grpc
from google.protobuf.message import Message

from asktell._core.methods import Method, Req, Resp
from asktell._core.status import from_call
from asktell._core.words import in_callers_words
from asktell.errors import AsktellError, Contention, DeadlineExceeded, Unavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary:
    """Make one call. Outcome: the response, or grpc.RpcError."""

    method: Method[Any, Any]
    request: Message
    timeout_s: float
    wait_for_ready: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """Wait. Outcome: None."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Look whether the channel has a connection. Outcome: None, or in words that it has none."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Look whether a port of this machine refuses connections. Outcome: a bool; False for servers elsewhere, and for one
    that has been there before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStream:
    """Start a server stream without a deadline. Outcome: the call."""

    method: Method[Any, Any]
    request: Message


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStream:
    """Read the next message of a stream. Outcome: the message, None at the stream's end, or grpc.RpcError."""

    call: Any


Effect: TypeAlias = Unary | Sleep | Unreachable | Refused | OpenStream | ReadStream
Flow: TypeAlias = Generator[Effect, Any, T]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long calls may take, retries included, in seconds: `slow_s` for those that may fit a model."""

    default_s: float = 30.0
    slow_s: float = 60.0

    def of(self, method: Method[Any, Any]) -> float:
        """The time that a call of the method has."""
        return self.slow_s if method.slow else self.default_s


class Backoff:
    """Jittered exponential delays, so that the clients of a restarted server do not come back in step."""

    FIRST_S = 0.1
    LONGEST_S = 5.0

    def __init__(self) -> None:
        self._next_s = self.FIRST_S

    def delay_s(self, hint_s: float | None = None) -> float:
        """The next delay in seconds; never less than the server's hint."""
        delay = self._next_s * random.uniform(0.5, 1.0)
        self._next_s = min(self.LONGEST_S, self._next_s * 2)
        return delay if hint_s is None else max(delay, hint_s * random.uniform(1.0, 1.1))


_CONTENTION_TRIES = 8
_SHORT_TRY_S = 1.0


def call(method: Method[Req, Resp], request: Req, *, timeout_s: float) -> Flow[Resp]:
    """Make a call until it is answered or its time is up, always with the same body and so the same request id.

    Tried again are UNAVAILABLE and lost races (CONTENTION: nothing was changed), nothing else.

    Raises:
        AsktellError: what the server answered. Unavailable: no server did.
    """
    deadline, backoff, tries = time.monotonic() + timeout_s, Backoff(), 0
    earlier: AsktellError | None = None
    while True:
        tries += 1
        left_s = max(0.001, deadline - time.monotonic())
        try:
            response: Resp = yield Unary(method=method, request=request, timeout_s=left_s)
        except grpc.RpcError as failure:
            # RpcError is typed without what every one has.
            error = in_callers_words(from_call(failure), request)  # type: ignore[arg-type]
        else:
            return response
        again = isinstance(error, Unavailable) or (isinstance(error, Contention) and tries < _CONTENTION_TRIES)
        delay = backoff.delay_s(error.retry_after_s)
        if not again or time.monotonic() + delay >= deadline:
            if isinstance(error, DeadlineExceeded) and not error.reason:
                if earlier is not None and left_s < _SHORT_TRY_S:
                    raise earlier  # the last try had no time: what went wrong is what the one before was told
                unreachable: str | None = yield Unreachable()
                if unreachable is not None:
                    raise Unavailable(unreachable, code=grpc.StatusCode.UNAVAILABLE)
            raise error from None  # it says all that gRPC's own error does
        earlier = error
        yield Sleep(seconds=delay)


def new_request_id() -> str:
    """A fresh id, by which the server knows a retry from a new request."""
    return str(uuid.uuid4())


def connection_lost(failure: grpc.RpcError) -> AsktellError | None:
    """None when a stream should simply be opened again; otherwise the error it ended with."""
    error = from_call(failure)  # type: ignore[arg-type] # as above
    # A balancer whose server dies cuts the stream with RST_STREAM, which arrives as INTERNAL; the server's own INTERNAL
    # has a reason.
    cut = error.code is grpc.StatusCode.INTERNAL and not error.reason
    if cut or isinstance(error, Unavailable) or error.code is grpc.StatusCode.CANCELLED:
        return None
    return error
