"""Importances: of functions whose Sobol indices are known, in spaces of every kind."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from asktell_server.domain.algorithm import Sobol
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.space import (
    CategoricalDomain,
    Condition,
    Configuration,
    Domain,
    Fidelity,
    FloatDomain,
    IntDomain,
    Parameter,
    SearchSpace,
)
from asktell_server.engine.analysis.draws import Draws
from asktell_server.engine.analysis.importances import ImportanceQuestion, Importances
from asktell_server.engine.analysis.sobol import independent_indices
from asktell_server.engine.analysis.study_model import StudyModel
from tests.unit.engine.problems import MIXED_SPACE, UNIT, mixed, observe, problem_of, random_results, space_of, task_of

AROUND = FloatDomain(min=-math.pi, max=math.pi)
G_WEIGHTS = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0)


def ishigami(x: np.ndarray) -> np.ndarray:
    """Ishigami and Homma (1990), of numbers of -π to π (n x 3)."""
    value: np.ndarray = np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    return value


def g_function(x: np.ndarray) -> np.ndarray:
    """Sobol's g-function, of numbers of 0 to 1 (n x 6)."""
    weights = np.array(G_WEIGHTS)
    value: np.ndarray = np.prod((np.abs(4 * x - 2) + weights) / (1 + weights), axis=1)
    return value


ISHIGAMI_FIRST, ISHIGAMI_TOTAL = (0.3139, 0.4424, 0.0), (0.5576, 0.4424, 0.2437)
_PARTS = [1 / 3 / (1 + weight) ** 2 for weight in G_WEIGHTS]
_WHOLE = math.prod(1 + part for part in _PARTS)
G_FIRST = [part / (_WHOLE - 1) for part in _PARTS]
G_TOTAL = [part * _WHOLE / (1 + part) / (_WHOLE - 1) for part in _PARTS]


def _importances(space: SearchSpace, function: Callable[[Configuration], float], *, count: int) -> Importances:
    """From results along a Sobol sequence."""
    start = task_of(problem_of(space, algorithm=Sobol()), count=count).run()
    task = task_of(problem_of(space), [observe(one.parameters, function) for one in start.suggestions])
    return ImportanceQuestion(metric="loss").answer(StudyModel(task))


def _numbers(configuration: Configuration) -> np.ndarray:
    return np.array([[float(value) for value in configuration.values()]])


def test_importances_of_ishigami_are_the_known_ones() -> None:
    space = space_of(a=AROUND, b=AROUND, c=AROUND)
    found = _importances(space, lambda one: float(ishigami(_numbers(one))[0]), count=300)
    assert found.names == ("a", "b", "c")
    assert found.indices.first == pytest.approx(ISHIGAMI_FIRST, abs=0.05)
    assert found.indices.total == pytest.approx(ISHIGAMI_TOTAL, abs=0.05)
    assert found.indices.pairs[np.triu_indices(3, 1)] == pytest.approx([0.0, 0.2437, 0.0], abs=0.05)
    for deviations in (found.deviations.first, found.deviations.total, found.deviations.pairs):
        assert (deviations >= 0).all()
        assert (deviations < 0.05).all()


def test_importances_of_the_g_function_are_the_known_ones() -> None:
    space = space_of(**{f"x{index}": UNIT for index in range(6)})
    found = _importances(space, lambda one: float(g_function(_numbers(one))[0]), count=300)
    assert found.indices.first == pytest.approx(G_FIRST, abs=0.05)
    assert found.indices.total == pytest.approx(G_TOTAL, abs=0.05)


def test_few_results_leave_it_open() -> None:
    space = space_of(a=AROUND, b=AROUND, c=AROUND)
    deviations = [
        _importances(space, lambda one: float(ishigami(_numbers(one))[0]), count=count).deviations.total.max()
        for count in (10, 200)
    ]
    assert deviations[0] > 3 * deviations[1]


def test_a_function_with_one_interaction_shows_one() -> None:
    """The best rate of `mixed` depends on the optimizer; all else adds up."""
    problem = problem_of(MIXED_SPACE)
    task = task_of(problem, random_results(problem, mixed, count=200))
    found = ImportanceQuestion(metric="loss").answer(StudyModel(task))
    pairs = {
        (found.names[one], found.names[other]): float(found.indices.pairs[one, other])
        for one, other in zip(*np.triu_indices(8, 1), strict=True)
    }
    strongest = max(pairs, key=lambda pair: pairs[pair])
    assert strongest == ("rate", "optimizer")
    assert pairs.pop(strongest) > 0.2
    assert max(pairs.values()) < 0.03


def test_a_parameter_that_is_not_always_there_counts_where_it_is() -> None:
    """Half of the space has the value ½, the other half that of a parameter which exists there alone."""
    space = SearchSpace(
        parameters=(
            Parameter(name="kind", domain=CategoricalDomain(values=("plain", "tuned"))),
            Parameter(name="knob", domain=UNIT, condition=Condition(parent="kind", values=("tuned",))),
            Parameter(name="idle", domain=IntDomain(min=1, max=9)),
        )
    )
    found = _importances(space, lambda one: float(one.get("knob", 0.5)), count=60)
    assert found.indices.first == pytest.approx([0.0, 0.5, 0.0], abs=0.05)
    assert found.indices.total == pytest.approx([0.5, 1.0, 0.0], abs=0.05)
    assert found.indices.pairs[0, 1] == pytest.approx(0.5, abs=0.05)


