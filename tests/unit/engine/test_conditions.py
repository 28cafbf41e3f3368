"""Conditional spaces in the engine: what is tried is valid, counted right, and found."""

from __future__ import annotations

import math
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from asktell_server.domain.algorithm import Algorithm, Auto, Bayesian, Grid, Random, Sobol
from asktell_server.domain.space import (
    ABSENT,
    CategoricalDomain,
    Condition,
    Configuration,
    FloatDomain,
    IntDomain,
    Parameter,
    Scale,
    SearchSpace,
)
from asktell_server.engine.bayes.fit import Loss
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.model import LeanModel
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.history import History
from asktell_server.engine.space.region import region_of
from asktell_server.service.snapshot_parts import read_part, sealed_part
from asktell_server.service.view_parts import ViewPart
from tests.support.strategies import conditional_spaces
from tests.unit.engine.problems import problem_of, task_of, valued

UNIT = FloatDomain(min=0.0, max=1.0)


def _when(
    name: str, parent: str, *values: str | int, domain: FloatDomain | IntDomain | CategoricalDomain = UNIT
) -> Parameter:
    return Parameter(name=name, domain=domain, condition=Condition(parent=parent, values=values))


# Three branches with one, two and three floats of their own, one of them beneath another condition; one float for all.
BRANCHES = SearchSpace(
    parameters=(
        Parameter(name="branch", domain=CategoricalDomain(values=("a", "b", "c"))),
        Parameter(name="all", domain=UNIT),
        _when("a1", "branch", "a"),
        _when("b1", "branch", "b"),
        _when("b2", "branch", "b", domain=FloatDomain(min=1e-4, max=1.0, scale=Scale.LOG)),
        _when("kind", "branch", "c", domain=CategoricalDomain(values=("x", "y"))),
        _when("c1", "branch", "c"),
        _when("c2", "kind", "x"),
        _when("depth", "kind", "y", domain=IntDomain(min=1, max=9)),
    )
)


def _value(configuration: Configuration) -> float:
    """A bowl in each branch; the lowest, 0, is that of b at b1 = 0.3, b2 = 0.01, all = 0.7."""

    def number(name: str) -> float:
        return float(configuration[name])

    shared = (number("all") - 0.7) ** 2
    match configuration["branch"]:
        case "a":
            return 0.3 + shared + (number("a1") - 0.2) ** 2
        case "b":
            return shared + (number("b1") - 0.3) ** 2 + (math.log10(number("b2")) / 4 + 0.5) ** 2
    inner = (number("c2") - 0.6) ** 2 if configuration["kind"] == "x" else ((number("depth") - 4) / 8) ** 2
    return 0.15 + shared + (number("c1") - 0.5) ** 2 + inner


@settings(max_examples=10)
@given(space=conditional_spaces())
@pytest.mark.parametrize(
    "algorithm", [Random(), Sobol(), Grid(default_levels=2), Bayesian(start_trials=3)], ids=lambda a: a.kind
)
def test_what_any_sampler_suggests_is_a_new_configuration_of_the_space(
    algorithm: Algorithm, space: SearchSpace
) -> None:
    problem = problem_of(space, algorithm=algorithm)
    size = algorithm.size(space) if isinstance(algorithm, Grid) else space.cardinality
    history, seen = History(space), set()
    for turn in range(6):
        result = task_of(problem, history, count=2, seed=turn).run()
        assert result.fallback_reason == ""
        for suggestion in result.suggestions:
            assert space.normalize(suggestion.parameters, field="p") == suggestion.parameters
            key = space.key(suggestion.parameters)
            assert key not in seen
            seen.add(key)
            history.append(valued(suggestion.parameters, float(len(seen) % 5)))
    assert len(seen) == (12 if size is None else min(size, 12))


@given(space=conditional_spaces(finite_only=True))
def test_every_configuration_has_a_number(space: SearchSpace) -> None:
    region = region_of(space)
    lattice = region.lattice()
    assert lattice.size == region.count == space.cardinality
    keys = [lattice.key(number) for number in range(lattice.size)]
    assert len(set(keys)) == len(keys)
    assert [lattice.number(key) for key in keys] == list(range(lattice.size))
    points = region.encoding.encode_keys(keys)
    assert region.contains(points).all()
    for key, point in zip(keys, points, strict=True):
        assert space.key(space.normalize(region.encoding.decode(point), field="p")) == key


@given(space=conditional_spaces())
def test_neighbours_and_repairs_stay_inside(space: SearchSpace) -> None:
    region = region_of(space)
    rng = np.random.default_rng(0)
    for point in region.sample(rng.random((5, region.encoding.dimension))):
        assert region.contains(point[None, :]).all()
        around = region.neighbours(point, region.encoding.discrete)
        assert region.contains(around).all()
        assert not (around == point).all(axis=1).any()
    assert region.contains(region.repair(rng.normal(size=(20, region.encoding.dimension)))).all()


@pytest.mark.parametrize("algorithm", [Random(), Sobol()], ids=lambda a: a.kind)
def test_each_branch_has_the_share_that_its_parent_gives_it(algorithm: Algorithm) -> None:
    task = task_of(problem_of(BRANCHES, algorithm=algorithm), History(BRANCHES), count=600)
    counts = Counter(str(suggestion.parameters["branch"]) for suggestion in task.run().suggestions)
    assert all(150 <= counts[branch] <= 250 for branch in "abc")  # 200 each; random: a deviation of 12
    kinds = Counter(str(s.parameters["kind"]) for s in task.run().suggestions if s.parameters["branch"] == "c")
    assert abs(kinds["x"] - kinds["y"]) < 60


