"""`study.optimize`: the loop in one call, with tasks as workers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from asktell._async.trial import AsyncTrial
from asktell._core.ask_options import AskOptions
from asktell._core.course import Catch, Course, Ending, ending_error, is_caught, limits, result_of
from asktell._core.progress import ProgressLine
from asktell.errors import (
    AsktellError,
    DeadlineExceeded,
    FixedExhausted,
    MissingObjective,
    NoTrialAvailable,
    Overloaded,
    QueueEmpty,
    StudyComplete,
    Unavailable,
)
from asktell.records import MetricInput, Outcome
from asktell.spec import Objective

if TYPE_CHECKING:
    from asktell._async.study import AsyncStudy

AsyncFunction: TypeAlias = Callable[[AsyncTrial], Awaitable[MetricInput | Mapping[str, MetricInput] | None]]

logger = logging.getLogger("asktell")

_AGAIN_S = 1.0


async def optimize(
    study: AsyncStudy,
    function: AsyncFunction,
    *,
    trials: int | None,
    workers: int,
    timeout_s: float | None,
    catch: Catch,
    max_failures_in_a_row: int | None,
    progress: bool | None,
    ask: AskOptions,
) -> None:
    """As `AsyncStudy.optimize`."""
    limits(trials=trials, workers=workers, timeout_s=timeout_s, max_failures_in_a_row=max_failures_in_a_row)
    objective = (await study.refresh()).objectives[0]
    course = Course(
        study.only_goal,
        next(iter(await study.best_trials(1)), None),
        max_trials=trials,
        max_failures_in_a_row=max_failures_in_a_row,
        timeout_s=timeout_s,
        whole=study.whole,
    )
    line = ProgressLine(study.id, course.tally, total=study.to_go(trials), shown=progress)
    crew = _Crew(study, function, objective, course, catch, line, ask)
    with line:
        tasks = [asyncio.create_task(crew.work(), name=f"worker-{n + 1}") for n in range(workers)]
        try:
            await asyncio.gather(*tasks)
        finally:  # cancelled: each gives its trial back
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    with contextlib.suppress(AsktellError):  # the trials are told: that the study cannot be read anew undoes nothing
        await study.refresh()
    error = ending_error(course)
    if error is not None:
        raise error


class _Crew:
    def __init__(
        self,
        study: AsyncStudy,
        function: AsyncFunction,
        objective: Objective,
        course: Course,
        catch: Catch,
        line: ProgressLine,
        ask: AskOptions,
    ) -> None:
        self._options = ask
        self._study = study
        self._function = function
        self._objective = objective
        self._course = course
        self._catch = catch
        self._line = line
        self._changed = asyncio.Event()
        self._at_work = 0

    async def work(self) -> None:
        """Trial after trial until it is over."""
        try:
            while self._course.claim():
                trial = await self._ask()
                if trial is None:
                    self._course.unclaim()
                    continue
                self._course.count(trial, await self._run(trial))
                self._line.ended(trial)
                self._change()
        except Exception as error:  # noqa: BLE001 # whatever it is ends all workers, and is raised once they have ended
            self._course.error = self._course.error or error
            self._course.end(Ending.ERROR)
            self._change()

    async def _ask(self) -> AsyncTrial | None:
        try:
            return await self._study.ask(wait=False, **self._options)
        except StudyComplete as error:
            self._course.complete = error
            self._course.end(Ending.COMPLETE)
        except FixedExhausted:
            self._course.end(Ending.FIXED_EXHAUSTED)
        except QueueEmpty:
            self._course.end(Ending.QUEUE_EMPTY)
        except (NoTrialAvailable, Overloaded) as error:
            if not self._at_work:
                self._line.say(f"waiting: {error.message}")
            await self._wait(error.retry_after_s or _AGAIN_S)
        except (Unavailable, DeadlineExceeded) as error:  # it was there when this began: it will come back
            logger.warning("waiting for the server: %s", error)
            await self._wait(_AGAIN_S)
        return None

    async def _run(self, trial: AsyncTrial) -> Exception | None:
        """Returns what the function raised, if that fails the trial and nothing else."""
        self._at_work += 1
        self._line.say("")
        try:
            async with trial:
                told = result_of(trial, await self._function(trial), self._objective)
                while told is not None:
                    try:
                        await self._tell(trial, *told)
                    except (Unavailable, DeadlineExceeded, Overloaded) as error:
                        # What was computed is expensive: it is not thrown away because a server is away for a while.
                        logger.warning("trial %d: its result waits for the server: %s", trial.number, error)
                        await asyncio.sleep(error.retry_after_s or _AGAIN_S)
                    else:
                        told = None
        except Exception as error:
            if not is_caught(error, self._catch):
                raise
            return error
        finally:
            self._at_work -= 1
        return None

    async def _tell(self, trial: AsyncTrial, outcome: Outcome, metrics: Mapping[str, MetricInput]) -> None:
        if outcome is Outcome.SUCCEEDED:
            await trial.tell(metrics)
            return
        try:
            await trial.stop(metrics)
        except MissingObjective:
            await trial.fail(f"stopped before it reported {self._objective.metric}")

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._course.wait_s(seconds)):
                await self._changed.wait()
