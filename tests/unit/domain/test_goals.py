"""What a study's goals say about results."""

from __future__ import annotations

import pytest

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.trial import Result, TrialState
from tests.support.builders import failure, loss, success

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)
GOALS = Goals(objectives=(LOSS,))
TWO = Goals(objectives=(LOSS, Objective(metric="speed", goal=Goal.MAXIMIZE)))


def _result(state: TrialState, **values: float) -> Result:
    return Result(state=state, metrics={name: Metric(value=value) for name, value in values.items()})


def test_costs_are_lower_for_better_values_and_turn_back() -> None:
    assert TWO.metrics == ("loss", "speed")
    assert TWO.directions == (Goal.MINIMIZE, Goal.MAXIMIZE)
    assert [goal.cost(3.0) for goal in TWO.directions] == [3.0, -3.0]
    assert [goal.cost(goal.cost(3.0)) for goal in TWO.directions] == [3.0, 3.0]


@pytest.mark.parametrize(
    ("result", "rank"),
    [
        (success(0.25), (0.0, 0.25)),
        (failure(), None),
        (_result(TrialState.STOPPED, loss=0.25), (0.0, 0.25)),
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