def test_a_grid_counts_and_visits_each_branch_once() -> None:
    grid = Grid(default_levels=3)
    size = 3 * (3 + 9 + 3 * (3 + 9))
    assert grid.size(BRANCHES) == size
    suggestions = task_of(problem_of(BRANCHES, algorithm=grid), History(BRANCHES), count=size + 5).run().suggestions
    assert len({BRANCHES.key(one.parameters) for one in suggestions}) == len(suggestions) == size


def test_the_start_begins_at_the_defaults_of_what_is_active() -> None:
    space = SearchSpace(
        parameters=(
            Parameter(name="opt", domain=CategoricalDomain(values=("sgd", "adam")), default="adam"),
            Parameter(name="momentum", domain=UNIT, default=0.9, condition=Condition(parent="opt", values=("sgd",))),
            Parameter(name="beta", domain=UNIT, default=0.8, condition=Condition(parent="opt", values=("adam",))),
        )
    )
    (first,) = task_of(problem_of(space, algorithm=Auto()), History(space), count=1).run().suggestions
    assert first.parameters == {"opt": "adam", "beta": 0.8}


def _data(count: int = 25) -> Data:
    region = region_of(BRANCHES)
    points = region.sample(np.random.default_rng(3).random((count, region.encoding.dimension)))
    y = np.array([_value(region.encoding.decode(point)) for point in points])
    return Data(x=points, y=(y - y.mean()) / y.std(), noise=np.zeros(count), layout=Layout.of(region.encoding))


def test_absent_parameters_are_apart_from_all_values() -> None:
    data = _data()
    layout = data.layout
    vector = np.array([1e-3, *np.linspace(0.4, 1.2, layout.dimension), 0.3, 0.3, 0.4])
    process = GaussianProcess(data, vector)
    x = data.x[:6]
    # The covariance does not see where an absent parameter is said to lie, and a present one counts.
    elsewhere = np.where(region_of(BRANCHES).encoding.active(x), x, 0.9)
    categorical = list(layout.categorical)
    elsewhere[:, categorical] = x[:, categorical]
    assert process.moments(elsewhere).mean == pytest.approx(process.moments(x).mean)
    matrix = process.kernel.covariance(data.x)
    assert np.linalg.eigvalsh(matrix).min() > -1e-9
    # Slopes: along what is there as differences of the mean say, 0 along what is not.
    slopes = process.slopes(x)
    active = region_of(BRANCHES).encoding.active(x)
    for place, column in enumerate(layout.numeric):
        step = np.zeros(x.shape[1])
        step[column] = 1e-6
        by_difference = (process.moments(x + step).mean - process.moments(x - step).mean) / 2e-6
        inside = active[:, column]
        assert slopes.mean_gradient[inside, place] == pytest.approx(by_difference[inside], abs=1e-5)
        assert (slopes.mean_gradient[~inside, place] == 0).all()
    # BoTorch's view of it is the same, and differentiable in what is there.
    tensor = torch.from_numpy(x).requires_grad_()
    posterior = LeanModel(process).posterior(tensor.unsqueeze(1))
    assert posterior.mean.detach().flatten().numpy() == pytest.approx(process.moments(x).mean, abs=1e-9)
    (gradient,) = torch.autograd.grad(posterior.mean.sum(), tensor)
    assert gradient.numpy()[:, list(layout.numeric)] == pytest.approx(slopes.mean_gradient, abs=1e-7)


def test_the_fit_has_the_models_kernel_and_its_own_slope() -> None:
    data = _data()
    loss = Loss(data)
    logs = np.log(np.array([1e-2, *np.linspace(0.4, 1.2, data.layout.dimension), 0.3, 0.3, 0.4]))
    covariance, _, _ = loss._kernel(np.exp(logs))
    kernel = GaussianProcess(data, np.exp(logs)).kernel
    assert covariance == pytest.approx(kernel.covariance(data.x)[np.tril_indices(len(data.y), -1)], abs=1e-9)
    _, gradient = loss(logs)
    for place in range(len(logs)):
        step = np.zeros_like(logs)
        step[place] = 1e-5
        assert gradient[place] == pytest.approx(
            (loss(logs + step)[0] - loss(logs - step)[0]) / 2e-5, rel=1e-4, abs=1e-4
        )


def test_the_optimum_of_the_right_branch_is_found() -> None:
    problem, history = problem_of(BRANCHES, algorithm=Auto()), History(BRANCHES)
    best, warm = math.inf, b""
    for _ in range(35):
        result = task_of(problem, history, count=1, seed=5, warm_start=warm).run()
        assert not result.fallback_reason
        warm = result.warm_start
        (suggestion,) = result.suggestions
        value = _value(suggestion.parameters)
        best = min(best, value)
        history.append(valued(suggestion.parameters, value))
    assert best < 0.01  # random search: 0.07 in the median of 15 seeds; 0.15 is the bottom of the second best branch


def test_absent_values_survive_pickles_and_digests() -> None:
    history = History(BRANCHES)
    for suggestion in task_of(problem_of(BRANCHES, algorithm=Sobol()), count=6).run().suggestions:
        history.append(valued(suggestion.parameters, 1.0))
    copy = pickle.loads(pickle.dumps(history))
    assert copy == history
    assert [observation.parameters for observation in copy] == [observation.parameters for observation in history]
    assert all(key.count(ABSENT) in (4, 5, 6) for key in history.keys)
    part = ViewPart(
        trials={}, ended=[], history=history.part(0, 6), surprises=[], standings=[], measurements={}, curves={}
    )
    read = History(BRANCHES)
    read.extend(read_part(0, sealed_part(0, part)[0]).history)
    assert read == history
