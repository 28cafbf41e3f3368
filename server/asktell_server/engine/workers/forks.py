"""The server's end of the process that workers are forked from (`fork_server.py`)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections import deque
from collections.abc import Callable

from asktell_server.engine.workers.fork_server import REQUEST
from asktell_server.engine.workers.messages import Failure, receive
from asktell_server.engine.workers.process import WorkerDied, WorkerError
from asktell_server.processes import EXIT_S, ConnectedChild, end

PATIENCE_S = 10.0
"""A process that has neither forked nor killed a worker for so long, which takes it milliseconds, is ended with its workers."""

log = logging.getLogger(__name__)


class ForkedWorker:
    """The process of a worker; it is the fork server's child, not ours. See WorkerChild."""

    def __init__(
        self,
        pid: int,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        end: asyncio.Future[int],
        forks: Forks,
    ) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self._end = end
        self._forks = forks

    @property
    def returncode(self) -> int | None:
        """See WorkerChild."""
        return self._end.result() if self._end.done() else None

    async def wait(self) -> int:
        """See WorkerChild."""
        return await asyncio.shield(self._end)

    def kill(self) -> None:
        """See WorkerChild."""
        self._forks.kill(self.pid)


class Forks:
    """Forks workers from a warm process and knows which of them live. When that process dies, all its workers do."""

    def __init__(self, child: ConnectedChild, *, patience_s: float = PATIENCE_S) -> None:
        self._child = child
        self.patience_s = patience_s
        """See PATIENCE_S; another value holds from the next request on."""
        self._asked: deque[asyncio.Future[tuple[int, asyncio.Future[int]]]] = deque()
        """Who waits for a fork: its process id, and the future of its exit status. Answers come in the order of requests."""
        self._living: dict[int, asyncio.Future[int]] = {}
        self._listening = asyncio.create_task(self._listen(), name="fork server")

    @property
    def alive(self) -> bool:
        """It can fork."""
        return not self._listening.done()

    async def fork(self) -> ForkedWorker:
        """A new worker, warm.

        Raises:
            WorkerDied: the process that is to be forked has died.
            WorkerError: it could not be forked; it lives, and so do its other workers.
        """
        if not self.alive:
            raise self._death()
        ours, theirs = socket.socketpair()
        asked = asyncio.get_running_loop().create_future()
        try:
            with theirs:
                socket.send_fds(self._child.stdin, [REQUEST.pack(0)], [theirs.fileno()])
            self._asked.append(asked)
            self._give_up_unless(asked.done)
            pid, end = await asked
            stdout, stdin = await asyncio.open_unix_connection(sock=ours)
        except ConnectionError:
            ours.close()
            raise self._death() from None
        except BaseException:
            ours.close()  # the worker, if there is one by then, has nobody to answer and ends
            raise
        return ForkedWorker(pid, stdin, stdout, end, self)

    def kill(self, pid: int) -> None:
        """Ends a worker at once, if it lives."""
        if pid in self._living:
            with contextlib.suppress(OSError):  # it dies, and its workers with it
                self._child.stdin.send(REQUEST.pack(pid))
            self._give_up_unless(self._living[pid].done)

    async def close(self) -> None:
        """Ends the process, and with it the workers that are left."""
        try:
            await end(self._child, grace_s=EXIT_S)
        finally:
            await self._listening

    def _give_up_unless(self, done: Callable[[], bool]) -> None:
        """Ends the process, and its workers with it, if something is still not done after a while: it hangs."""

        def look() -> None:
            if not done() and self.alive:
                log.error("process %d, which workers are forked from, hangs; starting another", self._child.pid)
                self._child.kill()

        asyncio.get_running_loop().call_later(self.patience_s, look)

    def _death(self) -> WorkerDied:
        return WorkerDied(f"process {self._child.pid}, which workers are forked from, died")

    async def _listen(self) -> None:
        try:
            while True:
                match await receive(self._child.stdout):
                    case int(pid):
                        end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                        self._living[pid] = end
                        if not (asked := self._asked.popleft()).done():
                            asked.set_result((pid, end))
                    case Failure(reason=reason):
                        if not (asked := self._asked.popleft()).done():
                            asked.set_exception(WorkerError(reason))
                    case (int(pid), int(status)):
                        self._living.pop(pid).set_result(status)
        except EOFError:
            pass
        finally:
            for asked in self._asked:
                if not asked.done():
                    asked.set_exception(ConnectionError())
            for end in self._living.values():
                end.set_result(-signal.SIGKILL)  # see die_with
            self._asked.clear()
            self._living.clear()
