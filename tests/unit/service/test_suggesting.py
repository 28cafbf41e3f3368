"""The stateless door checks what a caller brings, whatever protocol it came by."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from typing import Any

import pytest

from asktell_server.domain.algorithm import Grid, Manual, Random
from asktell_server.domain.errors import ErrorReason, FailedPrecondition, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Metric
from asktell_server.domain.space import Configuration, DerivedParameter
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.suggesting import Suggesting, SuggestRequest, TriedConfiguration, task_of
from tests.support.builders import a_space, a_study, failure, success

HERE: Configuration = {"bias": True, "layers": 2, "lr": 1}
PROBLEM = Problem(space=a_space(), goals=a_study().goals, algorithm=Random())


def _request(**changes: Any) -> SuggestRequest:
    return dataclasses.replace(SuggestRequest(problem=PROBLEM), **changes)


def _problem(**changes: Any) -> SuggestRequest:
    return _request(problem=dataclasses.replace(PROBLEM, **changes))


def _tried(result: Result, **changes: Any) -> SuggestRequest:
    return _request(observations=[TriedConfiguration(parameters={**HERE, **changes}, result=result)])


async def test_configurations_get_the_order_and_kinds_of_the_space() -> None:
    task = await task_of(_request(observations=_tried(success(0.5)).observations, pending=[HERE], count=3, seed=9))
    (seen,) = task.history
    for configuration in (seen.parameters, *task.pending):
        assert list(configuration.items()) == [("lr", 1.0), ("layers", 2), ("bias", True)]
        assert isinstance(configuration["lr"], float)
    assert (seen.outcome, seen.metrics, task.count, task.seed) == (Outcome.VALUE, (Metric(value=0.5),), 3, 9)


async def test_configurations_may_come_with_what_is_derived_from_them() -> None:
    space = dataclasses.replace(PROBLEM.space, derived=(DerivedParameter(name="twice", expression="2 * layers"),))
    (pending,) = (await task_of(dataclasses.replace(_problem(space=space), pending=[{**HERE, "twice": 4}]))).pending
    assert pending == HERE
    with pytest.raises(InvalidArgument, match="2 \\* layers is 4, got 5") as error:
        await task_of(dataclasses.replace(_problem(space=space), pending=[{**HERE, "twice": 5}]))
    assert error.value.field == "pending[0].parameters[twice]"


async def test_results_say_what_those_of_a_study_would() -> None:
    stopped = Result(state=TrialState.STOPPED)
    outcomes = [(await task_of(_tried(result))).history[0].outcome for result in (failure(), stopped)]
    assert outcomes == [Outcome.FAILED, Outcome.UNKNOWN]


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (_problem(space=dataclasses.replace(PROBLEM.space, parameters=())), "problem.search_space.parameters"),
        (_problem(goals=Goals(objectives=())), "problem.objectives"),
        (_problem(algorithm=Grid(levels={"nope": 2})), "problem.algorithm.grid.levels[nope]"),
        (_problem(replicates=0), "problem.replicates"),
        (_tried(success(0.5), lr=2.0), "observations[0].parameters[lr]"),
        (_tried(Result(state=TrialState.SUCCEEDED)), "observations[0].metrics"),
        (_tried(Result(state=TrialState.FAILED, metrics={"a": Metric(value=float("nan"))})), "observations[0].metrics[a].value"),
        (_request(pending=[{"lr": 0.5}]), "pending[0].parameters[layers]"),
        (_request(count=0), "count"),
        (_request(count=1001), "count"),
        (_request(seed=-1), "seed"),
        (_request(seed=2**53), "seed"),
    ],
)  # fmt: skip
async def test_bad_requests_are_refused_by_field(request_: SuggestRequest, field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await task_of(request_)
    assert caught.value.field == field


class _Unread(Collection[Any]):
    """So many values that must not be read."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("it was read")

    def __contains__(self, value: object) -> bool:
        raise AssertionError("it was read")


@pytest.mark.parametrize(("field", "most"), [("observations", 20_000), ("pending", 1000)])
async def test_too_many_are_refused_before_any_is_read(field: str, most: int) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await task_of(_request(**{field: _Unread(most + 1)}))
    assert caught.value.metadata == {"field": field, "limit": str(most)}


async def test_an_algorithm_that_suggests_nothing_says_so() -> None:
    with pytest.raises(FailedPrecondition) as caught:
        await Suggesting(WorkerPool(workers=1)).suggest(_problem(algorithm=Manual()))
    assert caught.value.reason is ErrorReason.QUEUE_EMPTY
