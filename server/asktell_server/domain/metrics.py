"""Metrics, measurements, objectives and outcome constraints."""

from __future__ import annotations

import enum
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import NAME_RE, NAME_RULE


class Goal(enum.StrEnum):
    """Better is lower or higher."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"

    def cost(self, value: float) -> float:
        """`value` turned so that lower is better. A cost turns back into a value the same way."""
        return value if self is Goal.MINIMIZE else -value


class Split(enum.StrEnum):
    """The part of the data on which a metric is measured."""

    VALIDATION = "validation"
    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A metric to optimise.

    `reference` is the worst value still of interest beside other objectives: the hypervolume is measured from there.
    None = inferred from the results. It is no part of the representation, by which fitted hyperparameters are known.
    """

    metric: str
    goal: Goal
    split: Split = Split.VALIDATION
    reference: float | None = field(default=None, repr=False)

    def cost(self, value: float) -> float:
        """`value` turned so that lower is better."""
        return self.goal.cost(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeConstraint:
    """A bound on a metric that good trials keep: it is at most `max`, or at least `min`; one of them is set.

    With `of_baseline` the bound is that many times the value of the study's baseline trial.
    """

    metric: str
    max: float | None = None
    min: float | None = None
    of_baseline: bool = False
    split: Split = Split.VALIDATION

    @property
    def bound(self) -> float:
        """The number that is set."""
        bound = self.min if self.max is None else self.max
        assert bound is not None, "validated"
        return bound

    @property
    def goal(self) -> Goal:
        """The side on which the metric is kept: minimise for an upper bound."""
        return Goal.MAXIMIZE if self.max is None else Goal.MINIMIZE

    @property
    def limit(self) -> float | None:
        """The bound in the metric's unit; None while it is relative to a baseline that has no value yet."""
        return None if self.of_baseline else self.bound

    def of(self, baseline: float) -> OutcomeConstraint:
        """The same constraint in the metric's unit, where the baseline trial has this value."""
        if not self.of_baseline:
            return self
        bound = min(max(self.bound * baseline, -sys.float_info.max), sys.float_info.max)
        if self.goal is Goal.MINIMIZE:
            return OutcomeConstraint(metric=self.metric, max=bound, split=self.split)
        return OutcomeConstraint(metric=self.metric, min=bound, split=self.split)

    def violation(self, value: float) -> float:
        """How far a value is beyond the limit, as a share of the limit's size (of 1 where that is 0); 0 = it keeps it."""
        limit = self.limit
        if limit is None:
            return 0.0
        return max(0.0, self.goal.cost(value) - self.goal.cost(limit)) / (abs(limit) or 1.0)

    def violations(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The violation of each of many values; NaN where the value is."""
        limit = self.limit
        if limit is None:
            return np.where(np.isnan(values), values, 0.0)
        with np.errstate(over="ignore"):  # inf, as with one value
            beyond = values - limit if self.goal is Goal.MINIMIZE else limit - values
            violations: npt.NDArray[np.float64] = np.maximum(0.0, beyond) / (abs(limit) or 1.0)
        return violations


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedMetric:
    """A metric that is logged and never optimised."""

    metric: str
    split: Split = Split.VALIDATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One value of a metric, with its standard error where that is known."""

    value: float
    standard_error: float | None = None

    def validate(self, field: str) -> None:
        """Raises InvalidArgument when the value or its standard error is not finite, or the error negative."""
        if not math.isfinite(self.value):
            raise InvalidArgument(f"{field}.value", f"must be finite, got {self.value}", reason=ErrorReason.NOT_FINITE)
        if self.standard_error is None:
            return
        if not math.isfinite(self.standard_error):
            raise InvalidArgument(
                f"{field}.standard_error",
                f"must be finite, got {self.standard_error}",
                reason=ErrorReason.NOT_FINITE,
            )
        if self.standard_error < 0:
            raise InvalidArgument(f"{field}.standard_error", f"must be at least 0, got {self.standard_error}")


Metrics = Mapping[str, Metric]
"""Metrics by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Metrics of a running trial at one step."""

    step: int
    metrics: Metrics
    report_time: datetime


def validate_metric_name(name: str, where: str) -> None:
    """Raises InvalidArgument when a metric cannot have the name."""
    if not NAME_RE.fullmatch(name):
        raise InvalidArgument(where, f"must be {NAME_RULE}, got {name[:140]!r}")


def validate_expense(metrics: Metrics, cost_metric: str, *, field: str = "metrics") -> None:
    """Raises InvalidArgument when a trial is said to have cost less than nothing."""
    if cost_metric in metrics and metrics[cost_metric].value < 0:
        raise InvalidArgument(
            f"{field}[{cost_metric}].value",
            f"must be at least 0, for it is what the trial cost, got {metrics[cost_metric].value:g}",
        )


def validate_metrics(metrics: Metrics, *, declared: frozenset[str], field: str = "metrics") -> None:
    """Checks that every metric is declared and finite.

    Raises:
        InvalidArgument: one is not; the field is `{field}[{metric}]` or a part of it.
    """
    for name, metric in metrics.items():
        where = f"{field}[{name[:128]}]"
        if name not in declared:
            raise InvalidArgument(
                where,
                f"the study declares no metric {name[:128]!r}; it has {', '.join(sorted(declared))}",
                reason=ErrorReason.UNKNOWN_METRIC,
                metadata={"metric": name[:128]},
            )
        metric.validate(where)
