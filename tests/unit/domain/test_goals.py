"""What a study's goals say about results."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.trial import Result, TrialState
from tests.support.builders import ended_trial, failure, loss, success

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)
GOALS = Goals(objectives=(LOSS,))
UP = Goals(objectives=(Objective(metric="loss", goal=Goal.MAXIMIZE),))
TWO = Goals(objectives=(LOSS, Objective(metric="speed", goal=Goal.MAXIMIZE)))


def _result(state: TrialState, **values: float) -> Result:
    return Result(state=state, metrics={name: Metric(value=value) for name, value in values.items()})


def test_costs_are_lower_for_better_values_and_turn_back() -> None:
    assert TWO.metrics == ("loss", "speed")
    assert TWO.costs([0.5, 3.0]) == (0.5, -3.0)
    assert TWO.costs(TWO.costs([0.5, 3.0])) == (0.5, 3.0)
    with pytest.raises(ValueError):
        TWO.costs([0.5])


@pytest.mark.parametrize(
    ("result", "rank"),
    [
        (success(0.25), (0.25,)),
        (failure(), None),
        (_result(TrialState.STOPPED, loss=0.25), (0.25,)),
        (_result(TrialState.STOPPED), None),
        (_result(TrialState.SUCCEEDED, accuracy=0.25), None),
        (_result(TrialState.INFEASIBLE, loss=0.25), None),
        (_result(TrialState.FAILED, loss=0.25), None),
        (_result(TrialState.CANCELLED, loss=0.25), None),
        (_result(TrialState.RUNNING, loss=0.25), None),
    ],
)
def test_only_feasible_results_have_a_rank(result: Result, rank: tuple[float, ...] | None) -> None:
    assert GOALS.rank(result) == rank
    assert (GOALS.measured(result) is None) == (rank is None)


def test_measured_values_come_in_the_order_of_the_goals() -> None:
    result = _result(TrialState.SUCCEEDED, speed=3.0, other=9.0, loss=0.5)
    assert TWO.measured(result) == (Metric(value=0.5), Metric(value=3.0))
    assert TWO.measured(_result(TrialState.SUCCEEDED, loss=0.5)) is None


def test_a_success_must_have_every_metric() -> None:
    assert TWO.missing(loss(0.5)) == "speed"
    assert GOALS.missing(loss(0.5)) is None
    TWO.require(_result(TrialState.STOPPED), field="metrics")
    TWO.require(failure(), field="metrics")
    with pytest.raises(InvalidArgument) as caught:
        TWO.require(success(0.5), field="observations[3].metrics")
    assert caught.value.reason is ErrorReason.MISSING_OBJECTIVE
    assert caught.value.metadata == {"field": "observations[3].metrics", "metric": "speed"}


@pytest.mark.parametrize(
    ("goals", "target", "value", "reached"),
    [(GOALS, 0.2, 0.3, False), (GOALS, 0.2, 0.2, True), (UP, 0.9, 0.8, False), (UP, 0.9, 0.95, True)],
)
def test_a_target_is_reached_from_the_better_side(goals: Goals, target: float, value: float, reached: bool) -> None:
    assert goals.reaches(success(value), target) is reached
    assert not goals.reaches(_result(TrialState.FAILED, loss=value), target)


def test_the_best_come_first_and_equal_ones_in_their_order() -> None:
    trials = [ended_trial(4, 0.5), ended_trial(1, None), ended_trial(3, 0.2), ended_trial(2, 0.5)]
    assert [trial.number for trial in GOALS.best_first(trials)] == [3, 2, 4]
    assert [trial.number for trial in UP.best_first(trials)] == [2, 4, 3]


@given(st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), max_size=12))
def test_a_gain_betters_all_results_before_it(values: list[float | None]) -> None:
    expected = [
        value is not None and all(before is None or before > value for before in values[:index])
        for index, value in enumerate(values)
    ]
    results = [failure() if value is None else success(value) for value in values]
    assert list(GOALS.gains(results)) == expected
