"""Metrics: finite, declared, and turned so that lower is better."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint, validate_metrics

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("metric", "field", "reason"),
    [
        (Metric(value=NAN), "value", ErrorReason.NOT_FINITE),
        (Metric(value=INF), "value", ErrorReason.NOT_FINITE),
        (Metric(value=-INF), "value", ErrorReason.NOT_FINITE),
        (Metric(value=1.0, standard_error=NAN), "standard_error", ErrorReason.NOT_FINITE),
        (Metric(value=1.0, standard_error=INF), "standard_error", ErrorReason.NOT_FINITE),
        (Metric(value=1.0, standard_error=-1e-9), "standard_error", ErrorReason.INVALID_FIELD),
    ],
)
def test_bad_values_are_refused_by_field(metric: Metric, field: str, reason: ErrorReason) -> None:
    with pytest.raises(InvalidArgument) as caught:
        validate_metrics({"loss": metric}, declared=frozenset({"loss"}))
    assert caught.value.field == f"metrics[loss].{field}"
    assert caught.value.reason is reason


def test_undeclared_metrics_are_refused_with_those_that_are_declared() -> None:
    with pytest.raises(InvalidArgument, match="it has accuracy, loss") as caught:
        validate_metrics(
            {"los": Metric(value=1.0)}, declared=frozenset({"loss", "accuracy"}), field="trials[2].metrics"
        )
    assert caught.value.field == "trials[2].metrics[los]"
    assert caught.value.reason is ErrorReason.UNKNOWN_METRIC
    assert caught.value.metadata["metric"] == "los"


def test_extreme_finite_values_are_taken() -> None:
    metrics = {"loss": Metric(value=1.7e308, standard_error=0.0), "accuracy": Metric(value=-5e-324)}
    validate_metrics(metrics, declared=frozenset(metrics))


def test_costs_are_lower_for_the_better_value() -> None:
    assert Objective(metric="loss", goal=Goal.MINIMIZE).cost(0.25) == 0.25
    assert Objective(metric="accuracy", goal=Goal.MAXIMIZE).cost(0.25) == -0.25


_FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(limit=_FINITE, values=st.lists(_FINITE), upper=st.booleans(), of_baseline=st.booleans())
def test_many_violations_are_those_of_each_value(
    limit: float, values: list[float], upper: bool, of_baseline: bool
) -> None:
    bound: dict[str, Any] = {"max": limit} if upper else {"min": limit}
    constraint = OutcomeConstraint(metric="loss", **bound, of_baseline=of_baseline)
    violations = constraint.violations(np.array([*values, limit, NAN]))
    assert violations[:-1].tolist() == [*map(constraint.violation, values), 0.0]
    assert math.isnan(violations[-1])
    if not of_baseline:
        kept = [value <= limit if upper else value >= limit for value in values]
        assert (violations[: len(values)] == 0).tolist() == kept
