"""Metrics, measurements and objectives."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.space import NAME_RE, NAME_RULE


class Goal(enum.StrEnum):
    """Better is lower or higher."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


class Split(enum.StrEnum):
    """The part of the data on which a metric is measured."""

    VALIDATION = "validation"
    TRAIN = "train"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A metric to optimise."""

    metric: str
    goal: Goal
    split: Split = Split.VALIDATION

    def cost(self, value: float) -> float:
        """`value` turned so that lower is better."""
        return value if self.goal is Goal.MINIMIZE else -value


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
