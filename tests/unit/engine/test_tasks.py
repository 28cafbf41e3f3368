"""Tasks travel to the workers as they are."""

from __future__ import annotations

import pickle

import pytest

from asktell_server.domain.algorithm import Random
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.task import NoAnswer
from asktell_server.engine.tasks.assess import AssessTask
from tests.unit.engine.problems import (
    HARTMANN_SPACE,
    MIXED_SPACE,
    hartmann,
    mixed,
    problem_of,
    random_results,
    task_of,
    with_error,
)

PROBLEM = problem_of(MIXED_SPACE)


@pytest.mark.parametrize("count", [0, 1, 40])
def test_a_task_is_the_same_after_the_journey(count: int) -> None:
    seen = random_results(PROBLEM, mixed, count=count, seed=1)
    failed = [
        Observation(parameters=one.parameters, outcome=outcome)
        for one, outcome in zip(random_results(PROBLEM, mixed, count=3, seed=2), (*Outcome,)[1:], strict=True)
    ]
    told = [with_error(one, 0.25) for one in random_results(PROBLEM, mixed, count=2, seed=3)]
    task = task_of(
        PROBLEM,
        (*seen, *failed, *told),
        pending=(failed[0].parameters,),
        count=3,
        seed=2**53 - 1,
        warm_start=b"\0warm",
    )
    there = pickle.loads(pickle.dumps(task))
    assert there == task
    for before, after in zip(task.history, there.history, strict=True):
        assert [type(value) for value in after.parameters.values()] == [
            type(before.parameters[name]) for name in after.parameters
        ]
    judged = AssessTask(problem=PROBLEM, history=task.history)
    assert pickle.loads(pickle.dumps(judged)) == judged


def test_a_judgement_has_no_fallback() -> None:
    with pytest.raises(NoAnswer, match="why"):
        AssessTask(problem=PROBLEM, history=PROBLEM.empty_history()).fallback("why")


def test_a_task_is_quick_that_compares_or_draws_little() -> None:
    drawing = problem_of(HARTMANN_SPACE, algorithm=Random())
    assert task_of(drawing, count=100).is_quick()
    assert not task_of(drawing, count=101).is_quick()
    long = task_of(drawing, random_results(drawing, hartmann, count=5000))
    assert not long.is_quick()
    assert long.history.uses
    assert long.is_quick(), "nothing is compared"
