"""A pool of worker processes that answers tasks: those that take a model in a worker, all others right here.

A task whose worker dies goes to the next one; where no worker can answer, the task's own fallback does. What nobody
waits for yet gets a worker only while nobody waits for one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from asktell_server.domain.errors import ResourceExhausted
from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.counters import Load, PoolCounters
from asktell_server.engine.workers.process import WorkerDied, WorkerError, WorkerProcess
from asktell_server.engine.workers.queue import WorkerQueue
from asktell_server.engine.workers.starts import CAN_FORK, worker_source
from asktell_server.engine.workers.supervision import Supervision

log = logging.getLogger(__name__)

R = TypeVar("R")

MAX_WAIT_S = 20.0
"""Tasks are refused while those that wait for a worker have so much to wait."""
ATTEMPTS = 3
"""Workers that may die under one task before it is answered without the model."""


class WorkerPool:
    """A `SpareEngine` and `PatientEngine` over `workers` processes.

    Tasks get a worker in the order they come. `timeout_s` bounds the wait for a free worker and, again, the wait for its
    answer; while the wait to be expected is more than `max_wait_s`, tasks that take a model are refused. A worker that is
    not warm yet is waited for, with a log line every `start_notice_s`. With `fork` the workers share the memory of what they
    have loaded; without, each loads it for itself.
    """

    def __init__(
        self,
        *,
        workers: int,
        timeout_s: float = 60.0,
        start_notice_s: float = 10.0,
        max_wait_s: float = MAX_WAIT_S,
        fork: bool = CAN_FORK,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.counters = PoolCounters()
        self._timeout_s = timeout_s
        self._load = Load(workers=workers, max_wait_s=max_wait_s)
        self._queue = WorkerQueue()
        self._source = worker_source(fork=fork, notice_s=start_notice_s)
        self._supervision = Supervision(
            workers=workers, source=self._source, on_warm=self._queue.put, on_death=self._count_crash
        )
        self._at_work: set[asyncio.Task[Any]] = set()
        """Tasks that wait for a worker or for its answer."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the warm workers."""
        return self._supervision.pids

    async def start(self) -> None:
        """Starts the workers and returns when every one is warm.

        Raises:
            WorkerError: one did not come up; the others have been stopped.
        """
        try:
            await self._supervision.start()
        except BaseException:
            await self.stop()
            raise

    async def answer(self, task: Task[A]) -> A:
        """See Engine."""
        if not task.needs_model():
            return task.run() if task.is_quick() else await asyncio.to_thread(task.run)
        try:
            self._load.require_room(len(self._at_work))
        except ResourceExhausted:
            self.counters.refused += 1
            raise
        return await self._to_its_end(self._answer(task), name="engine task")

    async def spare(self) -> None:
        """See SpareEngine."""
        await self._queue.spare()

    async def answer_if_idle(self, task: Task[A]) -> A | None:
        """See SpareEngine."""
        if (worker := self._queue.take_spare()) is None:
            return None
        return await self._to_its_end(self._try(worker, task), name="engine task ahead")

    async def answer_when_idle(self, task: Task[A]) -> A | None:
        """See PatientEngine."""
        while (worker := self._queue.take_spare()) is None:
            if not self._supervision.running:
                return None
            await self.spare()
        return await self._to_its_end(self._try(worker, task), name="engine task in spare time")

    async def stop(self) -> None:
        """Ends the workers. What is being asked is answered first, without the model if it takes long."""
        ending = self._supervision.end()
        self._queue.close()
        await asyncio.gather(*ending, *self._at_work, return_exceptions=True)
        await self._source.close()

    async def _to_its_end(self, work: Coroutine[Any, Any, R], *, name: str) -> R:
        """Work of a worker. A caller that goes away must not leave its answer in the worker's pipe for the next one."""
        at_work = asyncio.create_task(work, name=name)
        self._at_work.add(at_work)
        at_work.add_done_callback(self._at_work.discard)
        return await asyncio.shield(at_work)

    async def _answer(self, task: Task[A]) -> A:
        loop = asyncio.get_running_loop()
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                worker = await self._queue.take(timeout_s=self._timeout_s)
            except WorkerError as error:
                reason = reason or str(error)
                break
            start = loop.time()
            try:
                answer = await worker.answer(task, timeout_s=self._timeout_s)
            except TimeoutError:  # the same task would take as long again
                self.counters.timed_out += 1
                reason = f"no answer within {self._timeout_s:g} s"
                break
            except WorkerDied as error:
                reason = str(error)
                log.warning("a task goes to another worker: %s", reason)
                continue
            except WorkerError as error:  # the same task would end in the same error
                reason = str(error)
                break
            finally:
                self._queue.put(worker)
                self._load.took(loop.time() - start)
            return self._counted(answer)
        return self._counted(await asyncio.to_thread(task.fallback, reason))

    async def _try(self, worker: WorkerProcess, task: Task[A]) -> A | None:
        """The worker's answer; None where it failed. Whoever needs one asks again."""
        try:
            return self._counted(await worker.answer(task, timeout_s=self._timeout_s))
        except (WorkerError, TimeoutError) as error:
            log.warning("a task that nobody waits for has no answer: %s", error)
            return None
        finally:
            self._queue.put(worker)

    def _counted(self, answer: A) -> A:
        if answer.fallback_reason:
            self.counters.fell_back += 1
            log.warning("answered without the model: %s", answer.fallback_reason)
        else:
            self.counters.answered += 1
        return answer

    def _count_crash(self) -> None:
        self.counters.crashed += 1
