"""Rules that judge a trial at any of its steps."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from asktell_server.domain.early_stopping.rule import Others, Reports, Rule

DEFAULT_MIN_TRIALS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic(Rule):
    """A rule that judges from `min_steps` on, at the first report of each `interval_steps` steps."""

    min_steps: int = 0
    interval_steps: int = 1

    def _judge(self, reports: Reports, others: Others) -> str:
        if reports.step < self.min_steps:
            return ""
        if len(reports.steps) > 1 and self._interval(reports.steps[-2]) == self._interval(reports.step):
            return ""
        return self._judge_now(reports, others)

    def _interval(self, step: int) -> int:
        return -1 if step < self.min_steps else (step - self.min_steps) // self.interval_steps

    @abstractmethod
    def _judge_now(self, reports: Reports, others: Others) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileStopping(Periodic):
    """Stops a trial that is not among the best `percentile` percent of the trials that got as far.

    The bound is the percentile of the others' best values up to the step, interpolated linearly. At least `min_trials` others
    must have got there.
    """

    kind: ClassVar[str] = "percentile"

    percentile: float
    min_trials: int = DEFAULT_MIN_TRIALS

    def _judge_now(self, reports: Reports, others: Others) -> str:
        return _beyond_percentile(reports, others, self.percentile, self.min_trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianStopping(Periodic):
    """The same with the median (Golovin et al. 2017, Google Vizier, with best values in place of running means)."""

    kind: ClassVar[str] = "median"

    min_trials: int = DEFAULT_MIN_TRIALS

    def _judge_now(self, reports: Reports, others: Others) -> str:
        return _beyond_percentile(reports, others, 50.0, self.min_trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdStopping(Periodic):
    """Stops a trial whose value is above `max` or below `min`, whichever is set."""

    kind: ClassVar[str] = "threshold"
    needs_goal: ClassVar[bool] = False

    max: float | None = None
    min: float | None = None

    def _judge_now(self, reports: Reports, others: Others) -> str:
        value = reports.values[-1]
        where = f"its {reports.metric} at step {reports.step}, {value:.6g},"
        if self.max is not None and value > self.max:
            return f"{where} is above {self.max:.6g}"
        if self.min is not None and value < self.min:
            return f"{where} is below {self.min:.6g}"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatienceStopping(Rule):
    """Stops a trial that has not bettered its best value by more than `min_gain` for `patience_steps` steps.

    It looks at no other trial. `min_steps` is the first step at which it stops one.
    """

    kind: ClassVar[str] = "patience"

    patience_steps: int
    min_gain: float = 0.0
    min_steps: int = 0

    def _judge(self, reports: Reports, others: Others) -> str:
        best, since = math.inf, reports.steps[0]
        for step, value in zip(reports.steps, reports.values, strict=True):
            cost = reports.goal.cost(value)
            if cost < best - self.min_gain:
                best, since = cost, step
        waited = reports.step - since
        if reports.step < self.min_steps or waited < self.patience_steps:
            return ""
        value = reports.goal.cost(best)
        return f"its {reports.metric} has not improved on {value:.6g} for {waited} steps"


def _beyond_percentile(reports: Reports, others: Others, percentile: float, min_trials: int) -> str:
    bests = others.bests_at(reports.step)
    if len(bests) < min_trials:
        return ""
    bound = _percentile(bests, percentile)
    if reports.goal.cost(reports.best) <= bound:
        return ""
    which = "median" if percentile == 50 else f"end of the best {percentile:g} %"
    return (
        f"its best {reports.metric} so far, {reports.best:.6g}, is worse than {reports.goal.cost(bound):.6g}, the {which} of "
        f"the {len(bests)} other trials that came to step {reports.step}"
    )


def _percentile(rising: Sequence[float], percentile: float) -> float:
    """Interpolated linearly between the two values around it; never outside of them by rounding."""
    place = (len(rising) - 1) * percentile / 100
    below = math.floor(place)
    low, high = rising[below], rising[min(below + 1, len(rising) - 1)]
    return min(max(low + (high - low) * (place - below), low), high)