def test_a_fidelity_is_at_its_highest_value() -> None:
    """With one epoch x makes all the difference, with all 27 only y does."""
    space = SearchSpace(
        parameters=(
            Parameter(name="epochs", domain=IntDomain(min=1, max=27), fidelity=Fidelity()),
            Parameter(name="x", domain=UNIT),
            Parameter(name="y", domain=UNIT),
        )
    )

    def value(one: Configuration) -> float:
        whole = (float(one["epochs"]) - 1) / 26
        return (1 - whole) * float(one["x"]) + whole * float(one["y"])

    task = task_of(problem_of(space), random_results(problem_of(space), value, count=150))
    found = ImportanceQuestion(metric="loss").answer(StudyModel(task))
    assert found.names == ("x", "y")
    assert found.indices.first == pytest.approx([0.0, 1.0], abs=0.05)
    assert found.indices.pairs.shape == (2, 2)


def test_under_constraints_a_parameter_shares_in_what_another_one_explains() -> None:
    """The value is x, and x + y is at most 1: the mean of x at a given y is (1 - y)/2."""
    space = SearchSpace(
        parameters=(Parameter(name="x", domain=UNIT), Parameter(name="y", domain=UNIT)),
        parameter_constraints=(read_constraint("x + y <= 1", field="c", names={"x", "y"}),),
    )
    space.validate("space")
    found = _importances(space, lambda one: float(one["x"]), count=50)
    assert found.indices.first == pytest.approx([1.0, 0.25], abs=0.05)
    assert found.indices.total == pytest.approx([1.0, 0.25], abs=0.05)  # at least what they explain alone
    assert (found.deviations.first < 0.05).all()


def test_of_equal_results_nothing_matters() -> None:
    found = _importances(space_of(a=UNIT, kind=CategoricalDomain(values=("a", "b"))), lambda _: 0.25, count=10)
    assert not found.indices.first.any()
    assert not found.indices.total.any()
    assert not found.indices.pairs.any()


def test_categories_alone_and_a_parameter_alone() -> None:
    kinds = {"a": 0.0, "b": 1.0, "c": 2.0}
    space = space_of(kind=CategoricalDomain(values=tuple(kinds)), other=CategoricalDomain(values=("p", "q", "r", "s")))
    found = _importances(space, lambda one: kinds[str(one["kind"])], count=12)
    assert found.indices.first == pytest.approx([1.0, 0.0], abs=0.05)
    found = _importances(space_of(x=UNIT), lambda one: float(one["x"]), count=8)
    assert found.indices.first == pytest.approx([1.0], abs=0.01)
    assert found.indices.total == pytest.approx([1.0], abs=0.01)


def test_the_estimators_meet_the_known_indices_of_many_functions_at_once() -> None:
    def functions(uniform: np.ndarray) -> np.ndarray:
        x = 2 * math.pi * uniform - math.pi
        return np.stack([ishigami(x) + 100.0, np.zeros(len(x)), x[:, 2]], axis=1)

    found = independent_indices(functions, 3, 1024, np.random.default_rng(1))
    assert found.first[:, 0] == pytest.approx(ISHIGAMI_FIRST, abs=0.02)
    assert found.total[:, 0] == pytest.approx(ISHIGAMI_TOTAL, abs=0.02)
    assert found.pairs[0, 2, 0] == pytest.approx(0.2437, abs=0.02)
    assert not found.first[:, 1].any()
    assert found.first[:, 2] == pytest.approx([0.0, 0.0, 1.0], abs=0.01)


@pytest.mark.parametrize("kind", ["numbers", "mixed", "categories"])
def test_functions_that_the_model_holds_possible_have_its_mean_and_covariance(kind: str) -> None:
    numbers: dict[str, Domain] = {"x": UNIT, "y": UNIT}
    names: dict[str, Domain] = {
        "kind": CategoricalDomain(values=("a", "b", "c")),
        "other": CategoricalDomain(values=("p", "q")),
    }
    space = space_of(**{"numbers": numbers, "mixed": {**numbers, **names}, "categories": names}[kind])
    problem = problem_of(space)
    results = random_results(problem, lambda one: float(one.get("x", 0.0)) + (one.get("kind") == "b"), count=5)
    model = StudyModel(task_of(problem, results))
    process = model.process("loss")
    points = model.region.sample(np.random.default_rng(3).random((20, model.region.encoding.dimension)))
    values = Draws(process, 4000, np.random.default_rng(5)).at(points)
    mean, covariance = process.covariance(points)
    assert values.mean(axis=1) == pytest.approx(mean, abs=0.06)
    assert np.cov(values) == pytest.approx(covariance, abs=0.15 * process.kernel.variance)
