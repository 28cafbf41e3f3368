"""The course of many trials that a program runs itself: how many are left, what came of them, why it is over.

`asktell run` and `Study.optimize` follow it with threads, `AsyncStudy.optimize` with tasks. It waits for nothing and locks
nothing: with threads, calls are made one at a time.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from asktell._core.fidelity import has
from asktell._core.trial_actions import TrialActions
from asktell._core.trial_view import TrialView
from asktell._core.values import number, real, whole
from asktell.errors import AsktellError, FixedExhausted, InvalidArgument, NotFinite, StudyComplete, TooManyFailures
from asktell.records import MetricInput, MetricValue, Outcome, TrialState
from asktell.spaces import ParameterValue
from asktell.spec import Goal, Objective

Catch: TypeAlias = type[Exception] | tuple[type[Exception], ...]

FAILURES_IN_A_ROW = 3
_LONGEST_REASON = 300


class Ending(enum.Enum):
    """Why it is over."""

    BUDGET = "as many trials as asked for"
    TIMEOUT = "its time is up"
    COMPLETE = "study is complete"
    QUEUE_EMPTY = "nothing is enqueued"
    FIXED_EXHAUSTED = "nothing is left with the fixed values"
    FAILURES = "too many trials in a row failed"
    INTERRUPTED = "interrupted"
    ERROR = "error"


@dataclass(slots=True)
class Tally:
    """What has been done so far."""

    succeeded: int = 0
    failed: int = 0
    other: int = 0
    best_number: int | None = None
    best_value: float | None = None

    @property
    def total(self) -> int:
        """All trials that ended in this run."""
        return self.succeeded + self.failed + self.other


@dataclass(frozen=True, slots=True)
class Step:
    """An intermediate report."""

    step: int
    metrics: dict[str, float]


class Course:
    """`claim` before every trial, `count` after it; `ending` says that, and why, no more are to be begun."""

    def __init__(
        self,
        objective: Objective | None,
        best: TrialView | None,
        *,
        max_trials: int | None = None,
        max_failures_in_a_row: int | None = FAILURES_IN_A_ROW,
        timeout_s: float | None = None,
        whole: Mapping[str, ParameterValue] | None = None,
    ) -> None:
        """`objective`: None = which trial is best is for the server to say: among several objectives, and under constraints.

        `best`: the best trial of before. `timeout_s`: from now on; None = no limit, as of the other two.
        `whole`: the values that the best trial must have (`StudyView.whole`)."""
        self._objective = objective
        self._whole = whole or {}
        self._left = max_trials
        self.max_failures_in_a_row = max_failures_in_a_row
        self._over_at = None if timeout_s is None else time.monotonic() + timeout_s
        self._failures_in_a_row = 0
        self.tally = Tally()
        self.last_failure: TrialView | None = None
        self.last_error: Exception | None = None
        self.ending: Ending | None = None
        self.complete: StudyComplete | None = None
        self.exhausted: FixedExhausted | None = None
        self.error: Exception | None = None
        if best is not None and objective is not None and has(best.params, self._whole):
            self.tally.best_number, self.tally.best_value = best.number, best.metrics.get(objective.metric)

    def claim(self) -> bool:
        """Takes one trial of the budget; False when no more are to be begun."""
        if self.ending is None and self._over_at is not None and time.monotonic() >= self._over_at:
            self.ending = Ending.TIMEOUT
        if self.ending is not None or self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def unclaim(self) -> None:
        """Puts a claim back for which there was no trial."""
        if self._left is not None:
            self._left += 1

    def wait_s(self, seconds: float) -> float:
        """So long, or until the time is up."""
        return seconds if self._over_at is None else max(0.0, min(seconds, self._over_at - time.monotonic()))

    def end(self, ending: Ending) -> None:
        """Lets no more trials begin. The first reason stays, but for an interruption."""
        if self.ending is None or ending is Ending.INTERRUPTED:
            self.ending = ending

    def count(self, trial: TrialActions, error: Exception | None = None) -> bool:
        """Counts a trial that ended or was given back; returns whether it is the best so far.

        `error`: what its function raised. Of all errors the last one is kept: their frames hold what the functions had.
        """
        tally = self.tally
        if trial.state is TrialState.FAILED:
            tally.failed += 1
            self.last_failure, self.last_error = trial, error
            self._failures_in_a_row += 1
            if self.max_failures_in_a_row is not None and self._failures_in_a_row >= self.max_failures_in_a_row:
                self.end(Ending.FAILURES)
            return False
        if trial.state not in {TrialState.SUCCEEDED, TrialState.STOPPED}:
            tally.other += trial.state.has_ended
            return False
        if trial.state is TrialState.SUCCEEDED:
            tally.succeeded += 1
            self._failures_in_a_row = 0
        else:
            tally.other += 1
        value = None if self._objective is None else trial.metrics.get(self._objective.metric)
        if trial.superseded or value is None or not has(trial.params, self._whole) or not self._is_better(value):
            return False
        tally.best_number, tally.best_value = trial.number, value
        return True

    def _is_better(self, value: float) -> bool:
        best, objective = self.tally.best_value, self._objective
        if best is None or objective is None:
            return objective is not None
        return value < best if objective.goal is Goal.MINIMIZE else value > best


def ending_error(course: Course) -> Exception | None:
    """What `optimize` raises at the end; None where it simply ended."""
    if course.ending is Ending.ERROR:
        return course.error
    if course.ending is Ending.FAILURES and course.last_failure is not None:
        failed = course.last_failure
        lines = failed.reason.strip().splitlines() or ["no reason was told"]
        error = TooManyFailures(
            f"{course.max_failures_in_a_row} trials in a row failed, the last one, trial {failed.number}, with: "
            f"{lines[0][:_LONGEST_REASON]} (max_failures_in_a_row=None goes on whatever happens)"
        )
        error.__cause__ = course.last_error
        return error
    return None


def is_caught(error: Exception, catch: Catch) -> bool:
    """The error fails its trial and nothing else: one of `catch`, or a result that is not finite."""
    return isinstance(error, NotFinite) or (isinstance(error, catch) and not isinstance(error, AsktellError))


def limits(*, trials: int | None, workers: int, timeout_s: float | None, max_failures_in_a_row: int | None) -> None:
    """Raises ValueError or TypeError: an argument of `optimize` makes no sense."""
    for name, value in (("trials", trials), ("workers", workers), ("max_failures_in_a_row", max_failures_in_a_row)):
        if value is not None and whole(value, name) < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    if timeout_s is not None and not real(timeout_s, "timeout_s") > 0:
        raise ValueError(f"timeout_s must be greater than 0, got {timeout_s}")


def result_of(
    trial: TrialActions, returned: object, objective: Objective
) -> tuple[Outcome, Mapping[str, MetricInput]] | None:
    """What to tell of a trial whose function returned; None when the function has told it itself, or it was called off.

    Raises:
        InvalidArgument: the function returned nothing to tell.
    """
    called_off = trial.should_stop and trial.lease_lost
    if not trial.is_open or called_off:
        return None
    outcome = Outcome.STOPPED if trial.should_stop else Outcome.SUCCEEDED
    if isinstance(returned, Mapping):
        return outcome, returned
    if isinstance(returned, MetricValue):
        return outcome, {objective.metric: returned}
    if returned is None:
        if outcome is Outcome.STOPPED:
            return outcome, {}  # the last report counts
        wanted = "it told nothing and returned None"
    else:
        try:
            return outcome, {objective.metric: number(returned, "the result")}
        except TypeError:
            wanted = f"it returned {type(returned).__name__} {returned!r:.80}"
    raise InvalidArgument(
        f"the function is to return the value of {objective.metric}, or metrics by name, or to tell the trial itself: {wanted}"
    )
