"""What every call goes through, whatever protocol brings it: admission, token, deadline, and errors in one place.

Handlers raise domain errors and need no try/except; nothing but domain errors leaves the edge. Methods that change
something run to their end even when the client's deadline cancels the call: the store may have taken the change.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine
from typing import Any, TypeVar

from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.transport.gate import Gate
from asktell_server.transport.methods import Method

log = logging.getLogger(__name__)

DEFAULT_DEADLINE_S = 60.0
"""For calls without a deadline."""
MAX_DEADLINE_S = 300.0
"""Cap on every unary call's deadline."""

CANCELLABLE_METHODS = frozenset(
    {"Ask", "GetStudy", "ListStudies", "GetTrial", "ListTrials", "ListBestTrials", "Suggest"}
)
"""May stop when the client goes away: they change nothing, or (Ask) must not start trials for nobody."""

T = TypeVar("T")


class Edge:
    """Runs handlers for the protocols. `token` None = calls need none."""

    def __init__(self, gate: Gate, *, token: str | None) -> None:
        self._gate = gate
        self._authorization = f"Bearer {token}".encode() if token else None
        self._running: set[asyncio.Task[Any]] = set()

    async def unary(
        self, method: Method, request: object, *, authorization: bytes | str | None, remaining_s: float | None
    ) -> Any:
        """Answers one call. `remaining_s` is the caller's deadline, None without one.

        Raises:
            AsktellError: whatever went wrong.
        """
        deadline_s = min(DEFAULT_DEADLINE_S if remaining_s is None else remaining_s, MAX_DEADLINE_S)
        try:
            self._authorize(authorization)
            self._gate.enter()
            leaving = self._leaving(method.handler(request, None))
            shielded = method.name not in CANCELLABLE_METHODS
            work = asyncio.shield(self._spawn(leaving, method.name)) if shielded else leaving
            async with asyncio.timeout(deadline_s):
                return await work
        except Exception as error:  # noqa: BLE001  # the edge: nothing may pass it unexplained
            raise _explained(error, method.name) from None

    async def stream(
        self, method: Method, request: object, *, authorization: bytes | str | None
    ) -> AsyncGenerator[Any, None]:
        """Answers one call with a stream, until it ends or the server drains.

        Raises:
            AsktellError: whatever went wrong; Unavailable (SERVER_DRAINING) sends the client to another server.
        """
        try:
            self._authorize(authorization)
            self._gate.check()
            async for message in _until(method.handler(request, None), self._gate.draining):
                yield message
            self._gate.check()
        except Exception as error:  # noqa: BLE001
            raise _explained(error, method.name) from None

    def _authorize(self, given: bytes | str | None) -> None:
        if self._authorization is None:
            return
        encoded = given.encode() if isinstance(given, str) else given or b""
        if not hmac.compare_digest(encoded, self._authorization):
            raise AsktellError("a valid token is required (ASKTELL_TOKEN)", reason=ErrorReason.UNAUTHENTICATED)

    def _spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        task = asyncio.create_task(work, name=name)
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


def _explained(error: Exception, method: str) -> AsktellError:
    if isinstance(error, AsktellError):
        return error
    if isinstance(error, TimeoutError):
        return AsktellError("the deadline passed before the answer was ready", reason=ErrorReason.DEADLINE)
    incident = secrets.token_hex(8)
    log.error("incident %s: %s failed", incident, method, exc_info=error)
    return AsktellError(
        f"internal error; the server's log has more under incident {incident}",
        reason=ErrorReason.INTERNAL,
        metadata={"incident": incident},
    )
