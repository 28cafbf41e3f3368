"""A trial's surprise: how far its result lies from its prediction."""

from __future__ import annotations

import dataclasses

import pytest

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.surprise import EXPECTED_WITHIN, WHOLE_SURPRISE, surprise
from asktell_server.domain.trial import UNNAMED_METRIC, Belief, Origin, Prediction, Trial, TrialState
from tests.support.builders import NOW

LOSS = Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),))


def prediction(deviation: float = 0.1, *, metric: str = "loss") -> Prediction:
    """A mean of 2."""
    return Prediction(beliefs={metric: Belief(mean=2.0, standard_deviation=deviation)}, acquisition_value=0.0)


def predicted(
    deviations: float, *, standard_error: float | None = None, state: TrialState = TrialState.SUCCEEDED
) -> Trial:
    """A trial that ended so many standard deviations (of 0.1) above what was predicted for it."""
    return Trial(
        state=state,
        parameters={"lr": 0.1},
        origin=Origin.MODEL,
        metrics={"loss": Metric(value=2.0 + 0.1 * deviations, standard_error=standard_error)},
        create_time=NOW,
        prediction=prediction(),
    )


@pytest.mark.parametrize("deviations", [0.0, 0.3, 0.75, 0.99])
@pytest.mark.parametrize("sign", [-1, 1])
def test_it_is_in_proportion_to_the_distance(deviations: float, sign: int) -> None:
    assert surprise(predicted(sign * deviations), LOSS) == pytest.approx(
        WHOLE_SURPRISE * deviations / EXPECTED_WITHIN, abs=1
    )


@pytest.mark.parametrize("deviations", [EXPECTED_WITHIN + 1e-6, -5.0, 1e9])
def test_none_is_larger_than_that_of_a_result_without_a_prediction(deviations: float) -> None:
    assert surprise(predicted(deviations), LOSS) == WHOLE_SURPRISE


def test_a_standard_error_that_was_told_belongs_to_what_was_expected() -> None:
    assert surprise(predicted(2.0, standard_error=0.3), LOSS) < surprise(predicted(0.9), LOSS) < WHOLE_SURPRISE


@pytest.mark.parametrize(
    "state", [TrialState.FAILED, TrialState.INFEASIBLE, TrialState.CANCELLED, TrialState.ABANDONED]
)
def test_an_end_without_a_value_is_a_whole_surprise(state: TrialState) -> None:
    assert surprise(predicted(0.0, state=state), LOSS) == WHOLE_SURPRISE


def test_a_value_that_nobody_predicted_is_a_whole_surprise() -> None:
    assert surprise(dataclasses.replace(predicted(0.0), prediction=None), LOSS) == WHOLE_SURPRISE
    certain = prediction(0.0)
    assert surprise(dataclasses.replace(predicted(0.0), prediction=certain), LOSS) == WHOLE_SURPRISE
    other = prediction(metric="accuracy")
    assert surprise(dataclasses.replace(predicted(0.0), prediction=other), LOSS) == WHOLE_SURPRISE


@pytest.mark.parametrize("state", [TrialState.QUEUED, TrialState.RUNNING])
def test_what_has_not_ended_is_no_surprise(state: TrialState) -> None:
    assert surprise(predicted(9.0, state=state), LOSS) == 0


def test_huge_numbers_are_reckoned_with() -> None:
    wild = dataclasses.replace(predicted(0.0), metrics={"loss": Metric(value=1e306, standard_error=1e307)})
    assert surprise(wild, LOSS) == WHOLE_SURPRISE // 10


def test_of_several_metrics_the_most_surprising_counts() -> None:
    both = Goals(objectives=(*LOSS.objectives, Objective(metric="size", goal=Goal.MINIMIZE)))
    trial = predicted(0.25)
    assert surprise(trial, both) == WHOLE_SURPRISE, "the size is missing"
    assert trial.prediction is not None
    beliefs = {**trial.prediction.beliefs, "size": Belief(mean=10.0, standard_deviation=1.0)}
    trial = dataclasses.replace(
        trial,
        metrics={**trial.metrics, "size": Metric(value=10.5)},
        prediction=dataclasses.replace(trial.prediction, beliefs=beliefs),
    )
    assert surprise(trial, both) == 500
    assert surprise(trial, LOSS) == 250


def test_an_older_servers_belief_is_about_the_one_objective() -> None:
    trial = dataclasses.replace(predicted(0.5), prediction=prediction(metric=UNNAMED_METRIC))
    assert surprise(trial, LOSS) == surprise(predicted(0.5), LOSS) == 500
