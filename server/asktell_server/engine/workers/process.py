"""The server's end of one worker: starts the process, talks to it, ends it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from pathlib import Path
from typing import cast

import asktell_server
from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.messages import HEADER, Failure, packed, unpacked
from asktell_server.processes import PipedChild, spawn_piped

log = logging.getLogger(__name__)

_MODULE = "asktell_server.engine.workers.worker"
_EXIT_S = 5.0
"""How long a process may take to end after it closed its pipes: its status says more than that of a kill."""
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerError(Exception):
    """A worker could not answer."""


class WorkerDied(WorkerError):
    """It is gone; another one may answer."""


class WorkerProcess:
    """A warm worker. It answers one task at a time."""

    def __init__(self, process: PipedChild) -> None:
        self._process = process
        self._requests = process.stdin
        self._replies = process.stdout
        self._broken = False

    @classmethod
    async def start(cls, *, notice_s: float) -> WorkerProcess:
        """Starts a process and returns when it is warm, however long that takes; a log line every `notice_s` says so.

        Raises:
            WorkerError: it ended. OSError: it cannot be started.
        """
        # -P: a file called torch.py in the directory where the server was started is not torch.
        process = await spawn_piped([sys.executable, "-P", "-m", _MODULE, str(os.getpid())], environment=_environment())
        worker = cls(process)
        try:
            await worker._become_warm(notice_s)
        except BaseException as error:
            await worker.close(grace_s=_EXIT_S if isinstance(error, WorkerDied) else 0)
            if isinstance(error, WorkerDied):
                raise WorkerError(f"a worker ended with status {process.returncode} while it started") from None
            raise
        return worker

    async def _become_warm(self, notice_s: float) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        receiving = asyncio.create_task(self._receive())
        try:
            while not (await asyncio.wait((receiving,), timeout=notice_s))[0]:
                log.warning(
                    "worker %d still loads the model's libraries after %.3g s; waiting for it",
                    self.pid,
                    loop.time() - began,
                )
            receiving.result()
        finally:
            receiving.cancel()

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
        body = packed(task)
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
            (size,) = HEADER.unpack(await self._replies.readexactly(HEADER.size))
            body = await self._replies.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise WorkerDied(f"worker {self.pid} died") from None
        return unpacked(body)


def _environment() -> dict[str, str]:
    """This process's environment, one thread for each library, and this very package first on the path."""
    package = str(Path(asktell_server.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path}
