"""What a study may be created with."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given

from asktell_server.domain.algorithm import Bayesian, Grid
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
        {"seed": 2**53 - 1},
        {"labels": {f"{index:063}": "x" * 256 for index in range(64)}},
        {"annotations": {"k": "x" * 65_535}},
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    a_study(**changes).validate()


def test_declared_metrics_are_objectives_and_tracked_ones() -> None:
    assert a_study().declared_metrics == {"loss", "accuracy"}
