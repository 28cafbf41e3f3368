"""Keeps workers alive: starts them, notices when one dies, and starts another."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator

from asktell_server.engine.workers.process import WorkerError, WorkerProcess
from asktell_server.engine.workers.starts import WorkerSource

log = logging.getLogger(__name__)

RESTART_DELAYS_S = (1.0, 5.0, 30.0)
"""Waits before a worker that did not come up is tried again; the last one for ever after."""
STOP_GRACE_S = 5.0


class Supervision:
    """A task for each of `workers` processes of `source`. `on_warm` gets every worker that is warm; `on_death` is called when one died."""

    def __init__(
        self,
        *,
        workers: int,
        source: WorkerSource,
        on_warm: Callable[[WorkerProcess], None],
        on_death: Callable[[], None],
    ) -> None:
        self._size = workers
        self._source = source
        self._on_warm = on_warm
        self._on_death = on_death
        self._workers: dict[int, WorkerProcess] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def running(self) -> bool:
        """Workers are being kept alive."""
        return bool(self._tasks)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the warm workers."""
        return tuple(worker.pid for worker in self._workers.values() if worker.alive)

    async def start(self) -> None:
        """Starts the workers and returns when every one is warm. Raises WorkerError when one did not come up."""
        loop = asyncio.get_running_loop()
        warm: list[asyncio.Future[None]] = [loop.create_future() for _ in range(self._size)]
        self._tasks = [
            asyncio.create_task(self._keep(slot, first), name=f"engine worker {slot}")
            for slot, first in enumerate(warm)
        ]
        await asyncio.gather(*warm)

    def end(self) -> list[asyncio.Task[None]]:
        """Ends the workers, each after the task that it is at, if that takes no longer than 5 s. Returns what is to be awaited.

        The source is the pool's to close, after that.
        """
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        return tasks

    async def _keep(self, slot: int, first: asyncio.Future[None]) -> None:
        """Keeps one worker alive. `first` says how the first start went; if badly, there is no second."""
        delays = _delays()
        while True:
            try:
                worker = await self._source.worker()
            except (WorkerError, OSError) as error:
                if not first.done():
                    first.set_exception(WorkerError(str(error)))
                    return
                delay = next(delays)
                log.error("a worker did not come up, next try in %g s: %s", delay, error)  # noqa: TRY400
                await asyncio.sleep(delay)
                continue
            delays = _delays()
            self._workers[slot] = worker
            self._on_warm(worker)
            if not first.done():
                first.set_result(None)
            try:
                status = await worker.wait()
            finally:
                del self._workers[slot]
                await worker.close(grace_s=STOP_GRACE_S)
            self._on_death()
            log.warning("worker %d ended with status %d; starting another", worker.pid, status)


def _delays() -> Iterator[float]:
    return itertools.chain(RESTART_DELAYS_S, itertools.repeat(RESTART_DELAYS_S[-1]))
