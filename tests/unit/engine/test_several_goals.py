"""The search on problems with known answers: a Pareto front, an optimum on the edge of what is allowed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from asktell_server.domain import pareto
from asktell_server.domain.algorithm import Auto
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.engine.bayes.modelled import modelled
from asktell_server.engine.bayes.pursuit import pursuit_of
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.tasks.suggest import SuggestTask
from tests.unit.engine.problems import UNIT, space_of

Function = Callable[[Sequence[float]], Sequence[float]]


def _problem(
    objectives: int, *constraints: OutcomeConstraint, dimension: int = 3, reference: float | None = 1.1
) -> Problem:
    return Problem(
        space=space_of(**{f"x{place}": UNIT for place in range(dimension)}),
        goals=Goals(
            objectives=tuple(
                Objective(metric=f"f{place}", goal=Goal.MINIMIZE, reference=reference if objectives > 1 else None)
                for place in range(objectives)
            ),
            outcome_constraints=constraints,
        ),
        algorithm=Auto(),
    )


def _observed(problem: Problem, function: Function, count: int, *, at_once: int = 1) -> tuple[History, np.ndarray]:
    """What the search has tried after so many trials, and the values."""
    history, warm_start = problem.empty_history(), b""
    told: list[Sequence[float]] = []
    while len(told) < count:
        result = SuggestTask(problem=problem, history=history, seed=1, count=at_once, warm_start=warm_start).run()
        assert not result.fallback_reason
        warm_start = result.warm_start
        for suggestion in result.suggestions:
            values = function([float(value) for value in suggestion.parameters.values()])
            told.append(values)
            metrics = tuple(Metric(value=value) for value in values)
            history.append(Observation(parameters=suggestion.parameters, outcome=Outcome.VALUE, metrics=metrics))
    return history, np.array(told)


def _zdt2(x: Sequence[float]) -> Sequence[float]:
    """Zitzler, Deb and Thiele 2000; its front is 1 - f², which scalarisations by weights cannot find."""
    g = 1 + 9 * sum(x[1:]) / (len(x) - 1)
    return x[0], g * (1 - (x[0] / g) ** 2)


def _gardner(x: Sequence[float]) -> Sequence[float]:
    """The second simulation of Gardner et al. 2014: a small feasible region, the optimum 0.2532 on its edge."""
    first, second = 6 * x[0], 6 * x[1]
    return math.sin(first) + second, math.sin(first) * math.sin(second)


def test_a_concave_front_is_found_in_batches() -> None:
    _, costs = _observed(_problem(2), _zdt2, 25, at_once=4)
    whole = 1.21 - 2 / 3  # random search: less than 0.01 of it
    assert pareto.hypervolume(costs, np.array([1.1, 1.1])) > 0.8 * whole
    front = costs[pareto.front(costs)]
    assert np.unique(front[:, 0].round(1)).size >= 6, "it is all over the front"


def test_an_optimum_on_the_edge_of_a_small_feasible_region_is_found() -> None:
    problem = _problem(1, OutcomeConstraint(metric="c", max=-0.95), dimension=2)
    _, values = _observed(problem, _gardner, 25)
    assert 0.2 < values[values[:, 1] <= -0.95, 0].min() < 0.32


def _history(problem: Problem, objectives: int) -> History:
    """Twelve results of the objectives and of one constrained metric, which is the third parameter; and a failure."""
    history = problem.empty_history()
    rng = np.random.default_rng(2)
    for row in rng.random((12, 3)).tolist():
        values = [*((row[0] - place / 3) ** 2 + row[1] for place in range(objectives)), row[2]]
        history.append(
            Observation(
                parameters={f"x{place}": value for place, value in enumerate(row)},
                outcome=Outcome.VALUE,
                metrics=tuple(Metric(value=value) for value in values[: history.metrics]),
            )
        )
    history.append(Observation(parameters={"x0": 0.9, "x1": 0.9, "x2": 0.9}, outcome=Outcome.FAILED))
    return history


@pytest.mark.parametrize("objectives", [1, 2, 4])
def test_the_same_task_gives_the_same_suggestions_and_a_belief_of_every_metric(objectives: int) -> None:
    problem = _problem(objectives, OutcomeConstraint(metric="c", min=0.2), reference=None)
    history = _history(problem, objectives)
    task = SuggestTask(problem=problem, history=history, pending=[{"x0": 0.2, "x1": 0.0, "x2": 0.9}], seed=3, count=3)
    first, again = task.run(), task.run()
    assert first == again
    assert not first.fallback_reason
    assert len(first.fits) == objectives + 1
    for suggestion in first.suggestions:
        assert suggestion.prediction is not None
        assert tuple(suggestion.prediction.beliefs) == problem.goals.metrics


@pytest.mark.parametrize(
    ("objectives", "constraint", "asked"),
    [
        (2, OutcomeConstraint(metric="c", min=0.2), 3),
        (4, OutcomeConstraint(metric="c", min=0.2), 2),  # one trade-off between the objectives, and c
        (4, OutcomeConstraint(metric="f1", max=9.0), 2),
        (2, OutcomeConstraint(metric="c", min=2.0), 1),  # nothing keeps it: the probability of feasibility alone
        (2, OutcomeConstraint(metric="c", min=0.2, of_baseline=True), 2),  # has no say while the baseline has no value
    ],
)
def test_only_surrogates_that_have_a_say_are_asked(objectives: int, constraint: OutcomeConstraint, asked: int) -> None:
    problem = _problem(objectives, constraint, reference=None)
    history = _history(problem, objectives)
    task = SuggestTask(problem=problem, history=history)
    assert len(list(pursuit_of(task, modelled(task)).surrogates)) == asked
