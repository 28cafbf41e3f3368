"""A trial as a row: what is in it, and in which order."""

from __future__ import annotations

import pytest

from asktell import MetricValue, TrialView
from asktell._core.trial_view import Names
from asktell.v1 import trial_pb2


def a_trial() -> TrialView:
    trial = trial_pb2.Trial(number=7, state=trial_pb2.TRIAL_STATE_SUCCEEDED, attempt=1, labels={"team.x": "a"})
    trial.parameters["lr.0"].double_value = 0.5
    trial.metrics["acc"].value = 0.75
    for name in ("zeta", "alpha", "loss"):
        trial.metrics[name].value, trial.metrics[name].standard_error = 1, 0.1
    return TrialView(trial, Names(("momentum", "lr.0"), ("zeta", "loss", "missing", "acc", "alpha")))


def test_a_column_by_its_name_is_that_of_the_whole_row() -> None:
    trial = a_trial()
    before = trial.message.SerializeToString(deterministic=True)
    assert dict(trial) == trial.to_dict()
    assert trial["state"] == "SUCCEEDED"
    assert (trial["param.momentum"], trial["param.lr.0"]) == (None, 0.5)
    assert (trial["metric.missing"], trial["metric.acc"], trial["label.team.x"]) == (None, 0.75, "a")
    for column in ("name", "param.x", "metric.x", "standard_error.acc", "label.x", "lr.0", "param", ""):
        assert column not in trial
        with pytest.raises(KeyError, match=f"^'{column}'$"):
            trial[column]
    assert trial.message.SerializeToString(deterministic=True) == before, "looking adds nothing"


def test_standard_errors_come_in_the_order_of_the_metrics() -> None:
    assert list(a_trial().standard_errors) == ["zeta", "loss", "alpha"]


def test_what_was_expected_comes_in_the_order_of_the_metrics() -> None:
    trial = a_trial().message
    for name in ("alpha", "acc"):
        trial.expected_metrics[name].value, trial.expected_metrics[name].standard_error = 0.5, 0.25
    view = TrialView(trial, Names((), ("zeta", "acc", "alpha")))

    assert list(view.expected_metrics.items()) == [("acc", MetricValue(0.5, 0.25)), ("alpha", MetricValue(0.5, 0.25))]
    assert view.metrics["acc"] == 0.75
