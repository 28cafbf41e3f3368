"""Results of earlier studies in the engine: the first suggestion knows them, and they lose their say where they mislead."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from asktell_server.domain.algorithm import Grid, Random, Sobol
from asktell_server.domain.goals import Goals
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.space import CategoricalDomain, Condition, Configuration, FloatDomain, Parameter, SearchSpace
from asktell_server.domain.trial import Origin
from asktell_server.engine.earlier import Earlier
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.tasks.suggest import SuggestTask
from tests.unit.engine.problems import (
    UNIT,
    Function,
    observe,
    problem_of,
    random_results,
    space_of,
    task_of,
    value_of,
    valued,
    with_value,
)

PROBLEM = problem_of(space_of(x=UNIT, y=UNIT))


def bowl(configuration: Configuration) -> float:
    """Minimum 0 at x 0.8, y 0.3."""
    return (float(configuration["x"]) - 0.8) ** 2 + (float(configuration["y"]) - 0.3) ** 2


def _with(task: SuggestTask, *earlier: Sequence[Observation]) -> SuggestTask:
    space, goals = task.problem.space, task.problem.goals
    return dataclasses.replace(
        task, earlier=tuple(Earlier(history=History.of(space, each, metrics=goals.width)) for each in earlier)
    )


def _earlier(function: Function, count: int = 20) -> list[Observation]:
    return random_results(PROBLEM, function, count=count, seed=5)


def test_the_first_suggestion_is_informed() -> None:
    task = _with(task_of(PROBLEM), _earlier(lambda configuration: 3.0 * bowl(configuration) + 7.0))
    (suggestion,) = task.run().suggestions
    assert task.needs_model()
    assert suggestion.origin is Origin.MODEL
    assert suggestion.prediction is not None
    assert bowl(suggestion.parameters) < 0.02
    assert list(suggestion.parameters) == ["x", "y"]


def test_all_of_a_first_batch_are_informed_and_differ() -> None:
    suggestions = _with(task_of(PROBLEM, count=4), _earlier(bowl)).run().suggestions
    assert {each.origin for each in suggestions} == {Origin.MODEL}
    assert len({tuple(each.parameters.values()) for each in suggestions}) == 4


def test_its_fit_names_the_study_s_own_parameters() -> None:
    (fit,) = _with(task_of(PROBLEM), _earlier(bowl)).run().fits
    assert len(fit.length_scales) == 2


def upside_down(configuration: Configuration) -> float:
    """What is best is worst."""
    return -bowl(configuration)


def mirrored(configuration: Configuration) -> float:
    """Minimum at x 0.2, y 0.7."""
    return bowl({name: 1.0 - float(value) for name, value in configuration.items()})


@pytest.mark.parametrize("mislead", [upside_down, mirrored])
def test_a_past_that_misleads_does_not_after_some_own_results(mislead: Function) -> None:
    own = random_results(PROBLEM, bowl, count=10, seed=3)
    (suggestion,) = _with(task_of(PROBLEM, own), _earlier(mislead)).run().suggestions
    assert bowl(suggestion.parameters) < 0.02


def test_a_past_that_foretells_nothing_loses_its_say() -> None:
    own = random_results(PROBLEM, bowl, count=10, seed=3)
    values = np.random.default_rng(1).permutation([value_of(one) for one in _earlier(bowl)])
    noise = [with_value(one, float(value)) for one, value in zip(_earlier(bowl), values, strict=True)]
    alone = task_of(PROBLEM, own)
    assert _with(alone, noise).run() == alone.run(), "to the last bit"


def test_many_own_results_need_no_past() -> None:
    own = random_results(PROBLEM, bowl, count=15, seed=3)
    alone = task_of(PROBLEM, own)
    assert _with(alone, _earlier(bowl)).run() == alone.run()


def test_what_an_earlier_study_tried_may_be_tried_again() -> None:
    space = space_of(kind=CategoricalDomain(values=("a", "b")))
    problem = problem_of(space)
    task = _with(task_of(problem, count=2), [valued({"kind": "a"}, 1.0), valued({"kind": "b"}, 2.0)])
    assert [each.parameters for each in task.run().suggestions] == [{"kind": "a"}, {"kind": "b"}]


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid(default_levels=3)], ids=lambda each: each.kind)
def test_without_a_model_the_past_makes_no_difference(algorithm: Random | Sobol | Grid) -> None:
    task = task_of(problem_of(PROBLEM.space, algorithm=algorithm), count=3)
    assert _with(task, _earlier(bowl)).run() == task.run()


def test_failures_of_before_are_kept_away_from() -> None:
    past = [
        one if float(one.parameters["x"]) < 0.5 else Observation(parameters=one.parameters, outcome=Outcome.INFEASIBLE)
        for one in _earlier(bowl, count=30)
    ]
    (suggestion,) = _with(task_of(PROBLEM), past).run().suggestions
    assert float(suggestion.parameters["x"]) < 0.6


def test_several_earlier_studies() -> None:
    (suggestion,) = _with(task_of(PROBLEM), _earlier(bowl), _earlier(lambda one: 100 - bowl(one))).run().suggestions
    assert suggestion.origin is Origin.MODEL


def test_conditions_constraints_and_several_metrics() -> None:
    space = SearchSpace(
        parameters=(
            Parameter(name="kind", domain=CategoricalDomain(values=("a", "b"))),
            Parameter(name="x", domain=UNIT),
            Parameter(name="y", domain=UNIT),
            Parameter(
                name="z", domain=FloatDomain(min=0.0, max=2.0), condition=Condition(parent="kind", values=("b",))
            ),
        ),
        parameter_constraints=(read_constraint("x + y <= 1", field="space"),),
    )
    space.validate("space")
    goals = Goals(
        objectives=(Objective(metric="loss", goal=Goal.MINIMIZE), Objective(metric="size", goal=Goal.MAXIMIZE)),
        outcome_constraints=(OutcomeConstraint(metric="size", min=0.2),),
    )
    problem = Problem(space=space, goals=goals, algorithm=PROBLEM.algorithm)
    drawn = task_of(Problem(space=space, goals=PROBLEM.goals, algorithm=Random()), count=12).run().suggestions
    past = [
        Observation(
            parameters=one.parameters,
            outcome=Outcome.VALUE,
            metrics=(Metric(value=float(one.parameters["x"])), Metric(value=float(one.parameters["y"]))),
        )
        for one in drawn
    ]
    task = SuggestTask(problem=problem, history=problem.empty_history(), count=3)
    result = _with(task, past).run()
    assert len(result.fits) == 2
    for suggestion in result.suggestions:
        assert suggestion.origin is Origin.MODEL
        assert space.normalize(suggestion.parameters, field="suggestion") == suggestion.parameters


def test_what_is_fixed_stays_so() -> None:
    task = dataclasses.replace(task_of(PROBLEM, count=2), fixed={"x": 0.25})
    suggestions = _with(task, _earlier(bowl)).run().suggestions
    assert [each.parameters["x"] for each in suggestions] == [0.25, 0.25]


def test_a_warm_start_of_one_kind_is_no_harm_to_the_other() -> None:
    own = [observe(one.parameters, bowl) for one in random_results(PROBLEM, bowl, count=2, seed=3)]
    informed = _with(task_of(PROBLEM, own), _earlier(bowl))
    result = informed.run()
    more = [*own, *random_results(PROBLEM, bowl, count=40, seed=9)]
    cold, warm = task_of(PROBLEM, more), task_of(PROBLEM, more, warm_start=result.warm_start)
    assert warm.run() == cold.run(), "it is of another model, and ignored"
    assert dataclasses.replace(informed, warm_start=result.warm_start).run().fallback_reason == ""
