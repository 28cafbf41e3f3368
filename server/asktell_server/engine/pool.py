"""Worker processes for suggestions that take a model; everything else is answered right here.

A supervising task per worker starts it, puts it among the idle ones and starts another when it dies. An ask whose
worker dies goes to the next one; what no worker can answer is answered with space-filling configurations. What nobody
waits for yet gets a worker only while no ask does.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from asktell_server.domain.errors import ErrorReason, ResourceExhausted
from asktell_server.domain.trial import Origin
from asktell_server.engine.filling import fill
from asktell_server.engine.problem import Assessment, AssessTask, SuggestResult, SuggestTask
from asktell_server.engine.suggest import needs_model, suggest
from asktell_server.engine.worker_process import WorkerDied, WorkerError, WorkerProcess

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

MAX_WAIT_S = 20.0
"""Asks are refused while those that wait for a worker have so much to wait: later ones would only meet their deadlines."""
MIN_RETRY_AFTER_S = 1.0
RECENT = 0.1
"""Weight of the last task in what is taken as typical."""
ATTEMPTS = 3
"""Workers that may die under one ask before it is answered without the model."""
RESTART_DELAYS_S = (1.0, 5.0, 30.0)
"""Waits before a worker that did not come up is tried again; the last one for ever after."""
STOP_GRACE_S = 5.0
LOOK_AGAIN_S = 1.0
"""How long an idle worker may be overlooked by those who wait for spare time."""
SMALL_TASK = 30_000
"""Size (about: parameter values known) up to which a task without a model is answered in the event loop itself: 0.3 ms in a
continuum, 2 ms in a finite space. A thread would wait for the interpreter's lock, up to 5 ms on a busy server."""


@dataclass(slots=True, kw_only=True)
class PoolCounters:
    """What has happened since the start."""

    answered: int = 0
    """Tasks that a worker answered, those that nobody waited for included."""
    crashed: int = 0
    """Workers that ended while the pool was running, killed ones included."""
    timed_out: int = 0
    """Tasks whose worker was killed because it took too long."""
    fell_back: int = 0
    """Tasks that should have used a model and did not."""
    refused: int = 0
    """Tasks that came while too many waited."""


