"""The pool: same answers as in this process, and no death of a worker, a caller or the server leaves a mess."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psutil
import pytest

from asktell_server.domain.algorithm import Random
from asktell_server.domain.errors import ErrorReason, ResourceExhausted
from asktell_server.domain.trial import Origin
from asktell_server.engine.task import Answer
from asktell_server.engine.workers.pool import MAX_WAIT_S, WorkerPool
from asktell_server.engine.workers.process import WorkerError
from asktell_server.engine.workers.starts import CAN_FORK
from tests.unit.engine.problems import (
    BRANIN_SPACE,
    HARTMANN_SPACE,
    MIXED_SPACE,
    branin,
    hartmann,
    mixed,
    problem_of,
    random_results,
    task_of,
)

PROBLEM = problem_of(HARTMANN_SPACE)
QUICK = task_of(PROBLEM, random_results(PROBLEM, hartmann, count=10))
SLOW = task_of(PROBLEM, random_results(PROBLEM, hartmann, count=1500), count=40)
DEADLINE_S = 60.0


@asynccontextmanager
async def _pool(
    *, workers: int = 1, timeout_s: float = DEADLINE_S, max_wait_s: float = MAX_WAIT_S, fork: bool = CAN_FORK
) -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(workers=workers, timeout_s=timeout_s, max_wait_s=max_wait_s, fork=fork)
    await pool.start()
    try:
        yield pool
    finally:
        await pool.stop()


async def _until(condition: Callable[[], bool]) -> None:
    """Waits for something that other processes do."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - nothing in this process knows when
            await asyncio.sleep(0.01)


async def _until_busy(pid: int) -> None:
    """Waits until a worker computes."""
    process = psutil.Process(pid)
    before = process.cpu_times().user
    await _until(lambda: process.cpu_times().user > before + 0.05)


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="module")
def answers() -> dict[str, object]:
    """What this process answers."""
    return {"quick": QUICK.run(), "slow": SLOW.run()}


async def test_workers_are_warm_and_answer_as_this_process_does(answers: dict[str, object]) -> None:
    mixed_problem = problem_of(MIXED_SPACE)
    other = task_of(mixed_problem, random_results(mixed_problem, mixed, count=12), count=2)
    async with _pool(workers=2) as pool:
        assert len(set(pool.pids)) == 2
        results = await asyncio.gather(*(pool.answer(task) for task in (QUICK, other, QUICK, other)))
        assert results == [answers["quick"], other.run()] * 2
        assert pool.counters.answered == 4
    assert pool.pids == ()


@pytest.mark.skipif(sys.platform != "linux", reason="workers are not forked here")
async def test_workers_share_what_they_have_loaded_and_are_replaced_with_the_process_they_are_forked_from(
    answers: dict[str, object],
) -> None:
    async with _pool(workers=2) as pool:
        before = pool.pids
        for answer in await asyncio.gather(pool.answer(QUICK), pool.answer(QUICK)):
            assert answer == answers["quick"]
        for pid in before:
            memory = psutil.Process(pid).memory_full_info()
            assert memory.uss < memory.rss / 3, "most of it is shared"
        (source,) = {psutil.Process(pid).ppid() for pid in before}
        assert psutil.Process(source).num_threads() == 1, (
            "a fork would copy the locks of other threads, and not the threads"
        )
        os.kill(source, signal.SIGKILL)
        await _until(lambda: len(pool.pids) == 2 and not set(pool.pids) & set(before))
        assert await pool.answer(QUICK) == answers["quick"]
        assert all(map(_gone, before))


async def test_workers_that_load_everything_themselves_answer_the_same(answers: dict[str, object]) -> None:
    async with _pool(fork=False) as pool:
        assert await pool.answer(QUICK) == answers["quick"]
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        assert await pool.answer(QUICK) == answers["quick"]


async def test_tasks_without_a_model_keep_away_from_the_workers() -> None:
    pool = WorkerPool(workers=1)  # never started
    for count in (1, 1000):
        task = task_of(problem_of(HARTMANN_SPACE, algorithm=Random()), count=count)
        assert await pool.answer(task) == task.run()
    start = task_of(PROBLEM)
    assert (await pool.answer(start)).suggestions[0].origin is Origin.START


