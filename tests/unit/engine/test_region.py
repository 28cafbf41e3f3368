"""The region of a space: what it promises, and that samplers and search keep to one that is no box."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.algorithm import Algorithm, Auto, Grid, Random, Sobol
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Configuration,
    Domain,
    FloatDomain,
    IntDomain,
    Key,
    SearchSpace,
)
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.space import region as regions
from asktell_server.engine.space.box import Box
from asktell_server.engine.space.lattice import Lattice
from asktell_server.engine.space.region import region_of
from asktell_server.engine.space.warp import Points
from tests.unit.engine.problems import MIXED_SPACE, UNIT, problem_of, random_results, space_of, task_of, valued
from tests.unit.engine.strategies import continuous_domains, finite_domains

SMALL = space_of(a=IntDomain(min=0, max=2), b=CategoricalDomain(values=("x", "y")), c=BoolDomain())


class TestBox:
    @given(domain=st.one_of(finite_domains(), continuous_domains()), numbers=st.lists(st.floats(0, 1), min_size=1))
    def test_samples_and_repaired_points_are_inside(self, domain: Domain, numbers: list[float]) -> None:
        region = region_of(space_of(p=domain))
        points = np.array(numbers)[:, None]
        assert region.contains(region.repair(points)).all()
        assert region.contains(region.sample(np.minimum(points, 1.0 - 2.0**-53))).all()

    def test_the_centre_is_inside(self) -> None:
        region = region_of(MIXED_SPACE)
        assert region.contains(region.encoding.centre()[None, :]).all()

    def test_points_between_levels_and_beyond_the_ends_are_outside(self) -> None:
        region = region_of(space_of(x=UNIT, n=IntDomain(min=0, max=2)))
        points = np.array([[0.3, 0.5], [0.3, 0.4], [1.1, 0.5]])
        assert region.contains(points).tolist() == [True, False, False]

    def test_everything_is_the_lattice(self) -> None:
        region = region_of(SMALL)
        lattice, points = region.lattice(), region.everything()
        keys = [lattice.key(number) for number in range(lattice.size)]
        assert region.count == lattice.size == len(points) == len(set(keys)) == 12
        assert [lattice.number(key) for key in keys] == list(range(12))
        assert np.array_equal(region.encoding.encode_keys(keys), points)

    def test_an_infinite_space_cannot_be_numbered(self) -> None:
        region = region_of(MIXED_SPACE)
        assert region.count is None
        with pytest.raises(ValueError, match="infinitely many"):
            region.lattice()

    def test_neighbours_differ_in_one_of_the_columns(self) -> None:
        region = region_of(space_of(x=UNIT, a=IntDomain(min=0, max=2), n=IntDomain(min=0, max=100)))
        point = region.encoding.encode([{"x": 0.5, "a": 1, "n": 1}])[0]
        neighbours = [region.encoding.decode(each) for each in region.neighbours(point, [1, 2])]
        assert [one["a"] for one in neighbours] == [0, 2, 1, 1, 1]
        assert [one["n"] for one in neighbours] == [1, 1, 0, 2, 4], "the nearest of many levels"

    def test_a_grid_knows_its_points_and_no_others(self) -> None:
        grid = region_of(space_of(x=UNIT, n=IntDomain(min=0, max=100))).grid([3, 2])
        assert [grid.key(number) for number in range(grid.size)] == [(x, n) for x in (0.0, 0.5, 1.0) for n in (0, 100)]
        assert grid.number((0.5, 100)) == 3
        assert grid.number((0.5, 50)) is None


class Triangle(Box):
    """The configurations whose first two parameters, as shares of their ranges, add up to at most 1."""

    drops = True

    def centre(self) -> Points:
        """See Region."""
        return self.repair(super().centre()[None, :])[0]

    def contains(self, points: Points) -> npt.NDArray[np.bool_]:
        """See Region."""
        return super().contains(points) & _below(points)

    def sample(self, uniform: Points) -> Points:
        """See Region."""
        return _inside(super().sample(uniform))

    def repair(self, points: Points) -> Points:
        """See Region."""
        repaired = super().repair(points)
        repaired[~_below(repaired), 1] = 0.0
        return repaired

    def neighbours(self, point: Points, columns: Sequence[int]) -> Points:
        """See Region."""
        return _inside(super().neighbours(point, columns))

    @property
    def count(self) -> int | None:
        """See Region."""
        return None if super().count is None else len(self.everything())

    def everything(self) -> Points:
        """See Region."""
        return _inside(super().everything())

    def lattice(self) -> Lattice:
        """See Region."""
        return _Listed([self._key(point) for point in self.everything()])

    def grid(self, levels: Sequence[int]) -> Lattice:
        """See Region."""
        grid = super().grid(levels)
        keys = [grid.key(number) for number in range(grid.size)]
        return _Listed([key for key in keys if _below(self.encoding.encode_keys([key]))[0]])

    def _key(self, point: Points) -> Key:
        return tuple(self.encoding.decode(point).values())


class _Listed:
    def __init__(self, keys: Sequence[Key]) -> None:
        self.size = len(keys)
        self._keys = keys

    def key(self, number: int) -> Key:
        return self._keys[number]

    def number(self, key: Key) -> int | None:
        return self._keys.index(key) if key in self._keys else None


def _below(points: Points) -> npt.NDArray[np.bool_]:
    below: npt.NDArray[np.bool_] = points[:, 0] + points[:, 1] <= 1.0 + 1e-9
    return below


def _inside(points: Points) -> Points:
    return points[_below(points)]


CONTINUOUS = space_of(x=UNIT, y=UNIT)
LEVELS = space_of(a=IntDomain(min=0, max=5), b=IntDomain(min=0, max=5))
BOTH = space_of(x=UNIT, n=IntDomain(min=0, max=60), name=CategoricalDomain(values=("a", "b")))
STEPS = space_of(x=FloatDomain(min=0.0, max=1.0, step=0.01), y=FloatDomain(min=0.0, max=1.0, step=0.01))


class TestTriangle:
    """No sampler and no search has been changed for it."""

    @pytest.fixture(autouse=True)
    def _triangle(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setattr(regions, "Box", Triangle)
        region_of.cache_clear()
        yield
        region_of.cache_clear()

    @staticmethod
    def _is_inside(space: SearchSpace, configurations: Sequence[Configuration]) -> bool:
        region = region_of(space)
        assert isinstance(region, Triangle)
        return bool(region.contains(region.encoding.encode(configurations)).all())

    @pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid(default_levels=7)], ids=lambda one: one.kind)
    @pytest.mark.parametrize("space", [CONTINUOUS, LEVELS, BOTH], ids=["continuous", "levels", "both"])
    def test_samplers_without_a_model_stay_inside(self, algorithm: Algorithm, space: SearchSpace) -> None:
        result = task_of(problem_of(space, algorithm=algorithm), count=12).run()
        configurations = [one.parameters for one in result.suggestions]
        assert len({tuple(one.values()) for one in configurations}) == 12
        assert self._is_inside(space, configurations)

    @pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid(), Auto()], ids=lambda one: one.kind)
    def test_all_of_a_finite_region_is_tried_and_nothing_else(self, algorithm: Algorithm) -> None:
        problem = problem_of(LEVELS, algorithm=algorithm)
        tried: list[Observation] = []
        while suggestions := task_of(problem, tried, count=5).run().suggestions:
            tried += [valued(one.parameters, float(one.parameters["a"]) ** 2) for one in suggestions]
        assert len({tuple(one.parameters.values()) for one in tried}) == len(tried) == 6 * 7 / 2
        assert self._is_inside(LEVELS, [one.parameters for one in tried])

    @pytest.mark.parametrize("space", [CONTINUOUS, BOTH, STEPS], ids=["continuous", "both", "steps"])
    def test_the_model_finds_an_optimum_at_its_border(self, space: SearchSpace) -> None:
        problem = problem_of(space)
        first, second = space.parameters[:2]

        def outside_is_better(configuration: Configuration) -> float:
            x, y = float(configuration[first.name]), float(configuration[second.name])
            return (x - 0.8) ** 2 + (y / float(second.domain.max) - 0.8) ** 2  # type: ignore[union-attr]

        tried = random_results(problem, outside_is_better, count=6)
        for _ in range(8):
            result = task_of(problem, tried, count=2).run()
            assert result.fallback_reason == ""
            tried += [valued(one.parameters, outside_is_better(one.parameters)) for one in result.suggestions]
        assert self._is_inside(space, [one.parameters for one in tried])
        best = min(tried, key=lambda one: one.metrics[0].value if one.metrics[0] else 1.0)
        assert outside_is_better(best.parameters) < 0.2, "0.18 at the border"

    def test_the_start_is_inside_where_the_defaults_are_not(self) -> None:
        outside = SearchSpace(
            parameters=tuple(dataclasses.replace(each, default=0.9) for each in CONTINUOUS.parameters)
        )
        result = task_of(problem_of(outside), count=3).run()
        assert self._is_inside(outside, [one.parameters for one in result.suggestions])

    def test_the_last_resort_stays_inside(self) -> None:
        failed = [Observation(parameters={"x": 0.1, "y": 0.1}, outcome=Outcome.FAILED)]
        result = task_of(problem_of(CONTINUOUS), failed, count=5).fallback("why")
        assert result.fallback_reason == "why"
        assert self._is_inside(CONTINUOUS, [one.parameters for one in result.suggestions])
