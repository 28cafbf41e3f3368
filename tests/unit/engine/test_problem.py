"""Tasks travel to the workers as they are."""

from __future__ import annotations

import dataclasses
import pickle

import pytest

from asktell_server.engine.problem import AssessTask, Observation, Outcome, SuggestTask
from tests.unit.engine.problems import MIXED_SPACE, history, mixed, problem_of

PROBLEM = problem_of(MIXED_SPACE)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_task_is_the_same_after_the_journey(count: int) -> None:
    seen = history(PROBLEM, mixed, count=count, seed=1)
    failed = [
        Observation(parameters=one.parameters, outcome=outcome)
        for one, outcome in zip(history(PROBLEM, mixed, count=3, seed=2), (*Outcome,)[1:], strict=True)
    ]
    told = [dataclasses.replace(one, standard_error=0.25) for one in history(PROBLEM, mixed, count=2, seed=3)]
    task = SuggestTask(
        problem=PROBLEM,
        observations=(*seen, *failed, *told),
        pending=(failed[0].parameters,),
        count=3,
        seed=2**53 - 1,
        warm_start=b"\0warm",
    )
    there = pickle.loads(pickle.dumps(task))
    assert there == task
    for before, after in zip(task.observations, there.observations, strict=True):
        assert [type(value) for value in after.parameters.values()] == [
            type(before.parameters[name]) for name in after.parameters
        ]
    assert pickle.loads(pickle.dumps(AssessTask(history=task))) == AssessTask(history=task)


def test_what_was_tried_stays_behind() -> None:
    task = SuggestTask(problem=PROBLEM, observations=(), tried={(1,)})
    assert pickle.loads(pickle.dumps(task)).tried is None
