"""What `asktell run` and `optimize` decide between the trials."""

from __future__ import annotations

from typing import Any, cast

import pytest

from asktell import InvalidArgument, Maximize, MetricValue, Minimize, StudyView
from asktell._core.course import Course, Ending, result_of
from asktell._core.leases import Lease
from asktell._core.settings import make_settings
from asktell._core.studies import Caller
from asktell._core.trial_actions import TrialActions
from asktell._core.trial_view import Names
from asktell.v1 import study_pb2, trial_pb2


def a_trial(number: int = 1, state: str = "RUNNING", loss: float | None = None, *, lease: bool = False) -> TrialActions:
    wire = trial_pb2.Trial(number=number, state=trial_pb2.TrialState.Value(f"TRIAL_STATE_{state}"), lease_id="L")
    if loss is not None:
        wire.metrics["loss"].value = loss
    held = Lease(wire, taken_at=0) if lease else None
    return TrialActions(Caller(make_settings()), wire, Names(metrics=("loss",)), held)


def test_the_budget_is_claimed_and_put_back() -> None:
    course = Course(Minimize("loss"), None, max_trials=2)
    assert [course.claim(), course.claim(), course.claim()] == [True, True, False]
    course.unclaim()
    assert course.claim()
    assert not course.claim()


def test_the_best_is_counted_from_what_was_there_before() -> None:
    course = Course(Maximize("loss"), a_trial(3, "SUCCEEDED", 0.5))
    losses = [0.25, 0.75, 0.75, 0.5]
    found = [course.count(a_trial(10 + index, "SUCCEEDED", loss)) for index, loss in enumerate(losses)]
    assert found == [False, True, False, False]
    assert (course.tally.best_number, course.tally.best_value, course.tally.total) == (11, 0.75, 4)


def test_only_failures_in_a_row_end_it() -> None:
    course = Course(Minimize("loss"), None, max_failures_in_a_row=2)
    for state in ("FAILED", "SUCCEEDED", "FAILED", "QUEUED"):
        course.count(a_trial(state=state, loss=1.0))
        assert course.ending is None
    course.count(a_trial(7, "FAILED"))
    assert course.ending is Ending.FAILURES
    assert course.last_failure is not None
    assert course.last_failure.number == 7
    assert not course.claim()
    course.end(Ending.COMPLETE)
    assert cast(Any, course.ending) is Ending.FAILURES, "the first reason stays"
    course.end(Ending.INTERRUPTED)
    assert cast(Any, course.ending) is Ending.INTERRUPTED


def test_what_a_function_returned_is_told_as_it_ended() -> None:
    objective = Minimize("loss")
    open_trial = a_trial(lease=True)
    assert result_of(open_trial, 1, objective) == ("SUCCEEDED", {"loss": 1})
    assert result_of(open_trial, {"loss": 1, "acc": 2}, objective) == ("SUCCEEDED", {"loss": 1, "acc": 2})
    assert result_of(open_trial, MetricValue(1, 0.5), objective) == ("SUCCEEDED", {"loss": MetricValue(1, 0.5)})
    for wrong in (None, "1", True, [1]):
        with pytest.raises(InvalidArgument):
            result_of(open_trial, wrong, objective)
    assert open_trial._lease is not None
    open_trial._lease.should_stop = True
    assert result_of(open_trial, 0.5, objective) == ("STOPPED", {"loss": 0.5})
    assert result_of(open_trial, None, objective) == ("STOPPED", {}), "the last report counts"
    open_trial._lease.lost = True
    assert result_of(open_trial, 0.5, objective) is None, "called off, or another worker's"
    assert result_of(a_trial(state="SUCCEEDED"), None, objective) is None, "the function has told it"


@pytest.mark.parametrize(
    ("budget", "ended", "trials", "to_go"),
    [(None, 3, None, None), (10, 3, None, 7), (10, 3, 5, 5), (10, 8, 5, 2), (None, 3, 5, 5), (2, 3, None, 0)],
)
def test_how_many_trials_are_to_go(budget: int | None, ended: int, trials: int | None, to_go: int | None) -> None:
    study = study_pb2.Study()
    study.trial_counts.succeeded = ended
    study.trial_counts.cancelled = 4  # these use nothing of the budget up
    if budget is not None:
        study.stopping_rules.max_trials = budget
    assert StudyView(study).to_go(trials) == to_go
