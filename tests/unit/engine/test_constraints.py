"""Linear constraints in the engine: whatever is tried keeps them, nothing that does is left out, and the best is found on the bound."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings

from asktell_server.domain.algorithm import Algorithm, Auto, Bayesian, Grid, Random, Sobol
from asktell_server.domain.fixing import has_values
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Condition,
    Configuration,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)
from asktell_server.engine.history import History
from asktell_server.engine.space.region import region_of
from tests.support.strategies import constrained_spaces
from tests.unit.engine.problems import problem_of, task_of, valued

UNIT = FloatDomain(min=0.0, max=1.0)
OPT = CategoricalDomain(values=("sgd", "adam"))


def _space(
    domains: Mapping[str, Domain],
    constraints: Sequence[str],
    *,
    defaults: Mapping[str, ParameterValue] | None = None,
    conditions: Mapping[str, Condition] | None = None,
) -> SearchSpace:
    space = SearchSpace(
        parameters=tuple(
            Parameter(
                name=name, domain=domain, default=(defaults or {}).get(name), condition=(conditions or {}).get(name)
            )
            for name, domain in domains.items()
        ),
        parameter_constraints=tuple(read_constraint(text, field="constraint") for text in constraints),
    )
    space.validate("space")
    return space


ORDERED = _space({f"p{place}": UNIT for place in range(10)}, [f"p{place} <= p{place + 1}" for place in range(9)])
"""One in 3.6 million draws keeps the constraints."""


@settings(max_examples=8)
@given(space=constrained_spaces())
@pytest.mark.parametrize(
    "algorithm", [Random(), Sobol(), Grid(default_levels=3), Bayesian(start_trials=3)], ids=lambda a: a.kind
)
def test_what_any_sampler_suggests_is_new_and_keeps_the_constraints(algorithm: Algorithm, space: SearchSpace) -> None:
    problem = problem_of(space, algorithm=algorithm)
    size = space.cardinality
    if isinstance(algorithm, Grid):
        size = region_of(space).grid(algorithm.grid_axes(space)).size
    history, seen = History(space), set()
    for turn, count in enumerate((2, 2, 2, 10)):
        result = task_of(problem, history, count=count, seed=turn).run()
        assert result.fallback_reason == ""
        for suggestion in result.suggestions:
            assert space.normalize(suggestion.parameters, field="p") == suggestion.parameters
            key = space.key(suggestion.parameters)
            assert key not in seen
            seen.add(key)
            history.append(valued(suggestion.parameters, float(len(seen) % 5)))
    assert len(seen) == (16 if size is None else min(size, 16))


@settings(max_examples=25)
@given(space=constrained_spaces(finite_only=True))
def test_every_configuration_has_a_number(space: SearchSpace) -> None:
    region = region_of(space)
    lattice = region.lattice()
    assert lattice.size == region.count == space.cardinality
    keys = [lattice.key(number) for number in range(lattice.size)]
    assert len(set(keys)) == len(keys)
    assert [lattice.number(key) for key in keys] == list(range(lattice.size))
    assert region.contains(region.everything()).all()
    whole = region_of(SearchSpace(parameters=space.parameters)).lattice()
    others = {whole.key(number) for number in range(whole.size)}.difference(keys)
    assert all(lattice.number(key) is None for key in others)


@settings(max_examples=25)
@given(space=constrained_spaces())
def test_samples_neighbours_and_repairs_stay_inside(space: SearchSpace) -> None:
    region = region_of(space)
    rng = np.random.default_rng(0)
    points = region.sample(rng.random((64, region.encoding.dimension)))
    assert len(points)
    assert region.contains(points).all()
    for point in points[:5]:
        around = region.neighbours(point, region.encoding.discrete)
        assert region.contains(around).all()
        assert not (around == point).all(axis=1).any()
    assert region.contains(region.centre()[None, :]).all()
    cube = rng.uniform(-0.2, 1.2, size=(20, region.encoding.dimension))
    repaired = region.repair(cube)
    assert region.contains(repaired).all()
    assert (region.repair(repaired) == repaired).all()
    for point in repaired:
        space.normalize(region.encoding.decode(point), field="p")


@pytest.mark.parametrize(
    "algorithm", [Random(), Sobol(), Grid(default_levels=3), Bayesian(start_trials=3)], ids=lambda a: a.kind
)
def test_fixed_values_and_constraints_are_kept_together(algorithm: Algorithm) -> None:
    space = _space(
        {"opt": OPT, "n": IntDomain(min=0, max=9), "m": IntDomain(min=0, max=9), "x": UNIT},
        ["n + m <= 9", "x <= 0.1*n"],
        conditions={"x": Condition(parent="opt", values=("sgd",))},
    )
    problem = problem_of(space, algorithm=algorithm)
    cases: Sequence[Configuration] = ({"n": 8, "opt": "adam"}, {"n": 3}, {"n": 2, "opt": "sgd", "x": 0.15})
    for fixed in cases:
        history, seen = History(space), set()
        size = space.count(fixed)
        assert size in (2, None, 8)
        if isinstance(algorithm, Grid):
            size = region_of(space, tuple(fixed.items())).grid(algorithm.grid_axes(space)).size
        for turn in range(5):
            result = task_of(problem, history, count=2, seed=turn, fixed=fixed).run()
            assert not result.fallback_reason
            for suggestion in result.suggestions:
                assert space.normalize(suggestion.parameters, field="p") == suggestion.parameters
                assert has_values(suggestion.parameters, fixed)
                seen.add(space.key(suggestion.parameters))
                history.append(valued(suggestion.parameters, float(len(seen) % 5)))
        assert len(seen) == len(history) == (10 if size is None else min(size, 10))


def test_draws_from_a_small_part_of_the_space_are_spread_over_it() -> None:
    region = region_of(ORDERED)
    points = region.sample(np.random.default_rng(1).random((1000, 10)))
    assert len(points) == 1000  # a walk leads every row of numbers somewhere
    assert region.contains(points).all()
    # Order statistics: the mean of the i-th of ten is i / 11, and its deviation at most 0.151.
    assert points.mean(axis=0) == pytest.approx(np.arange(1, 11) / 11, abs=0.06)
    assert points.std(axis=0) == pytest.approx(
        [math.sqrt(place * (11 - place) / 1452) for place in range(1, 11)], abs=0.04
    )


def test_sums_of_whole_numbers_that_must_be_met_exactly_are_reached() -> None:
    space = _space({"a": IntDomain(min=0, max=9), "b": IntDomain(min=0, max=9)}, ["a + b <= 6", "a + b >= 6"])
    for algorithm in (Random(), Sobol(), Grid(), Auto()):
        task = task_of(problem_of(space, algorithm=algorithm), History(space), count=20)
        found = {(one.parameters["a"], one.parameters["b"]) for one in task.run().suggestions}
        assert found == {(a, 6 - a) for a in range(7)}
        assert space.cardinality == 7


def test_a_grid_has_the_points_that_keep_the_constraints() -> None:
    space = _space({"a": UNIT, "b": UNIT, "flag": BoolDomain()}, ["a + b <= 1"])
    suggestions = (
        task_of(problem_of(space, algorithm=Grid(default_levels=5)), History(space), count=100).run().suggestions
    )
    points = [(one.parameters["a"], one.parameters["b"], one.parameters["flag"]) for one in suggestions]
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    wanted = [point for point in itertools.product(ticks, ticks, (False, True)) if point[0] + point[1] <= 1]
    assert sorted(points) == sorted(wanted)


def test_a_sobol_sequence_goes_on_where_it_was_though_points_of_it_are_left_out() -> None:
    space = _space({"a": UNIT, "b": UNIT, "c": UNIT}, ["a + b + c <= 1"])  # one draw in six
    problem, history = problem_of(space, algorithm=Sobol()), History(space)
    at_once = [one.parameters for one in task_of(problem, history, count=200).run().suggestions]
    one_by_one = []
    for _ in range(200):
        (suggestion,) = task_of(problem, history, count=1).run().suggestions
        one_by_one.append(suggestion.parameters)
        history.append(valued(suggestion.parameters, 1.0))
    assert one_by_one == at_once
    assert len({space.key(one) for one in at_once}) == 200


def test_the_start_begins_at_the_defaults_and_moves_the_middle_of_the_others() -> None:
    space = _space({"a": UNIT, "b": UNIT, "c": UNIT}, ["a + b <= 1"], defaults={"a": 0.8})
    (first,) = task_of(problem_of(space, algorithm=Auto()), History(space), count=1).run().suggestions
    assert first.parameters == {"a": 0.8, "b": pytest.approx(0.2), "c": 0.5}
    middle = region_of(_space({"a": UNIT, "b": UNIT}, ["a + b <= 0.4"])).centre()
    assert middle == pytest.approx([0.2, 0.2])  # the nearest to the middle of the whole


_LOG = FloatDomain(min=1e-6, max=0.1, scale=Scale.LOG)
# The space, the function, and its lowest value, which lies where a constraint is met exactly.
ON_THE_BOUND: Sequence[tuple[SearchSpace, Callable[[Configuration], float], float]] = [
    (
        _space({"x": UNIT, "y": UNIT}, ["x + y <= 1"]),
        lambda c: (float(c["x"]) - 0.9) ** 2 + (float(c["y"]) - 0.7) ** 2,
        0.18,  # at (0.6, 0.4)
    ),
    (
        # In its own unit, not on the scale: 1000 lr + x <= 1 with log10 lr near -2 and x near 1.
        _space({"lr": _LOG, "x": UNIT}, ["1000*lr + x <= 1"]),
        lambda c: (math.log10(float(c["lr"])) + 2) ** 2 + (float(c["x"]) - 1) ** 2,
        min((math.log10(r * 1e-5) + 2) ** 2 + (r / 100) ** 2 for r in range(1, 101)),
    ),
    (
        _space(
            {"width": IntDomain(min=4, max=512, scale=Scale.LOG), "depth": IntDomain(min=1, max=64)},
            ["width + 2*depth <= 64"],
        ),
        lambda c: (math.log(float(c["width"])) - 4) ** 2 + (float(c["depth"]) / 64 - 0.5) ** 2,
        min(
            (math.log(width) - 4) ** 2 + (depth / 64 - 0.5) ** 2
            for width in range(4, 63)
            for depth in range(1, (64 - width) // 2 + 1)
        ),
    ),
    (
        _space(
            {"opt": OPT, "x": UNIT, "y": UNIT},
            ["x + y <= 1"],
            conditions={"y": Condition(parent="opt", values=("sgd",))},
        ),
        lambda c: (float(c["x"]) - 0.9) ** 2 + ((float(c["y"]) - 0.7) ** 2 if "y" in c else 0.3),
        0.18,
    ),
]


@pytest.mark.parametrize(("space", "function", "lowest"), ON_THE_BOUND, ids=["floats", "log", "ints", "conditional"])
def test_an_optimum_on_the_bound_is_found(
    space: SearchSpace, function: Callable[[Configuration], float], lowest: float
) -> None:
    problem, history = problem_of(space, algorithm=Auto()), History(space)
    best, warm = math.inf, b""
    for _ in range(30):
        result = task_of(problem, history, count=1, seed=3, warm_start=warm).run()
        assert not result.fallback_reason
        warm = result.warm_start
        (suggestion,) = result.suggestions
        value = function(space.normalize(suggestion.parameters, field="p"))
        best = min(best, value)
        history.append(valued(suggestion.parameters, value))
    assert best - lowest < 1e-3  # random search: 0.01 to 1 in the median
