"""What a study optimises, how it searches and when it ends."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

__all__ = [
    "Algorithm",
    "AtLeast",
    "AtMost",
    "Auto",
    "Bayesian",
    "Goal",
    "Grid",
    "LeasePolicy",
    "Manual",
    "Maximize",
    "Metric",
    "Minimize",
    "Objective",
    "OutcomeConstraint",
    "Random",
    "Sobol",
    "Split",
    "StoppingRules",
]


class Goal(enum.StrEnum):
    """Better is lower or higher."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Split(enum.StrEnum):
    """The part of the data on which a metric is measured."""

    VALIDATION = "validation"
    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to optimise. The server refuses one on the test split: it would be worthless as a test.

    `reference`: beside other objectives, the worst value still of interest, from which the hypervolume is measured; None = the
    server infers it from the results.
    """

    metric: str
    goal: Goal
    split: Split = Split.VALIDATION
    reference: float | None = None

    def __post_init__(self) -> None:
        """Takes the values of the enums too: goal="minimize", split="train"."""
        object.__setattr__(self, "goal", Goal(self.goal))
        object.__setattr__(self, "split", Split(self.split))


def Minimize(  # noqa: N802 # reads as a noun
    metric: str, *, reference: float | None = None, split: Split | str = Split.VALIDATION
) -> Objective:
    """An objective of which less is better. `reference`: see Objective."""
    return Objective(metric, Goal.MINIMIZE, Split(split), reference)


def Maximize(  # noqa: N802 # as above
    metric: str, *, reference: float | None = None, split: Split | str = Split.VALIDATION
) -> Objective:
    """An objective of which more is better. `reference`: see Objective."""
    return Objective(metric, Goal.MAXIMIZE, Split(split), reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeConstraint:
    """A bound on a metric that good trials keep: `AtMost("latency_ms", 50)`, `AtLeast("accuracy", 0.9)`.

    One of `max` and `min` is set. `of_baseline`: the bound is that many times the value of the study's baseline trial, which is
    the first imported one unless `baseline_trial` names another.
    """

    metric: str
    max: float | None = None
    min: float | None = None
    of_baseline: bool = False
    split: Split | str = Split.VALIDATION

    def __post_init__(self) -> None:
        """Takes the value of the enum too: split="train"."""
        object.__setattr__(self, "split", Split(self.split))


def AtMost(  # noqa: N802 # reads as a noun
    metric: str, bound: float, *, of_baseline: bool = False, split: Split | str = Split.VALIDATION
) -> OutcomeConstraint:
    """The metric of a good trial is at most `bound`, or with `of_baseline` that many times the baseline trial's value."""
    return OutcomeConstraint(metric=metric, max=bound, of_baseline=of_baseline, split=split)


def AtLeast(  # noqa: N802 # as above
    metric: str, bound: float, *, of_baseline: bool = False, split: Split | str = Split.VALIDATION
) -> OutcomeConstraint:
    """The metric of a good trial is at least `bound`, or with `of_baseline` that many times the baseline trial's value."""
    return OutcomeConstraint(metric=metric, min=bound, of_baseline=of_baseline, split=split)


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that trials may log and that is never optimised."""

    name: str
    split: Split | str = Split.VALIDATION

    def __post_init__(self) -> None:
        """Takes the values of the enum too: split="test"."""
        object.__setattr__(self, "split", Split(self.split))


@dataclass(frozen=True, slots=True)
class Auto:
    """The server chooses: a few space-filling trials, then Bayesian optimisation."""


@dataclass(frozen=True, slots=True)
class Manual:
    """Only configurations that a person enqueues."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Every point of a grid, once.

    `levels`: number of points by parameter name, 2 to 1,000; `default_levels`: of each other parameter that has no
    levels of its own (a continuous one).
    """

    levels: Mapping[str, int] = field(default_factory=dict)
    default_levels: int = 5


@dataclass(frozen=True, slots=True)
class Random:
    """Independent uniform draws (uniform after the scale is applied)."""


@dataclass(frozen=True, slots=True)
class Sobol:
    """A scrambled Sobol sequence: random search without clumps."""


@dataclass(frozen=True, slots=True)
class Bayesian:
    """A Gaussian process and log expected improvement, after `start_trials` space-filling trials."""

    start_trials: int = 5


Algorithm: TypeAlias = Auto | Manual | Grid | Random | Sobol | Bayesian
"""How configurations are found."""

ALGORITHMS: Mapping[str, type[Algorithm]] = {
    "auto": Auto,
    "manual": Manual,
    "grid": Grid,
    "random": Random,
    "sobol": Sobol,
    "bayesian": Bayesian,
}
"""The algorithms by the names that `algorithm=` and study files take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingRules:
    """When a study ends: the first rule that holds ends it. None = the rule is not set."""

    max_trials: int | None = None
    target: float | Mapping[str, float] | None = None
    patience: int | None = None
    deadline: datetime | None = None
    min_expected_gain: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePolicy:
    """What happens to the trials of workers that die: `duration_s` 0 = a trial stays with its worker for ever."""

    duration_s: float = 60.0
    max_attempts: int = 3