async def test_a_killed_worker_costs_one_retry_and_is_replaced(answers: dict[str, object]) -> None:
    async with _pool() as pool:
        (victim,) = pool.pids
        ask = asyncio.create_task(pool.answer(SLOW))
        await _until_busy(victim)
        os.kill(victim, signal.SIGKILL)
        assert await ask == answers["slow"]
        (successor,) = pool.pids
        assert successor != victim
        assert (pool.counters.crashed, pool.counters.fell_back) == (1, 0)


async def test_an_idle_worker_that_is_killed_is_replaced_unnoticed(answers: dict[str, object]) -> None:
    async with _pool(workers=2) as pool:
        for pid in pool.pids:
            os.kill(pid, signal.SIGKILL)
        assert await pool.answer(QUICK) == answers["quick"]
        await _until(lambda: len(pool.pids) == 2)
        assert pool.counters.crashed == 2


async def test_a_worker_that_takes_too_long_is_replaced_and_the_ask_answered_without_model() -> None:
    async with _pool(timeout_s=0.1) as pool:
        (slow,) = pool.pids
        result = await pool.answer(SLOW)
        assert result.fallback_reason == "no answer within 0.1 s"
        assert {one.origin for one in result.suggestions} == {Origin.FALLBACK}
        assert len(result.suggestions) == SLOW.count
        assert (pool.counters.timed_out, pool.counters.fell_back) == (1, 1)
        await _until(lambda: bool(pool.pids) and pool.pids != (slow,))
        assert _gone(slow)


async def test_an_ask_does_not_wait_for_ever_for_a_worker() -> None:
    async with _pool(timeout_s=0.2) as pool:
        results = await asyncio.gather(*(pool.answer(SLOW) for _ in range(3)))
        assert all(result.fallback_reason for result in results)


async def test_asks_are_answered_in_the_order_they_come() -> None:
    answered = []

    async def ask(pool: WorkerPool, seed: int) -> None:
        await pool.answer(dataclasses.replace(QUICK, seed=seed))
        answered.append(seed)

    async with _pool() as pool, asyncio.TaskGroup() as group:
        for seed in range(12):
            group.create_task(ask(pool, seed))
    assert answered == list(range(12))


async def test_asks_that_would_wait_too_long_are_refused_and_the_next_ones_answered(
    answers: dict[str, object],
) -> None:
    async with _pool(max_wait_s=0.0) as pool:
        await pool.answer(QUICK)
        first, *others = await asyncio.gather(*(pool.answer(QUICK) for _ in range(5)), return_exceptions=True)
        assert first == answers["quick"]
        for refused in others:
            assert isinstance(refused, ResourceExhausted)
            assert refused.reason is ErrorReason.OVERLOADED
            assert refused.retry_after_s
        assert pool.counters.refused == 4
        assert await pool.answer(QUICK) == answers["quick"]


async def test_a_caller_that_goes_away_leaves_no_answer_behind(answers: dict[str, object]) -> None:
    async with _pool() as pool:
        ask = asyncio.create_task(pool.answer(SLOW))
        await _until_busy(pool.pids[0])
        ask.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ask
        assert await pool.answer(QUICK) == answers["quick"]


async def test_stopping_answers_what_is_being_asked() -> None:
    async with _pool() as pool:
        (pid,) = pool.pids
        asks = [asyncio.create_task(pool.answer(SLOW)) for _ in range(3)]
        await _until_busy(pid)
        await pool.stop()
        results = await asyncio.gather(*asks)
        assert all(len(result.suggestions) == SLOW.count for result in results)
        assert _gone(pid)


async def test_signals_to_the_whole_group_are_the_servers_business(answers: dict[str, object]) -> None:
    async with _pool() as pool:
        (pid,) = pool.pids
        for each in (pid, *([psutil.Process(pid).ppid()] if CAN_FORK else [])):
            for number in (signal.SIGINT, signal.SIGTERM):
                os.kill(each, number)
        assert await pool.answer(QUICK) == answers["quick"]
        assert pool.pids == (pid,)


async def test_a_worker_that_is_slow_to_warm_up_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    pool = WorkerPool(workers=1, start_notice_s=0.05)
    await pool.start()
    assert caplog.text.count("still loads the model's libraries after") > 1
    await pool.stop()


async def test_a_start_that_is_cancelled_leaves_no_worker() -> None:
    pool = WorkerPool(workers=2)
    me = psutil.Process()
    others = {child.pid for child in me.children()}  # of other tests of this process
    start = asyncio.create_task(pool.start())
    await _until(lambda: len({child.pid for child in me.children()} - others) >= 1)
    started = {child.pid for child in me.children()} - others
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert pool.pids == ()
    assert all(_gone(pid) for pid in started)


