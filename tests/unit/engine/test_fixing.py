"""Fixed parameters and contexts in the engine: every suggestion has the values, and the rest is chosen as ever."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asktell_server.domain.algorithm import Algorithm, Auto, Bayesian, Grid, Random, Sobol
from asktell_server.domain.fixing import fixed_values, has_values
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective
from asktell_server.domain.space import (
    CategoricalDomain,
    Configuration,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)
from asktell_server.domain.trial import Origin
from asktell_server.engine.bayes.targets import make_targets
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.space.region import region_of
from asktell_server.engine.tasks.suggest import SuggestTask
from tests.support.strategies import conditional_spaces
from tests.unit.engine.problems import MIXED_SPACE, UNIT, mixed, problem_of, space_of, task_of, valued

ALGORITHMS: Sequence[Algorithm] = [Random(), Sobol(), Grid(default_levels=2), Bayesian(start_trials=3)]


def _fixing(task: SuggestTask, **fixed: ParameterValue) -> SuggestTask:
    return dataclasses.replace(task, fixed=fixed_values(task.problem.space, fixed, field="fixed"))


@st.composite
def _cases(draw: st.DrawFn) -> tuple[SearchSpace, Mapping[str, ParameterValue]]:
    """A space, and some values of one of its configurations, with those of their parents."""
    space = draw(conditional_spaces())
    (some,) = task_of(problem_of(space, algorithm=Random()), seed=draw(st.integers(0, 999))).run().suggestions
    names = draw(st.sets(st.sampled_from(sorted(some.parameters))))
    parents = {parameter.name: parameter.condition.parent for parameter in space.parameters if parameter.condition}
    for _ in space.names:
        names |= {parents[name] for name in names if name in parents}
    return space, {name: some.parameters[name] for name in names}


@settings(max_examples=8)
@given(case=_cases())
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda a: a.kind)
def test_every_suggestion_has_the_fixed_values_until_none_is_left(
    algorithm: Algorithm, case: tuple[SearchSpace, Mapping[str, ParameterValue]]
) -> None:
    space, wanted = case
    fixed = fixed_values(space, wanted, field="fixed")
    problem = problem_of(space, algorithm=algorithm)
    history = History(space)
    # Results with other values are there, too: they take nothing of what is left.
    for one in task_of(problem_of(space, algorithm=Random()), count=3, seed=1).run().suggestions:
        history.append(valued(one.parameters, 1.0))
    before, seen = len(history), {space.key(one.parameters) for one in history}
    taken = sum(has_values(one.parameters, fixed) for one in history)
    region = region_of(space, tuple(fixed.items()))
    size = region.count
    if isinstance(algorithm, Grid):
        grid = region.grid(algorithm.grid_axes(space) or ())
        size, taken = grid.size, sum(grid.number(key) is not None for key in seen)
    for turn in range(5):
        task = _fixing(task_of(problem, history, count=2, seed=turn), **fixed)
        result = task.run()
        assert result.fallback_reason == ""
        assert task.is_exhausted() == (not result.suggestions)
        for suggestion in [*result.suggestions, *(task.fallback("why").suggestions if turn == 0 else ())]:
            assert space.normalize(suggestion.parameters, field="p") == suggestion.parameters
            assert has_values(suggestion.parameters, fixed)
            assert space.key(suggestion.parameters) not in {space.key(one.parameters) for one in history}
        for suggestion in result.suggestions:
            seen.add(space.key(suggestion.parameters))
            history.append(valued(suggestion.parameters, float(len(seen) % 5)))
    new = len(history) - before
    assert new == (10 if size is None else min(10, size - taken))


@settings(max_examples=25)
@given(case=_cases())
def test_a_region_with_fixed_values_is_closed_and_counted(
    case: tuple[SearchSpace, Mapping[str, ParameterValue]],
) -> None:
    space, fixed = case
    region = region_of(space, tuple(fixed_values(space, fixed, field="fixed").items()))
    rng = np.random.default_rng(0)
    points = region.sample(rng.random((5, region.encoding.dimension)))
    for point in points:
        around = region.neighbours(point, region.encoding.discrete)
        assert region.contains(around).all()
    repaired = region.repair(rng.normal(size=(20, region.encoding.dimension)))
    for found in (points, repaired, region.encoding.centre()[None, :]):
        assert region.contains(found).all()
        assert all(has_values(region.encoding.decode(point), fixed) for point in found)
    if region.count is not None:
        lattice, everything = region.lattice(), region.everything()
        keys = [lattice.key(number) for number in range(lattice.size)]
        assert lattice.size == region.count == len(set(keys)) == len(everything)
        assert [space.key(region.encoding.decode(point)) for point in everything] == keys
        assert [lattice.number(key) for key in keys] == list(range(lattice.size))


def test_the_model_holds_numbers_exactly_and_searches_the_rest() -> None:
    history = History(MIXED_SPACE)
    for one in task_of(problem_of(MIXED_SPACE, algorithm=Sobol()), count=12).run().suggestions:
        history.append(valued(one.parameters, mixed(one.parameters)))
    fixed: Configuration = {"rate": 0.0034567891234567, "units": 77, "optimizer": "lion"}
    task = _fixing(task_of(problem_of(MIXED_SPACE, algorithm=Auto()), history, count=12), **fixed)
    result = task.run()
    assert {one.origin for one in result.suggestions} == {Origin.MODEL}
    assert all(has_values(one.parameters, fixed) for one in result.suggestions)
    assert len({MIXED_SPACE.key(one.parameters) for one in result.suggestions}) == 12


def test_everything_fixed_is_one_configuration() -> None:
    history = History(MIXED_SPACE)
    for one in task_of(problem_of(MIXED_SPACE, algorithm=Sobol()), count=12).run().suggestions:
        history.append(valued(one.parameters, mixed(one.parameters)))
    fixed = {**history[3].parameters, "rate": 1e-3}
    task = _fixing(task_of(problem_of(MIXED_SPACE, algorithm=Auto()), history, count=5), **fixed)
    (only,) = task.run().suggestions
    assert only.parameters == fixed
    history.append(valued(only.parameters, 1.0))
    assert _fixing(task_of(problem_of(MIXED_SPACE, algorithm=Auto()), history), **fixed).is_exhausted()


def test_replicates_within_fixed_values() -> None:
    space = space_of(a=IntDomain(min=1, max=2), b=IntDomain(min=1, max=9))
    problem = dataclasses.replace(problem_of(space, algorithm=Random()), replicates=3)
    task = _fixing(task_of(problem, [valued({"a": 1, "b": 5}, 1.0)], count=50), b=5)
    suggested = [one.parameters["a"] for one in task.run().suggestions]
    assert sorted(suggested) == [1, 1, 2, 2, 2]


DATA = CategoricalDomain(values=("a", "b"))
CONTEXTS = SearchSpace(
    parameters=(
        Parameter(name="data", domain=DATA, context=True),
        Parameter(name="rate", domain=FloatDomain(min=1e-4, max=1e-1, scale=Scale.LOG)),
        Parameter(name="width", domain=UNIT),
        Parameter(name="decay", domain=UNIT),
    )
)


def _loss(configuration: Configuration) -> float:
    """A bowl whose lowest point differs a little between the contexts, and whose height does a lot."""
    rate, width, decay = (float(configuration[name]) for name in ("rate", "width", "decay"))
    at, best, height = (-2.0, 0.6, 0.0) if configuration["data"] == "a" else (-2.2, 0.7, 3.0)
    return height + (math.log10(rate) - at) ** 2 + 3 * (width - best) ** 2 + 2 * (decay - 0.15) ** 2


def _search(history: History, data: str, *, trials: int, seed: int) -> list[float]:
    """How far the trials of a context lie above its lowest point; they are added to the history."""
    problem, gaps, warm = problem_of(CONTEXTS, algorithm=Auto()), [], b""
    for _ in range(trials):
        result = _fixing(task_of(problem, history, seed=seed, warm_start=warm), data=data).run()
        assert result.fallback_reason == ""
        warm = result.warm_start
        (suggestion,) = result.suggestions
        value = _loss(suggestion.parameters)
        gaps.append(value - (0.0 if data == "a" else 3.0))
        history.append(valued(suggestion.parameters, value))
    return gaps


def test_each_context_finds_its_own_optimum_and_the_second_learns_from_the_first() -> None:
    for seed in range(2):
        history = History(CONTEXTS)
        assert min(_search(history, "a", trials=20, seed=seed)) < 0.01
        assert min(_search(history, "b", trials=6, seed=seed)) < 0.03  # measured: 0.002 to 0.008
        assert min(_search(History(CONTEXTS), "b", trials=6, seed=seed)) > 0.06  # alone: 0.094 to 0.204


def test_few_results_of_a_context_are_no_outliers() -> None:
    history = History(CONTEXTS)
    for place in range(30):
        rest = {"rate": 1e-3, "width": place / 30, "decay": 0.5}
        history.append(valued({"data": "a", **rest}, 0.1 + place / 100))
        if place % 10 == 0:
            history.append(valued({"data": "b", **rest}, 50.0 + place))
    history.append(
        Observation(parameters={"data": "b", "rate": 1e-2, "width": 0.5, "decay": 0.5}, outcome=Outcome.FAILED)
    )
    targets = make_targets(history, Goal.MINIMIZE)
    b = np.array([key[0] == "b" for key in history.keys])[targets.rows]
    told = targets.values[b]
    assert len(set(np.round(told[:3], 6))) == 3  # as far apart as they were told, and not cut off
    assert told[3] >= told[:3].max()  # the failure is as bad as the worst of its own context


def test_several_objectives_are_measured_within_a_context() -> None:
    goals = Goals(objectives=(Objective(metric="x", goal=Goal.MINIMIZE), Objective(metric="y", goal=Goal.MINIMIZE)))
    problem = Problem(space=CONTEXTS, goals=goals, algorithm=Auto())
    history = problem.empty_history()
    sampled = task_of(problem_of(CONTEXTS, algorithm=Sobol()), count=14).run().suggestions
    for one in sampled:
        value = valued(one.parameters, _loss(one.parameters)).metrics[0]
        history.append(dataclasses.replace(valued(one.parameters, 0.0), metrics=(value, value)))
    for data in ("a", "b"):
        task = SuggestTask(problem=problem, history=history, count=2, fixed={"data": data})
        result = task.run()
        assert result.fallback_reason == ""
        assert {one.parameters["data"] for one in result.suggestions} == {data}
