"""The server's end of one worker: talks to it, ends it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol, cast

from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.messages import Failure, packed, receive


class WorkerError(Exception):
    """A worker could not answer."""


class WorkerDied(WorkerError):
    """It is gone; another one may answer."""


class WorkerChild(Protocol):
    """The process of a worker, however it was started."""

    pid: int
    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader

    @property
    def returncode(self) -> int | None:
        """The exit status (negative: the signal), once the end has been noticed."""
        ...

    async def wait(self) -> int:
        """Returns the exit status when the process has ended."""
        ...

    def kill(self) -> None:
        """Ends the process at once."""
        ...


class WorkerProcess:
    """A warm worker. It answers one task at a time."""

    def __init__(self, process: WorkerChild) -> None:
        self._process = process
        self._requests = process.stdin
        self._replies = process.stdout
        self._broken = False

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """It can be asked: it has not ended, as far as is known, and its pipes are in order."""
        return self._process.returncode is None and not self._broken

    async def answer(self, task: Task[A], *, timeout_s: float) -> A:
        """The worker's answer.

        Raises:
            WorkerDied: it died.
            WorkerError: the task raised an error.
            TimeoutError: no answer in time; the worker has been killed, for it may never answer.
        """
        body = await asyncio.to_thread(packed, task) if task.is_large() else packed(task)
        try:
            async with asyncio.timeout(timeout_s):
                self._requests.write(body)
                await self._requests.drain()
                answer = await self._receive()
        except ConnectionError:  # the pipe broke while writing
            self.kill()
            raise WorkerDied(f"worker {self.pid} died") from None
        except BaseException:
            self.kill()
            raise
        if isinstance(answer, Failure):
            raise WorkerError(answer.reason)
        return cast(A, answer)

    async def wait(self) -> int:
        """Returns its exit status (negative: the signal) when it has ended."""
        return await self._process.wait()

    def kill(self) -> None:
        """Ends it at once."""
        self._broken = True
        self._process.kill()

    async def close(self, *, grace_s: float) -> None:
        """Lets it finish and end by itself within `grace_s`, then ends it; goes through even when cancelled."""
        end = asyncio.create_task(self._end(grace_s))
        try:
            await asyncio.shield(end)
        except asyncio.CancelledError:
            await end
            raise

    async def _end(self, grace_s: float) -> None:
        self._requests.close()
        if grace_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._process.wait()
        if self._process.returncode is None:
            self.kill()
            await self._process.wait()

    async def _receive(self) -> object:
        try:
            return await receive(self._replies)
        except EOFError:
            raise WorkerDied(f"worker {self.pid} died") from None
