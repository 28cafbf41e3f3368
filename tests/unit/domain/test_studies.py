"""What a study may be created with."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from asktell_server.domain.algorithm import Bayesian, Grid
from asktell_server.domain.early_stopping import (
    Hyperband,
    MedianStopping,
    PatienceStopping,
    PercentileStopping,
    SuccessiveHalving,
    ThresholdStopping,
)
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, Split, TrackedMetric
from asktell_server.domain.space import SearchSpace
from asktell_server.domain.study import LeasePolicy, StoppingRules, Study
from tests.support.builders import a_study
from tests.support.strategies import studies

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)
FIELD = ErrorReason.INVALID_FIELD


@given(studies())
def test_what_the_strategies_draw_is_valid(study: Study) -> None:
    study.validate()


_TWO = Goals(
    objectives=(
        Objective(metric="loss", goal=Goal.MINIMIZE),
        Objective(metric="size", goal=Goal.MINIMIZE),
    )
)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"display_name": "x" * 257}, "display_name", FIELD),
        ({"space": SearchSpace(parameters=())}, "search_space.parameters", FIELD),
        ({"goals": Goals(objectives=())}, "objectives", FIELD),
        ({"goals": Goals(objectives=(Objective(metric="", goal=Goal.MINIMIZE),))}, "objectives[0].metric", FIELD),
        (
            {"goals": Goals(objectives=(Objective(metric="val loss", goal=Goal.MINIMIZE),))},
            "objectives[0].metric",
            FIELD,
        ),
        (
            {"goals": Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE, split=Split.TEST),))},
            "objectives[0].split",
            ErrorReason.TEST_SPLIT_OBJECTIVE,
        ),
        ({"tracked_metrics": (TrackedMetric(metric="1st"),)}, "tracked_metrics[0].metric", FIELD),
        ({"tracked_metrics": (TrackedMetric(metric="loss"),)}, "tracked_metrics[0].metric", FIELD),
        (
            {"tracked_metrics": (TrackedMetric(metric="a"), TrackedMetric(metric="a"))},
            "tracked_metrics[1].metric",
            FIELD,
        ),
        ({"tracked_metrics": tuple(TrackedMetric(metric=f"m{i}") for i in range(101))}, "tracked_metrics", FIELD),
        ({"algorithm": Grid(levels={"nope": 2})}, "algorithm.grid.levels[nope]", FIELD),
        ({"algorithm": Bayesian(start_trials=0)}, "algorithm.bayesian.start_trials", FIELD),
        ({"stopping": StoppingRules(max_trials=0)}, "stopping_rules.max_trials", FIELD),
        ({"stopping": StoppingRules(patience_trials=-1)}, "stopping_rules.patience_trials", FIELD),
        ({"stopping": StoppingRules(target_value=math.nan)}, "stopping_rules.target_value", ErrorReason.NOT_FINITE),
        ({"lease": LeasePolicy(duration_s=0.5)}, "lease_policy.lease_duration", FIELD),
        ({"lease": LeasePolicy(duration_s=-1.0)}, "lease_policy.lease_duration", FIELD),
        ({"lease": LeasePolicy(duration_s=7 * 86_400 + 1.0)}, "lease_policy.lease_duration", FIELD),
        ({"lease": LeasePolicy(duration_s=math.nan)}, "lease_policy.lease_duration", FIELD),
        ({"lease": LeasePolicy(max_attempts=0)}, "lease_policy.max_attempts", FIELD),
        ({"lease": LeasePolicy(max_attempts=101)}, "lease_policy.max_attempts", FIELD),
        ({"max_running_trials": -1}, "max_running_trials", FIELD),
        ({"replicates": 0}, "replicates", FIELD),
        ({"replicates": 1001}, "replicates", FIELD),
        ({"max_staleness": -1}, "max_staleness", FIELD),
        ({"max_staleness": 1001}, "max_staleness", FIELD),
        ({"early_stopping": (MedianStopping(),) * 9}, "early_stopping.any.rules", FIELD),
        ({"early_stopping": (MedianStopping(metric="nope"),)}, "early_stopping.metric", ErrorReason.UNKNOWN_METRIC),
        ({"early_stopping": (MedianStopping(metric="accuracy"),)}, "early_stopping.goal", FIELD),
        ({"early_stopping": (MedianStopping(goal=Goal.MAXIMIZE),)}, "early_stopping.goal", FIELD),
        (
            {
                "tracked_metrics": (TrackedMetric(metric="test_loss", split=Split.TEST),),
                "early_stopping": (MedianStopping(metric="test_loss", goal=Goal.MINIMIZE),),
            },
            "early_stopping.metric",
            ErrorReason.TEST_SPLIT_OBJECTIVE,
        ),
        ({"goals": _TWO, "early_stopping": (MedianStopping(),)}, "early_stopping.metric", FIELD),
        ({"early_stopping": (MedianStopping(grace_trials=-1),)}, "early_stopping.grace_trials", FIELD),
        ({"early_stopping": (MedianStopping(interval_steps=0),)}, "early_stopping.interval_steps", FIELD),
        ({"early_stopping": (MedianStopping(min_steps=-1),)}, "early_stopping.median.min_steps", FIELD),
        (
            {"early_stopping": (MedianStopping(), MedianStopping(min_trials=0))},
            "early_stopping.any.rules[1].median.min_trials",
            FIELD,
        ),
        ({"early_stopping": (PercentileStopping(percentile=0),)}, "early_stopping.percentile.percentile", FIELD),
        ({"early_stopping": (PercentileStopping(percentile=math.nan),)}, "early_stopping.percentile.percentile", FIELD),
        ({"early_stopping": (ThresholdStopping(),)}, "early_stopping.threshold.max", FIELD),
        ({"early_stopping": (ThresholdStopping(min=math.nan),)}, "early_stopping.threshold.min", FIELD),
        ({"early_stopping": (ThresholdStopping(max=1.0, min=2.0),)}, "early_stopping.threshold.min", FIELD),
        ({"early_stopping": (PatienceStopping(patience_steps=0),)}, "early_stopping.patience.patience_steps", FIELD),
        (
            {"early_stopping": (PatienceStopping(patience_steps=1, min_gain=-1.0),)},
            "early_stopping.patience.min_gain",
            FIELD,
        ),
        (
            {"early_stopping": (SuccessiveHalving(min_steps=0),)},
            "early_stopping.successive_halving.min_steps",
            FIELD,
        ),
        (
            {"early_stopping": (SuccessiveHalving(min_steps=1, reduction_factor=1),)},
            "early_stopping.successive_halving.reduction_factor",
            FIELD,
        ),
        ({"early_stopping": (Hyperband(min_steps=9, max_steps=9),)}, "early_stopping.hyperband.max_steps", FIELD),
        ({"seed": -1}, "seed", FIELD),
        ({"seed": 2**53}, "seed", FIELD),
        ({"labels": {"": "x"}}, "labels[]", FIELD),
        ({"labels": {"k" * 64: "x"}}, f"labels[{'k' * 63}]", FIELD),
        ({"labels": {"key": "x" * 257}}, "labels[key]", FIELD),
        ({"labels": {f"k{index}": "" for index in range(65)}}, "labels", FIELD),
        ({"annotations": {"k": "x" * 65_536}}, "annotations", FIELD),
        ({"annotations": {"k": "é" * 32_768}}, "annotations", FIELD),
    ],
)
def test_bad_studies_are_refused_by_field(changes: dict[str, Any], field: str, reason: ErrorReason) -> None:
    with pytest.raises(InvalidArgument) as caught:
        a_study(**changes).validate()
    assert caught.value.field == f"study.{field}"
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"display_name": "x" * 256},
        {"tracked_metrics": tuple(TrackedMetric(metric=f"m{index}") for index in range(100))},
        {"tracked_metrics": (TrackedMetric(metric="test_loss", split=Split.TEST),)},
        {"goals": Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE, split=Split.TRAIN),))},
        {"lease": LeasePolicy(duration_s=0.0, max_attempts=1)},
        {"lease": LeasePolicy(duration_s=7 * 86_400.0, max_attempts=100)},
        {"early_stopping": (MedianStopping(metric="accuracy", goal=Goal.MAXIMIZE),) * 8},
        {"early_stopping": (ThresholdStopping(metric="accuracy", min=0.0, max=0.0),)},
        {"goals": _TWO, "early_stopping": (MedianStopping(metric="size"),)},
        {"seed": 2**53 - 1},
        {"labels": {f"{index:063}": "x" * 256 for index in range(64)}},
        {"annotations": {"k": "x" * 65_535}},
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    a_study(**changes).validate()


def test_declared_metrics_are_objectives_and_tracked_ones() -> None:
    assert a_study().declared_metrics == {"loss", "accuracy"}
