"""Who gets the next idle worker: tasks that somebody waits for, in the order they come; others only while none does."""

from __future__ import annotations

import asyncio
from collections import deque

from asktell_server.engine.workers.process import WorkerError, WorkerProcess

LOOK_AGAIN_S = 1.0
"""How long an idle worker may be overlooked by those who wait for spare time."""


class WorkerQueue:
    """The idle workers, and those who wait for one."""

    def __init__(self) -> None:
        self._idle: asyncio.Queue[WorkerProcess | None] = asyncio.Queue()  # None: the pool is stopping
        self._waiting = 0
        """Tasks that wait for a worker and that somebody waits for."""
        self._spare: deque[asyncio.Future[None]] = deque()

    def put(self, worker: WorkerProcess) -> None:
        """A worker has nothing to do. One that has died is left out."""
        if worker.alive:
            self._idle.put_nowait(worker)
            self._wake_spare()

    async def take(self, *, timeout_s: float) -> WorkerProcess:
        """The next idle worker, before all who wait for spare time.

        Raises:
            WorkerError: none becomes idle in time, or the queue is closed.
        """
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                while (worker := await self._idle.get()) is not None:
                    if worker.alive:
                        return worker
        except TimeoutError:
            raise WorkerError(f"no worker became free within {timeout_s:g} s") from None
        finally:
            self._waiting -= 1
            self._wake_spare()
        self._idle.put_nowait(None)  # for the next one that waits
        raise WorkerError("the pool is stopping")

    def take_spare(self) -> WorkerProcess | None:
        """A worker that is idle and that no `take` waits for; None where there is none now."""
        if not self._has_spare():
            return None
        worker = self._idle.get_nowait()
        if worker is None:  # the pool is stopping
            self._idle.put_nowait(None)
            return None
        return worker if worker.alive else None

    async def spare(self) -> None:
        """Returns once a worker is idle and no `take` waits for one; whoever waits longest comes first."""
        while not self._has_spare():
            turn = asyncio.get_running_loop().create_future()
            self._spare.append(turn)
            try:
                # Whoever had the turn before may have let it pass: then nobody says so.
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await turn
            except TimeoutError:
                pass
            finally:
                if turn in self._spare:
                    self._spare.remove(turn)

    def close(self) -> None:
        """Ends every `take` with an error: the pool is stopping."""
        self._idle.put_nowait(None)

    def _has_spare(self) -> bool:
        return not self._waiting and not self._idle.empty()

    def _wake_spare(self) -> None:
        if self._has_spare():
            while self._spare:
                turn = self._spare.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
