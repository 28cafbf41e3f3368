"""Fronts and hypervolumes, against definitions and known values."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asktell_server.domain import pareto

SMALL = st.integers(2, 5).flatmap(
    lambda m: arrays(np.float64, st.tuples(st.integers(0, 7), st.just(m)), elements=st.integers(0, 4).map(float))
)


def _dominated_cells(costs: pareto.Costs, upper: int) -> int:
    """The unit cells below `upper` that a row dominates: the hypervolume of whole numbers, by its definition."""
    cells = itertools.product(range(upper), repeat=costs.shape[1])
    return sum(any((row <= cell).all() for row in costs) for cell in map(np.array, cells))


@given(SMALL)
def test_the_front_is_what_no_other_row_dominates(costs: pareto.Costs) -> None:
    expected = [
        place
        for place, row in enumerate(costs)
        if not any((other <= row).all() and (other < row).any() for other in costs)
    ]
    assert pareto.front(costs).tolist() == expected


@given(SMALL)
def test_the_hypervolume_counts_what_is_dominated(costs: pareto.Costs) -> None:
    reference = np.full(costs.shape[1], 4.0)
    assert pareto.hypervolume(costs, reference) == pytest.approx(_dominated_cells(costs, 4), abs=1e-9)


@given(SMALL)
def test_it_grows_row_by_row_to_the_same_volume(costs: pareto.Costs) -> None:
    reference = np.full(costs.shape[1], 4.0)
    volumes = list(pareto.growth(costs, reference))
    expected = [pareto.hypervolume(costs[: count + 1], reference) for count in range(len(costs))]
    assert volumes == pytest.approx(expected, abs=1e-9)


@given(SMALL)
def test_a_row_alone_adds_what_is_lost_without_it(costs: pareto.Costs) -> None:
    reference = np.full(costs.shape[1], 4.0)
    whole = pareto.hypervolume(costs, reference)
    expected = [whole - pareto.hypervolume(np.delete(costs, place, axis=0), reference) for place in range(len(costs))]
    assert pareto.contributions(costs, reference) == pytest.approx(expected, abs=1e-9)


def test_the_front_of_a_known_problem_has_its_known_volume() -> None:
    # ZDT1 and ZDT2 up to (1.1, 1.1): 1.21 - ∫(1 - √x) dx = 0.8767 and 1.21 - ∫(1 - x²) dx = 0.5433, with staircases of 10⁵ steps.
    x = np.linspace(0.0, 1.0, 100_001)
    reference = np.array([1.1, 1.1])
    assert pareto.hypervolume(np.stack([x, 1 - np.sqrt(x)], axis=1), reference) == pytest.approx(1.21 - 1 / 3, abs=2e-5)
    assert pareto.hypervolume(np.stack([x, 1 - x**2], axis=1), reference) == pytest.approx(1.21 - 2 / 3, abs=2e-5)


@pytest.mark.parametrize(("count", "ball"), [(3, math.pi / 6), (4, math.pi**2 / 32)])
def test_a_sphere_leaves_its_own_volume(count: int, ball: float) -> None:
    # DTLZ2: the front is the unit sphere, and what lies below it is a part of the ball.
    points = np.abs(np.random.default_rng(0).standard_normal((400, count)))
    sphere = points / np.linalg.norm(points, axis=1, keepdims=True)
    volume, whole = pareto.hypervolume(sphere, np.full(count, 1.1)), 1.1**count - ball
    assert 0.8 * whole < volume < whole


@pytest.mark.parametrize(
    ("front", "reference"),
    [([[1.0, 4.0], [3.0, 0.0]], [3.2, 4.4]), ([[2.0, -4.0]], [2.2, -3.6]), ([[1.0, 0.0], [1.0, 0.0]], [1.0, 0.0])],
)
def test_an_inferred_reference_is_a_tenth_of_the_range_beyond_the_worst(
    front: list[list[float]], reference: list[float]
) -> None:
    assert pareto.inferred_reference(np.array(front)) == pytest.approx(reference, abs=1e-6)
