"""What all rules of early stopping have, and what they are given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from asktell_server.domain.early_stopping.forecast import Change, FinishedCurve
from asktell_server.domain.metrics import Goal


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

    @abstractmethod
    def changes_at(self, step: int) -> Sequence[Change]:
        """The changes of the trials that succeeded from the step to their end, rising by the values at the step."""

    @abstractmethod
    def best_result(self) -> FinishedCurve | None:
        """The trial that succeeded with the best result of the metric, which for a tracked metric is the last report."""

    @abstractmethod
    def best_trial(self) -> FinishedCurve | None:
        """The reports of the metric of the trial that succeeded with the best objective; with several, the same as `best_result`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(ABC):
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
