"""Early stopping: the rules by which a running trial is told to stop.

A rule judges a trial when it reports, from its own curve and, with most rules, from how good the other trials were at the same
step. A trial is as good as its best value so far; equal values are never worse. Trials that run, have ended or were stopped
all count as others. A rule depends on nothing else, apart from the trial's number: the same curves give the same decision.
"""

from __future__ import annotations

import math
import zlib
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from asktell_server.domain.metrics import Goal

DEFAULT_MIN_TRIALS = 5
DEFAULT_REDUCTION_FACTOR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What a trial has reported of one metric, up to the report that is judged.

    Attributes:
        number: the trial's.
        metric: its name, for people.
        goal: whether lower or higher is better.
        steps: rising; the last is that of the report.
        values: as many.
        reached: the highest step that the trial had reported before; -1 = none. It is at or above the last of `steps` where the
            report is late, or comes from a new attempt of the trial.
    """

    number: int
    metric: str
    goal: Goal
    steps: Sequence[int]
    values: Sequence[float]
    reached: int = -1

    @property
    def step(self) -> int:
        """The step of the report."""
        return self.steps[-1]

    @property
    def best(self) -> float:
        """The best value so far."""
        return min(self.values) if self.goal is Goal.MINIMIZE else max(self.values)


class Others(ABC):
    """The other trials, as a rule asks for them."""

    @abstractmethod
    def bests_at(self, step: int) -> Sequence[float]:
        """The best costs up to the step of the others of the trial's group that got there, rising (see `at_rung` of the rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule(ABC):
    """What all rules have.

    Attributes:
        metric: the metric that is judged; empty = the study's only objective.
        goal: whether lower or higher is better; None = as the study's objectives and constraints have it.
        grace_trials: trials with numbers up to this one are never stopped.
    """

    kind: ClassVar[str]
    """Its name in the contract, in study files and in the store."""
    at_rung: ClassVar[bool] = False
    """Others are compared at rungs: by the first report at or beyond the step, not by the last one up to it."""
    needs_goal: ClassVar[bool] = True

    metric: str = ""
    goal: Goal | None = None
    grace_trials: int = 0

    def group(self, number: int) -> int:
        """The trials with which a trial competes are those of the same group."""
        return 0

    def judge(self, reports: Reports, others: Others) -> str:
        """Why the trial should stop now, as a sentence for people; empty = it goes on."""
        return "" if reports.number <= self.grace_trials else self._judge(reports, others)

    @abstractmethod
    def _judge(self, reports: Reports, others: Others) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Periodic(_Rule):
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
class PercentileStopping(_Periodic):
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
class MedianStopping(_Periodic):
    """The same with the median (Golovin et al. 2017, Google Vizier, with best values in place of running means)."""

    kind: ClassVar[str] = "median"

    min_trials: int = DEFAULT_MIN_TRIALS

    def _judge_now(self, reports: Reports, others: Others) -> str:
        return _beyond_percentile(reports, others, 50.0, self.min_trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdStopping(_Periodic):
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
class PatienceStopping(_Rule):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Halving(_Rule):
    """Asynchronous successive halving (Li et al. 2020, A System for Massively Parallel Hyperparameter Tuning).

    Rungs are at `min_steps`·ηⁿ, η = `reduction_factor`. A trial is judged once at each, by the first report at or beyond it: it
    goes on if it is among the best 1/η of all that have come to the rung by then, itself included (at least one is). The first
    η at a rung go on, whatever they have: with fewer, nothing can be said.
    """

    at_rung: ClassVar[bool] = True

    min_steps: int
    reduction_factor: int = DEFAULT_REDUCTION_FACTOR

    def _judge(self, reports: Reports, others: Others) -> str:
        cost = reports.goal.cost(reports.best)
        for rung in self._rungs(reports):
            bests = others.bests_at(rung)
            count, better = len(bests) + 1, bisect_left(bests, cost)
            kept = max(1, count // self.reduction_factor)
            if count > self.reduction_factor and better >= kept:
                return (
                    f"its best {reports.metric} so far, {reports.best:.6g}, is at place {better + 1} of the {count} trials "
                    f"that came to step {rung}; {kept} of them go on"
                )
        return ""

    def _rungs(self, reports: Reports) -> Iterator[int]:
        """Those that the report is the first to reach."""
        rung = self.min_steps * self.reduction_factor ** self._first_rung(reports.number)
        while rung <= min(reports.step, self._last_step):
            if rung > reports.reached:
                yield rung
            rung *= self.reduction_factor

    @property
    def _last_step(self) -> float:
        """Rungs beyond this step are none."""
        return math.inf

    def _first_rung(self, number: int) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessiveHalving(_Halving):
    """Asynchronous successive halving, with rungs for as long as trials go on."""

    kind: ClassVar[str] = "successive_halving"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband(_Halving):
    """Successive halving in brackets, which begin at different rungs (Li et al. 2018, Hyperband).

    Bracket s, from 0 to ⌊log_η(max_steps/min_steps)⌋, has its first rung at `min_steps`·η^s. Trials compete within their bracket.
    A trial's number says which that is: brackets get trials in the shares in which Hyperband gives them configurations,
    ⌈B·η^(B-1-s)/(B-s)⌉ of B brackets. `max_steps` is how many steps a trial has that is not stopped.
    """

    kind: ClassVar[str] = "hyperband"

    max_steps: int

    @property
    def brackets(self) -> int:
        """How many there are."""
        count, step = 1, self.min_steps * self.reduction_factor
        while step <= self.max_steps:
            count, step = count + 1, step * self.reduction_factor
        return count

    def group(self, number: int) -> int:
        """The trial's bracket."""
        brackets, factor = self.brackets, self.reduction_factor
        shares = [
            math.ceil(brackets * factor ** (brackets - 1 - bracket) / (brackets - bracket))
            for bracket in range(brackets)
        ]
        place = zlib.crc32(str(number).encode()) % sum(shares)  # spread evenly, and the same on every server
        for bracket, share in enumerate(shares):
            place -= share
            if place < 0:
                return bracket
        raise AssertionError("a place lies within the sum of the shares")

    def _first_rung(self, number: int) -> int:
        return self.group(number)

    @property
    def _last_step(self) -> float:
        return self.max_steps - 1  # at its end a trial is not stopped


StoppingRule = (
    MedianStopping | PercentileStopping | ThresholdStopping | PatienceStopping | SuccessiveHalving | Hyperband
)

STOPPING_RULES: Mapping[str, type[StoppingRule]] = {rule.kind: rule for rule in get_args(StoppingRule)}
"""The settings of each kind of rule."""


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
