"""What a model makes of the results: whether they are noisy, and which one is best when noise is taken off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from asktell_server.domain.metrics import Goal
from asktell_server.domain.space import SearchSpace
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.tasks.assess import Assessment, AssessTask
from asktell_server.engine.workers.pool import WorkerPool
from tests.unit.engine.problems import (
    BRANIN_SPACE,
    HARTMANN_SPACE,
    MIXED_SPACE,
    UNIT,
    Function,
    branin,
    hartmann,
    mixed,
    problem_of,
    random_results,
    space_of,
    task_of,
    value_of,
    valued,
    with_error,
    with_value,
)


def _searched(problem: Problem, function: Function, *, trials: int, noise: float, seed: int = 0) -> list[Observation]:
    """The history of a search with results that have normal noise of that deviation."""
    rng = np.random.default_rng(seed)
    observations: list[Observation] = []
    warm_start = b""
    while len(observations) < trials:
        task = task_of(problem, observations, seed=seed, warm_start=warm_start)
        result = task.run()
        warm_start = result.warm_start
        parameters = result.suggestions[0].parameters
        value = (function(parameters) or 0.0) + noise * rng.standard_normal()
        observations = [*observations, valued(parameters, value)]
    return observations


def _task(problem: Problem, observations: Sequence[Observation]) -> AssessTask:
    return AssessTask(problem=problem, history=History.of(problem.space, observations))


def _assess(problem: Problem, observations: Sequence[Observation]) -> Assessment:
    return _task(problem, observations).run()


@pytest.mark.parametrize(
    ("space", "function"),
    [(BRANIN_SPACE, branin), (HARTMANN_SPACE, hartmann), (MIXED_SPACE, mixed)],
    ids=["branin", "hartmann", "mixed"],
)
@pytest.mark.parametrize("trials", [6, 15, 40])
def test_exact_results_are_not_noisy(space: SearchSpace, function: Function, trials: int) -> None:
    problem = problem_of(space)
    observations = _searched(problem, function, trials=trials, noise=0.0)
    assessment = _assess(problem, observations)
    assert not assessment.noisy
    best = min(observations, key=lambda seen: value_of(seen))
    assert function(observations[assessment.best].parameters) == pytest.approx(value_of(best), abs=0.05)


@pytest.mark.parametrize(
    ("space", "function", "noise"),
    [(BRANIN_SPACE, branin, 8.0), (HARTMANN_SPACE, hartmann, 0.4), (MIXED_SPACE, mixed, 0.7)],
    ids=["branin", "hartmann", "mixed"],
)
def test_noise_is_found_and_measured(space: SearchSpace, function: Function, noise: float) -> None:
    problem = problem_of(space)
    observations = _searched(problem, function, trials=40, noise=noise)
    assessment = _assess(problem, observations)
    assert assessment.noisy
    assert 0.4 * noise < assessment.noise < 2.5 * noise


def test_the_models_best_is_better_than_the_luckiest() -> None:
    problem = problem_of(BRANIN_SPACE)
    lucky, chosen = [], []
    for seed in range(4):
        observations = _searched(problem, branin, trials=40, noise=8.0, seed=seed)
        best = min(observations, key=lambda seen: value_of(seen))
        lucky.append(branin(best.parameters))
        assessment = _assess(problem, observations)
        chosen.append(branin(observations[assessment.best].parameters))
        assert abs(assessment.mean - chosen[-1]) < 4 * assessment.standard_deviation + 2.0
    assert np.mean(chosen) < np.mean(lucky)


def test_standard_errors_and_differing_replicates_tell_of_noise_at_once() -> None:
    problem = problem_of(BRANIN_SPACE)
    tried = random_results(problem, branin, count=6)
    assert not _assess(problem, tried).noisy
    assert not _assess(problem, [with_error(one, 0.0) for one in tried]).noisy
    assert _assess(problem, [*tried[:5], with_error(tried[5], 0.1)]).noisy
    assert not _assess(problem, [*tried, tried[0]]).noisy
    assert _assess(problem, [*tried, with_value(tried[0], 0.0)]).noisy


def test_replicates_that_agree_tell_of_exact_results() -> None:
    # Too rough for any kernel: from these values alone it could as well be noise.
    rng = np.random.default_rng(1)
    problem = problem_of(space_of(x=UNIT, y=UNIT))
    tried = random_results(
        problem, lambda one: float(rng.standard_normal() + 3 * (float(one["x"]) - 0.5) ** 2), count=60
    )
    assert _assess(problem, tried).noisy
    assert not _assess(problem, [*tried, tried[3]]).noisy


def test_failures_are_never_the_best_and_rows_are_those_of_the_history() -> None:
    problem = problem_of(BRANIN_SPACE, goal=Goal.MAXIMIZE)
    failed = Observation(parameters={"x": 0.0, "y": 0.0}, outcome=Outcome.FAILED)
    unknown = Observation(parameters={"x": 1.0, "y": 0.0}, outcome=Outcome.UNKNOWN)
    tried = [failed, unknown, *random_results(problem, branin, count=12), failed]
    assessment = _assess(problem, tried)
    best = max(range(2, 14), key=lambda row: value_of(tried[row]))
    assert assessment.best == best
    assert assessment.mean == pytest.approx(value_of(tried[best]), rel=0.05)


def test_many_results_are_all_looked_at() -> None:
    problem = problem_of(space_of(x=UNIT, y=UNIT))
    tried = random_results(problem, lambda one: (float(one["x"]) - 0.3) ** 2 + (float(one["y"]) - 0.7) ** 2, count=2500)
    assessment = _assess(problem, tried)
    assert value_of(tried[assessment.best]) < 0.002


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    """One worker."""
    pool = WorkerPool(workers=1)
    await pool.start()
    yield pool
    await pool.stop()


async def test_a_worker_judges(pool: WorkerPool) -> None:
    problem = problem_of(BRANIN_SPACE)
    tried = random_results(problem, branin, count=12)
    assert await pool.answer_when_idle(_task(problem, tried)) == _assess(problem, tried)
    assert await pool.answer_when_idle(_task(problem, [])) is None  # and the worker lives
    task = task_of(problem, tried)
    assert (await pool.answer(task)).suggestions == task.run().suggestions


async def test_without_workers_there_is_no_judgement() -> None:
    problem = problem_of(BRANIN_SPACE)
    task = _task(problem, random_results(problem, branin, count=6))
    assert await WorkerPool(workers=1).answer_when_idle(task) is None
