"""Rule 5: bad values stay out, and failures never poison the model.

Every RPC with every kind of bad request is in tests/integration/bad_input.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from asktell.v1 import trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, algorithm, float_parameter, metrics, raw_values, refused, space

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("told", "reason", "field"),
    [
        ({"loss": NAN}, "NOT_FINITE", "metrics[loss].value"),
        ({"loss": INF}, "NOT_FINITE", "metrics[loss].value"),
        ({"loss": -INF}, "NOT_FINITE", "metrics[loss].value"),
        ({"loss": 0.5, "accuracy": NAN}, "NOT_FINITE", "metrics[accuracy].value"),
        ({"loss": 0.5, "los": 0.5}, "UNKNOWN_METRIC", "metrics[los]"),
        ({"accuracy": 0.5}, "MISSING_OBJECTIVE", "metrics"),
        ({}, "MISSING_OBJECTIVE", "metrics"),
    ],
)
def test_a_bad_result_is_refused_and_the_trial_runs_on(
    new_study: NewStudy, told: dict[str, float], reason: str, field: str
) -> None:
    study = new_study()
    trial = study.ask_one()
    before = study.get()
    what = refused(lambda: study.tell(trial, metrics=metrics(**told)))
    assert (what.code.name, what.reason, what.fields) == ("INVALID_ARGUMENT", reason, [field])
    assert study.get() == before
    assert study.report(trial).lease_valid
    study.tell(trial, 0.5)


@pytest.mark.parametrize("x", [1.5, -0.1, NAN, INF, "0.5", True])
def test_a_value_outside_the_space_is_not_enqueued(new_study: NewStudy, x: Any) -> None:
    study = new_study()
    what = refused(lambda: study.enqueue({"x": 0.5}, {"x": x}))
    assert (what.reason, what.fields) == ("VALUE_OUTSIDE_SPACE", ["trials[1].parameters[x]"])
    assert study.list_trials() == [], "not even the good one"


def test_failed_and_infeasible_trials_leave_the_model_working(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(
        algorithm=algorithm("bayesian", start_trials=3),
        search_space=space(float_parameter("x"), float_parameter("y")),
    )
    failed = trial_service_pb2.TELL_OUTCOME_FAILED
    infeasible = trial_service_pb2.TELL_OUTCOME_INFEASIBLE
    for _ in range(12):
        trial = study.ask_one()
        point = raw_values(trial)
        assert all(0 <= coordinate <= 1 for coordinate in point.values())
        if point["x"] > 0.5:
            study.tell(trial, outcome=failed if trial.number % 2 else infeasible)
        else:
            study.tell(trial, point["x"] + point["y"])
    best = rpc.trials.ListBestTrials(trial_service_pb2.ListBestTrialsRequest(parent=study.name, count=1000)).trials
    assert all(raw_values(trial)["x"] <= 0.5 for trial in best)
    counts = study.get().trial_counts
    assert counts.succeeded == len(best)
    assert counts.failed + counts.infeasible == 12 - len(best)


def test_a_study_with_nothing_but_failures_goes_on(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("bayesian", start_trials=2))
    for _ in range(6):
        study.tell(study.ask_one(), outcome=trial_service_pb2.TELL_OUTCOME_FAILED)
    assert study.get().trial_counts.failed == 6


def test_extreme_results_leave_the_model_working(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("bayesian", start_trials=2))
    for loss in (1e308, -1e308, 0.0, 1e-308, 1e308, 0.5):
        study.tell(study.ask_one(), loss)
    assert 0 <= raw_values(study.ask_one())["x"] <= 1