async def test_a_worker_that_does_not_come_up_is_an_error_of_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asktell_server.engine.workers.starts.FORK_SERVER", "asktell_server.no_such_module")
    pool = WorkerPool(workers=2)
    with pytest.raises(WorkerError, match="ended with status 1 while it started"):
        await pool.start()
    assert pool.pids == ()


def test_at_least_one_worker() -> None:
    with pytest.raises(ValueError, match="workers"):
        WorkerPool(workers=0)


async def test_workers_die_with_a_server_that_is_killed() -> None:
    program = textwrap.dedent("""
        import asyncio
        from asktell_server.engine.workers.pool import WorkerPool
        from tests.unit.engine.test_pool import SLOW

        async def main():
            pool = WorkerPool(workers=2)
            await pool.start()
            print(*pool.pids, flush=True)
            await pool.answer(SLOW)  # one worker is busy, the other idle, when the end comes
            await asyncio.Event().wait()

        asyncio.run(main())
    """)
    server = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None
        pids = [int(pid) for pid in (await server.stdout.readline()).split()]
        assert len(pids) == 2
        assert not any(map(_gone, pids))
    finally:
        server.kill()
        await server.wait()
    await _until(lambda: all(map(_gone, pids)))


@pytest.mark.slow
async def test_a_worker_does_not_grow() -> None:
    problem = problem_of(BRANIN_SPACE)
    observations = random_results(problem, branin, count=150)
    async with _pool() as pool:
        process = psutil.Process(pool.pids[0])

        async def resident_after_a_round() -> int:
            for count in range(6, len(observations), 6):
                await pool.answer(task_of(problem, observations[:count]))
            return process.memory_info().rss

        await resident_after_a_round()
        before = await resident_after_a_round()
        assert await resident_after_a_round() < before + 4e6


async def test_what_nobody_waits_for_gets_a_worker_only_while_it_is_idle() -> None:
    async with _pool() as pool:
        async with asyncio.timeout(DEADLINE_S):
            await pool.spare()
            ahead = await pool.answer_if_idle(QUICK)
        assert ahead is not None
        assert ahead.suggestions == QUICK.run().suggestions
        (pid,) = pool.pids
        slow = asyncio.create_task(pool.answer(SLOW))
        await _until_busy(pid)
        waiting = asyncio.create_task(pool.answer(QUICK))
        spare = asyncio.create_task(pool.spare())
        assert await pool.answer_if_idle(QUICK) is None
        assert not slow.done()
        assert not spare.done()
        await asyncio.wait([slow, waiting, spare], timeout=DEADLINE_S)
        assert waiting.done()
        assert spare.done()
        os.kill(pid, signal.SIGKILL)
        assert await pool.answer_if_idle(QUICK) is None, "a worker that dies at it is no reason for a guess"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sum(Answer):
    """The answer of `Add`, and the process that gave it."""

    total: int
    pid: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Add:
    """A question that neither pool nor worker has ever heard of."""

    numbers: tuple[int, ...]

    def needs_model(self) -> bool:
        """See Task."""
        return True

    def is_large(self) -> bool:
        """See Task."""
        return len(self.numbers) > 10

    def is_quick(self) -> bool:
        """See Task."""
        return True

    def run(self) -> Sum:
        """See Task."""
        if not self.numbers:
            raise ValueError("nothing to add")
        return Sum(total=sum(self.numbers), pid=os.getpid())

    def fallback(self, reason: str) -> Sum:
        """See Task."""
        return Sum(total=0, pid=os.getpid(), fallback_reason=reason)


async def test_any_question_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # the worker must find this module
    async with _pool() as pool:
        (pid,) = pool.pids
        assert await pool.answer(Add(numbers=(1, 2))) == Sum(total=3, pid=pid)
        assert await pool.answer_if_idle(Add(numbers=(3,))) == Sum(total=3, pid=pid)
        assert await pool.answer_when_idle(Add(numbers=(4,))) == Sum(total=4, pid=pid)
        assert (pool.counters.answered, pool.counters.fell_back) == (3, 0)
        failed = await pool.answer(Add(numbers=()))
        assert failed == Sum(total=0, pid=os.getpid(), fallback_reason="ValueError: nothing to add")
        assert await pool.answer_if_idle(Add(numbers=())) is None
        assert await pool.answer_when_idle(Add(numbers=())) is None
        assert pool.counters.fell_back == 1
        assert pool.pids == (pid,)