class WorkerPool:
    """A `Suggester` over `workers` processes.

    Tasks get a worker in the order they come. `timeout_s` bounds the wait for a free worker and, again, the wait for its
    answer; while the wait to be expected is more than `max_wait_s`, tasks that take a model are refused. A worker that is
    not warm yet is waited for, with a log line every `start_notice_s`.
    """

    def __init__(
        self,
        *,
        workers: int,
        timeout_s: float = 60.0,
        start_notice_s: float = 10.0,
        max_wait_s: float = MAX_WAIT_S,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers}")
        self.counters = PoolCounters()
        self._size = workers
        self._timeout_s = timeout_s
        self._start_notice_s = start_notice_s
        self._max_wait_s = max_wait_s
        self._typical_s = 0.0  # how long a worker takes for a task, of late
        self._idle: asyncio.Queue[WorkerProcess | None] = asyncio.Queue()  # None: the pool is stopping
        self._workers: dict[int, WorkerProcess] = {}
        self._supervisors: list[asyncio.Task[None]] = []
        self._asks: set[asyncio.Task[Any]] = set()
        self._waiting = 0
        """Asks that wait for a worker."""
        self._spare: deque[asyncio.Future[None]] = deque()

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the warm workers."""
        return tuple(worker.pid for worker in self._workers.values() if worker.alive)

    async def start(self) -> None:
        """Starts the workers and returns when every one is warm.

        Raises:
            WorkerError: one did not come up; the others have been stopped.
        """
        loop = asyncio.get_running_loop()
        warm: list[asyncio.Future[None]] = [loop.create_future() for _ in range(self._size)]
        self._supervisors = [
            asyncio.create_task(self._supervise(slot, first), name=f"engine worker {slot}")
            for slot, first in enumerate(warm)
        ]
        try:
            await asyncio.gather(*warm)
        except BaseException:
            await self.stop()
            raise

    async def suggest(self, task: SuggestTask) -> SuggestResult:
        """Suggests, in a worker where the task takes a model; never fails because of a model or a worker.

        Raises:
            ResourceExhausted: OVERLOADED, more tasks wait for a model than can be answered soon.
        """
        if not needs_model(task):
            if _size(task) <= SMALL_TASK:
                return suggest(task)
            return await asyncio.to_thread(suggest, task)
        self._require_room()
        return await self._to_its_end(self._ask(task), name="engine ask")

    async def spare(self) -> None:
        """Returns once a worker is idle and no ask waits for one; whoever waits longest comes first."""
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

    async def suggest_if_idle(self, task: SuggestTask) -> SuggestResult | None:
        """Suggests with a worker that is idle now; None where there is none, or where it failed at it."""
        if (worker := self._take_spare()) is None:
            return None
        return await self._to_its_end(self._ask_ahead(worker, task), name="engine ask ahead")

    async def assess(self, task: AssessTask) -> Assessment | None:
        """Judges with a worker that no ask waits for; None where it failed at it."""
        while (worker := self._take_spare()) is None:
            if not self._supervisors:
                return None
            await self.spare()
        return await self._to_its_end(self._judge(worker, task), name="engine assess")

    async def stop(self) -> None:
        """Ends the workers. What is being asked is answered first, without the model if it takes long."""
        supervisors, self._supervisors = self._supervisors, []
        for supervisor in supervisors:
            supervisor.cancel()
        self._idle.put_nowait(None)
        await asyncio.gather(*supervisors, *self._asks, return_exceptions=True)

    async def _to_its_end(self, work: Coroutine[Any, Any, _Answer], *, name: str) -> _Answer:
        """Work of a worker. A caller that goes away must not leave its answer in the worker's pipe for the next one."""
        ask = asyncio.create_task(work, name=name)
        self._asks.add(ask)
        ask.add_done_callback(self._asks.discard)
        return await asyncio.shield(ask)

    def _require_room(self) -> None:
        wait_s = len(self._asks) * self._typical_s / self._size
        if wait_s <= self._max_wait_s:
            return
        self.counters.refused += 1
        raise ResourceExhausted(
            f"{len(self._asks)} asks that take a model wait already, about {wait_s:.0f} s of work",
            reason=ErrorReason.OVERLOADED,
            metadata={"waiting": str(len(self._asks))},
            retry_after_s=max(MIN_RETRY_AFTER_S, wait_s - self._max_wait_s),
        )

    async def _ask(self, task: SuggestTask) -> SuggestResult:
        loop = asyncio.get_running_loop()
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                worker = await self._free_worker()
            except WorkerError as error:
                reason = reason or str(error)
                break
            start = loop.time()
            try:
                result = await worker.suggest(task, timeout_s=self._timeout_s)
            except TimeoutError:  # the same task would take as long again
                self.counters.timed_out += 1
                reason = f"no answer within {self._timeout_s:g} s"
                break
            except WorkerDied as error:
                reason = str(error)
                log.warning("an ask goes to another worker: %s", reason)
                continue
            except WorkerError as error:  # the same task would end in the same error
                reason = str(error)
                break
            finally:
                self._release(worker)
                self._typical_s += RECENT * (loop.time() - start - self._typical_s)
            return self._count(result)
        return self._count(await asyncio.to_thread(_without_model, task, reason))

    async def _ask_ahead(self, worker: WorkerProcess, task: SuggestTask) -> SuggestResult | None:
        try:
            return self._count(await worker.suggest(task, timeout_s=self._timeout_s))
        except (WorkerError, TimeoutError) as error:  # whoever asks will be told, by a try of its own
            log.warning("nothing was suggested ahead: %s", error)
            return None
        finally:
            self._release(worker)

    async def _judge(self, worker: WorkerProcess, task: AssessTask) -> Assessment | None:
        try:
            return await worker.assess(task, timeout_s=self._timeout_s)
        except (WorkerError, TimeoutError) as error:
            log.warning("no judgement of the results: %s", error)
            return None
        finally:
            self._release(worker)

    def _take_spare(self) -> WorkerProcess | None:
        """A worker that is idle, and that no ask waits for."""
        if not self._has_spare():
            return None
        worker = self._idle.get_nowait()
        if worker is None:  # the pool is stopping
            self._idle.put_nowait(None)
            return None
        return worker if worker.alive else None

    def _release(self, worker: WorkerProcess) -> None:
        if worker.alive:
            self._idle.put_nowait(worker)
            self._wake_spare()

    def _has_spare(self) -> bool:
        return not self._waiting and not self._idle.empty()

    def _wake_spare(self) -> None:
        if self._has_spare():
            while self._spare:
                turn = self._spare.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return

    async def _free_worker(self) -> WorkerProcess:
        """An idle worker that lives. Raises WorkerError when none becomes free in time."""
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                while (worker := await self._idle.get()) is not None:
                    if worker.alive:
                        return worker
        except TimeoutError:
            raise WorkerError(f"no worker became free within {self._timeout_s:g} s") from None
        finally:
            self._waiting -= 1
            self._wake_spare()
        self._idle.put_nowait(None)  # for the next one that waits
        raise WorkerError("the pool is stopping")

    def _count(self, result: SuggestResult) -> SuggestResult:
        if result.fallback_reason:
            self.counters.fell_back += 1
            log.warning("suggested without the model: %s", result.fallback_reason)
        else:
            self.counters.answered += 1
        return result

    async def _supervise(self, slot: int, first: asyncio.Future[None]) -> None:
        """Keeps one worker alive. `first` says how the first start went; if badly, there is no second."""
        delays = _delays()
        while True:
            try:
                worker = await WorkerProcess.start(notice_s=self._start_notice_s)
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
            self._idle.put_nowait(worker)
            self._wake_spare()
            if not first.done():
                first.set_result(None)
            try:
                status = await worker.wait()
            finally:
                del self._workers[slot]
                await worker.close(grace_s=STOP_GRACE_S)
            self.counters.crashed += 1
            log.warning("worker %d ended with status %d; starting another", worker.pid, status)


def _delays() -> Iterator[float]:
    return itertools.chain(RESTART_DELAYS_S, itertools.repeat(RESTART_DELAYS_S[-1]))


def _size(task: SuggestTask) -> int:
    # Drawing a configuration takes about fifty times as long as comparing with one.
    compared = len(task.observations) if task.tried is None else 0
    configurations = compared + len(task.pending) + 50 * task.count
    return configurations * len(task.problem.space.parameters)


def _without_model(task: SuggestTask, reason: str) -> SuggestResult:
    """What is answered when no worker can."""
    return SuggestResult(
        suggestions=fill(task, task.count, origin=Origin.FALLBACK),
        warm_start=task.warm_start,
        fallback_reason=reason,
    )
