"""What the engine learns from results."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from asktell_server.domain.metrics import Metric
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.service.observing import observation
from tests.support.builders import a_study, ended_trial

NO_VALUE: Mapping[str, Metric] = {"accuracy": Metric(value=0.9)}


@pytest.mark.parametrize(
    ("trial", "outcome", "value"),
    [
        (ended_trial(1, 0.5), Outcome.VALUE, 0.5),
        (ended_trial(1, 0.5, state=TrialState.STOPPED), Outcome.VALUE, 0.5),
        (ended_trial(1, 0.5, state=TrialState.STOPPED, metrics=NO_VALUE), Outcome.UNKNOWN, None),
        (ended_trial(1, None), Outcome.FAILED, None),
        (ended_trial(1, 0.5, state=TrialState.FAILED), Outcome.FAILED, None),
        (ended_trial(1, None, state=TrialState.INFEASIBLE), Outcome.INFEASIBLE, None),
        (ended_trial(1, None, state=TrialState.CANCELLED), Outcome.UNKNOWN, None),
        (ended_trial(1, None, state=TrialState.ABANDONED), Outcome.UNKNOWN, None),
    ],
)
def test_what_the_engine_hears_of_a_trial(trial: Trial, outcome: Outcome, value: float | None) -> None:
    seen = observation(a_study().goals, trial.parameters, trial.result)
    metrics = () if value is None else (Metric(value=value),)
    assert seen == Observation(parameters=trial.parameters, outcome=outcome, metrics=metrics)


def test_a_known_error_comes_with_its_value() -> None:
    metrics = {"loss": Metric(value=0.5, standard_error=0.1), "accuracy": Metric(value=0.9)}
    seen = observation(a_study().goals, {"lr": 0.1}, Result(state=TrialState.SUCCEEDED, metrics=metrics))
    assert seen.metrics == (Metric(value=0.5, standard_error=0.1),)
