"""What every call goes through, whatever door brings it: size, token, admission, parsing, deadline, errors, in this order.

Nothing of a request is parsed before the call is let in. Handlers raise domain errors and need no try/except; nothing but
domain errors leaves the edge. Methods that change something run to their end even when the client's deadline cancels the
call: the store may have taken the change.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

from asktell_server.domain.errors import AsktellError
from asktell_server.transport.addresses import caller_of
from asktell_server.transport.bodies import Body, Translator
from asktell_server.transport.calls import Call, Metadata, Method
from asktell_server.transport.failures import explained, require_size
from asktell_server.transport.gate import Gate
from asktell_server.transport.identity import Identity

DEFAULT_DEADLINE_S = 60.0
"""For unary calls without a deadline."""
MAX_DEADLINE_S = 300.0
"""Cap on every unary call's deadline."""
MAX_BODY_S = 60.0
"""How long a body may take to come, in seconds: 20 MiB at 2.8 Mbit/s."""

T = TypeVar("T")


class Admission:
    """A call that was let in. It and its bytes count as in flight until it is closed; closing it again does nothing."""

    def __init__(self, call: Call, gate: Gate, caller: str) -> None:
        self.call = call
        self.project = ""
        self._gate = gate
        self._caller = caller
        self._loaded = 0
        self._open = True

    def load(self, size: int) -> None:
        """Counts the body of the call, of `size` bytes.

        Raises:
            ResourceExhausted: the server has too many bytes in flight already.
        """
        more = size - self._loaded
        if more > 0:
            self._gate.load(more, caller=self._caller)
            self._loaded = size

    def close(self) -> None:
        """The call has ended."""
        if self._open:
            self._open = False
            self._gate.unload(self._loaded, caller=self._caller)
            self._gate.leave(stream=self.call.method.streams, caller=self._caller)


class Edge:
    """Runs the handlers of methods. A door calls `admit` with the head of a call, then `answer` or `stream` with its body.

    A door waits `body_s` seconds for a body at most.
    """

    def __init__(
        self,
        gate: Gate,
        identity: Identity,
        translator: Translator,
        *,
        body_s: float = MAX_BODY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.body_s = body_s
        self._gate = gate
        self._identity = identity
        self._translator = translator
        self._clock = clock
        self._running: set[asyncio.Task[Any]] = set()

    def admit(
        self, method: Method, *, metadata: Metadata, peer: str, remaining_s: float | None, size: int | None
    ) -> Admission:
        """Lets a call in. The caller passes the admission on to `answer` or `stream`, or closes it.

        `metadata` is the call's from now on, and the token is taken out of it. `remaining_s` is the caller's deadline, in
        seconds from now; None without one. `size` is the length of the body in bytes; None = it is not known yet, and the
        door ends the reading at the method's limit.

        Raises:
            AsktellError: the body is too large, the token wrong, or the server takes no calls now.
        """
        if size is not None:
            require_size(method, size)
        principal = self._identity.principal(metadata.pop("authorization", ""))
        caller = caller_of(peer)
        self._gate.enter(stream=method.streams, caller=caller)
        if not method.streams:
            remaining_s = min(DEFAULT_DEADLINE_S if remaining_s is None else remaining_s, MAX_DEADLINE_S)
        call = Call(
            method=method,
            principal=principal,
            peer=peer,
            metadata=metadata,
            deadline_s=None if remaining_s is None else self._clock() + remaining_s,
            clock=self._clock,
        )
        admission = Admission(call, self._gate, caller)
        try:
            admission.load(size or 0)
        except AsktellError:
            admission.close()
            raise
        return admission

    async def answer(self, admission: Admission, body: Body) -> bytes:
        """Answers a unary call.

        Raises:
            AsktellError: whatever went wrong.
        """
        try:
            await self._take_in(admission, body)
            return await self._answer(admission, body)
        except Exception as error:  # noqa: BLE001  # the edge: nothing may pass it unexplained
            failure = explained(error, admission.call.method, project=admission.project)
        try:
            raise failure
        finally:
            del failure  # this frame is in its traceback: a cycle otherwise

    async def stream(self, admission: Admission, body: Body) -> AsyncGenerator[bytes, None]:
        """Answers a call with a stream, until it ends or the server drains.

        Raises:
            AsktellError: whatever went wrong; Unavailable (SERVER_DRAINING) sends the client to another server.
        """
        try:
            await self._take_in(admission, body)
            messages = await self._begun(admission, body)
            async with contextlib.aclosing(_until(messages, self._gate.draining)) as taken:
                async for message in taken:
                    yield await self._translator.write(message, body.encoding)
            self._gate.check()
            return
        except Exception as error:  # noqa: BLE001
            failure = explained(error, admission.call.method, project=admission.project)
        finally:
            admission.close()
        try:
            raise failure
        finally:
            del failure

    async def _take_in(self, admission: Admission, body: Body) -> None:
        method = admission.call.method
        try:
            require_size(method, body.size)
            if body.packed:
                await self._translator.unpack(body, method.rules.max_bytes)
                require_size(method, body.size)
            admission.load(body.size)
        except BaseException:
            admission.close()
            raise

    async def _answer(self, admission: Admission, body: Body) -> bytes:
        method = admission.call.method
        async with asyncio.timeout(admission.call.remaining_s):
            if method.rules.cancellable:
                return await self._handled(admission, body)
            return await asyncio.shield(self._spawn(self._handled(admission, body), method.name))

    async def _handled(self, admission: Admission, body: Body) -> bytes:
        call = admission.call
        try:
            request = await self._translator.parse(body, call.method.request, call.method.rules.max_items)
            try:
                answer = await call.method.handler(request, call)
            except Exception:
                admission.project = call.method.rules.project(request)
                raise
            return await self._translator.write(answer, body.encoding)
        finally:
            admission.close()

    async def _begun(self, admission: Admission, body: Body) -> AsyncGenerator[Any, None]:
        call = admission.call
        request = await self._translator.parse(body, call.method.request, call.method.rules.max_items)
        admission.project = call.method.rules.project(request)
        messages: AsyncGenerator[Any, None] = call.method.handler(request, call)
        return messages

    def _spawn(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = asyncio.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # the call may have gone away; without a look, asyncio complains about the error


async def _until(stream: AsyncGenerator[T, None], end: asyncio.Event) -> AsyncGenerator[T, None]:
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
