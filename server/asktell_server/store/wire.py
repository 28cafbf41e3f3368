"""One connection for many calls: what is called at the same time goes out together, replies come back in order.

A connection for each call, as the driver's pool lends them, takes three times the processor time and a system call or
two for every command.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hiredis
from redis.exceptions import (
    ConnectionError,  # noqa: A004  the driver's own, wider than the built-in
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
)

from asktell_server.store.link import RETRIES, retry_backoff
from asktell_server.store.tasks import end_task

_log = logging.getLogger(__name__)


Command = tuple[Any, ...]


@dataclass(slots=True, kw_only=True, eq=False)
class _Call:
    packed: bytes
    reply: asyncio.Future[Any]
    without_script: Command | None
    failures: int = 0
    """Connections that ended, or could not be made, before they brought any call a reply."""


class Wire:
    """Sends commands that may run twice: what a broken connection leaves without a reply is sent again, in order.

    `connection` makes one of the driver's connections, not yet connected. `timeout_s` is how long the server may be silent
    while it owes a reply.
    """

    def __init__(self, connection: Callable[[], Any], *, timeout_s: float) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._backoff = retry_backoff()
        self._unsent: deque[_Call] = deque()
        self._sent: deque[_Call] = deque()
        self._called = asyncio.Event()
        self._owed = asyncio.Event()
        self._replies = 0
        self._failures = 0  # connections lost since the last reply
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def send(self, command: Command, *, without_script: Command | None = None) -> asyncio.Future[Any]:
        """The command's reply to come; a command whose future is cancelled is carried out all the same.

        `without_script` is sent instead when the server does not have the script that `command` runs.

        Raises (by the future):
            ResponseError: the server refused the command. ConnectionError: `RETRIES` + 1 connections brought nothing.
        """
        reply = asyncio.get_running_loop().create_future()
        if self._closed:
            reply.set_exception(ConnectionError("the connection has been closed"))
            return reply
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="store wire")
        self._enqueue(_Call(packed=hiredis.pack_command(command), reply=reply, without_script=without_script))
        return reply

    async def close(self) -> None:
        """Waits for the replies to come, and ends the connection. Nothing can be sent any more."""
        self._closed = True
        while calls := [call.reply for call in (*self._sent, *self._unsent) if not call.reply.done()]:
            await asyncio.wait(calls)
        if self._task is not None:
            await end_task(self._task)

    async def _run(self) -> None:
        while True:
            await self._called.wait()
            connection, before = self._connection(), self._replies
            try:
                await connection.connect()
                connection.socket_timeout = None  # it was for the handshake; from here on it would cost a task a write
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._write(connection))
                    group.create_task(self._read(connection))
                    group.create_task(self._watch())
            except* Exception as errors:  # noqa: BLE001  whatever it is: all calls depend on this task
                self._take_back(errors.exceptions[0], in_vain=self._replies == before)
            finally:
                with contextlib.suppress(RedisError, OSError):
                    await connection.disconnect(nowait=True)
            await asyncio.sleep(self._backoff.compute(self._failures))

    def _enqueue(self, call: _Call) -> None:
        self._unsent.append(call)
        self._called.set()

    async def _write(self, connection: Any) -> None:
        while True:
            await self._called.wait()
            self._called.clear()
            calls, self._unsent = self._unsent, deque()
            self._sent += calls
            self._owed.set()
            await connection.send_packed_command([call.packed for call in calls], check_health=False)

    async def _read(self, connection: Any) -> None:
        while True:
            try:
                reply = await connection.read_response(timeout=math.inf)
            except ResponseError as error:
                reply = error
            self._replies += 1
            self._failures = 0
            call = self._sent.popleft()
            if isinstance(reply, NoScriptError) and call.without_script:
                call.packed, call.without_script = hiredis.pack_command(call.without_script), None
                self._enqueue(call)
            elif call.reply.done():
                pass  # nobody waits for it any more
            elif isinstance(reply, ResponseError):
                call.reply.set_exception(reply)
            else:
                call.reply.set_result(reply)

    async def _watch(self) -> None:
        """Fails when the server owes replies and has sent none for `timeout_s`."""
        while True:
            await self._owed.wait()
            self._owed.clear()
            while self._sent:
                before = self._replies
                await asyncio.sleep(self._timeout_s)
                if self._sent and self._replies == before:
                    raise TimeoutError(f"no reply within {self._timeout_s:g} s")

    def _take_back(self, error: Exception, *, in_vain: bool) -> None:
        """Makes ready to be sent again what has tries left, and fails the rest.

        A connection that brought replies counts for no call: those at the end of a long queue would fail for all before.
        """
        self._failures += 1
        _log.debug("lost the connection to the store: %s: %s", type(error).__name__, error)
        calls = [*self._sent, *self._unsent]
        self._sent.clear()
        self._unsent.clear()
        self._called.clear()
        for call in calls:
            call.failures += in_vain
            if call.failures <= RETRIES:
                self._enqueue(call)
            elif not call.reply.done():
                call.reply.set_exception(ConnectionError(str(error) or type(error).__name__))
