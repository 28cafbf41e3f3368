"""The samplers that need no model: what they cover, what they repeat, when they end."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.algorithm import Algorithm, Auto, Bayesian, Grid, Manual, Random, Sobol
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Configuration,
    DiscreteDomain,
    FloatDomain,
    IntDomain,
    Parameter,
    Scale,
    SearchSpace,
)
from asktell_server.domain.trial import Origin
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.samplers import SAMPLERS
from asktell_server.engine.samplers.grid import permute
from asktell_server.engine.space.region import region_of
from asktell_server.engine.tasks.suggest import SuggestTask
from tests.unit.engine.problems import HARTMANN_SPACE, MIXED_SPACE, UNIT, problem_of, space_of, task_of, valued

SMALL = space_of(a=IntDomain(min=0, max=2), b=CategoricalDomain(values=("x", "y")), c=BoolDomain())


def _task(
    space: SearchSpace,
    algorithm: Algorithm,
    *,
    tried: tuple[Configuration, ...] | list[Configuration] = (),
    pending: tuple[Configuration, ...] | list[Configuration] = (),
    count: int = 1,
    seed: int = 0,
    replicates: int = 1,
) -> SuggestTask:
    observations = [valued(one, 1.0) for one in tried]
    return task_of(
        dataclasses.replace(problem_of(space, algorithm=algorithm), replicates=replicates),
        observations,
        pending=pending,
        count=count,
        seed=seed,
    )


def _configurations(task: SuggestTask) -> list[Configuration]:
    result = task.run()
    assert result.fallback_reason == ""
    for one in result.suggestions:
        assert task.problem.space.normalize(one.parameters, field="suggestion") == one.parameters
        assert (one.prediction is not None) == (one.origin is Origin.MODEL)
    return [one.parameters for one in result.suggestions]


def _distinct(configurations: list[Configuration]) -> int:
    return len({tuple(one.values()) for one in configurations})


def test_every_algorithm_has_a_sampler() -> None:
    assert set(SAMPLERS) == {kind.kind for kind in (Auto, Bayesian, Grid, Manual, Random, Sobol)}


def test_manual_suggests_nothing() -> None:
    assert _task(SMALL, Manual(), count=5).run().suggestions == ()


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid()], ids=lambda algorithm: algorithm.kind)
class TestWithoutModel:
    def test_needs_no_model_and_names_itself(self, algorithm: Algorithm) -> None:
        task = _task(SMALL, algorithm, count=3)
        assert not task.needs_model()
        assert {one.origin for one in task.run().suggestions} == {Origin.SAMPLER}

    def test_same_task_same_suggestions_and_other_seed_others(self, algorithm: Algorithm) -> None:
        task = _task(MIXED_SPACE, Random() if isinstance(algorithm, Grid) else algorithm, count=8, seed=3)
        again = _task(MIXED_SPACE, task.problem.algorithm, count=8, seed=3)
        other = _task(MIXED_SPACE, task.problem.algorithm, count=8, seed=4)
        assert task.run() == again.run()
        assert task.run() != other.run()

    def test_a_finite_space_is_covered_once_before_anything_repeats(self, algorithm: Algorithm) -> None:
        tried: list[Configuration] = []
        pending: list[Configuration] = []
        for index in range(12):
            (one,) = _configurations(_task(SMALL, algorithm, tried=tried, pending=pending))
            (pending if index % 3 == 0 else tried).append(one)
        assert _distinct([*tried, *pending]) == 12

    def test_a_batch_has_no_repeats(self, algorithm: Algorithm) -> None:
        assert _distinct(_configurations(_task(SMALL, algorithm, count=12))) == 12


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Auto(), Grid()], ids=lambda algorithm: algorithm.kind)
class TestExhausted:
    def test_the_last_configuration_is_found_and_then_there_is_none(self, algorithm: Algorithm) -> None:
        everything = _configurations(_task(SMALL, Grid(), count=12))
        tried, running = everything[:7], everything[7:11]
        assert _configurations(_task(SMALL, algorithm, tried=tried, pending=running, count=4)) == [everything[11]]
        full = _task(SMALL, algorithm, tried=tried, pending=everything[7:])
        assert not full.needs_model()
        assert full.run().suggestions == ()

    def test_each_configuration_comes_as_often_as_the_study_asks_for(self, algorithm: Algorithm) -> None:
        tried: list[Configuration] = []
        while got := _configurations(_task(SMALL, algorithm, tried=tried, count=5, replicates=3)):
            tried += got
            if not isinstance(algorithm, Auto):  # a model may want to look again
                assert _distinct(tried) == min(len(tried), 12)
        assert len(tried) == 36
        assert _distinct(tried) == 12

    def test_what_is_running_is_repeated_last(self, algorithm: Algorithm) -> None:
        everything = _configurations(_task(SMALL, Grid(), count=12))
        tried, running = everything[:8], everything[8:]
        task = _task(SMALL, algorithm, tried=tried, pending=running, count=12, replicates=2)
        again = _configurations(task)
        assert _distinct(again) == 12
        if not isinstance(algorithm, Grid):  # its order is its own
            assert all(one in tried for one in again[:8])

    def test_people_may_repeat_more_than_that(self, algorithm: Algorithm) -> None:
        everything = _configurations(_task(SMALL, Grid(), count=12))
        task = _task(SMALL, algorithm, tried=[*everything[:6], *everything[:6]], count=12)
        assert {tuple(one.values()) for one in _configurations(task)} == {tuple(one.values()) for one in everything[6:]}


def test_continuous_spaces_repeat_nothing_that_is_running() -> None:
    first = _configurations(_task(HARTMANN_SPACE, Sobol()))
    # A deleted trial takes the sequence back by one: the next point must still be a new one.
    second = _configurations(_task(HARTMANN_SPACE, Sobol(), pending=first))
    third = _configurations(_task(HARTMANN_SPACE, Sobol(), pending=second))
    assert third not in (first, second)


def test_what_was_tried_is_not_drawn_again_whether_it_is_looked_up_or_compared_with() -> None:
    space = space_of(x=FloatDomain(min=0.0, max=1.0))
    drawn = _configurations(_task(space, Random(), tried=[{"x": 0.5}]))
    # The same draws: the history is as long, and holds what comes first.
    again = _task(space, Random(), tried=drawn)
    for is_indexed in (False, True):
        assert again.history.is_indexed == is_indexed
        assert not set(map(again.history.space.key, _configurations(again))) & set(again.history.keys)
        assert again.history.uses


def test_sobol_fills_evenly_over_single_asks() -> None:
    tried: list[Configuration] = []
    for _ in range(16):
        tried += _configurations(_task(HARTMANN_SPACE, Sobol(), tried=tried, seed=5))
    for name in ("x0", "x5"):
        sixteenths = {int(float(str(one[name])) * 16) for one in tried}
        assert len(sixteenths) == 16


def test_random_follows_the_scale() -> None:
    space = space_of(rate=FloatDomain(min=1e-4, max=1.0, scale=Scale.LOG))
    rates = [float(str(one["rate"])) for one in _configurations(_task(space, Random(), count=400))]
    assert sum(rate < 1e-2 for rate in rates) == pytest.approx(200, abs=50)


class TestGrid:
    def test_axes_follow_scale_and_levels(self) -> None:
        space = space_of(
            rate=FloatDomain(min=1e-4, max=1.0, scale=Scale.LOG),
            step=FloatDomain(min=0.0, max=1.0, step=0.25),
            units=IntDomain(min=1, max=1000, scale=Scale.LOG),
            crowded=IntDomain(min=1, max=100, scale=Scale.LOG),
            rank=DiscreteDomain(values=(4, 8, 16)),
        )
        grid = Grid(levels={"rate": 3, "step": 3, "units": 4, "crowded": 10})
        configurations = _configurations(_task(space, grid, count=1080))
        assert len(configurations) == grid.size(space) == 3 * 3 * 4 * 10 * 3
        values = {name: sorted({one[name] for one in configurations}, key=float) for name in configurations[0]}
        assert values["rate"] == pytest.approx([1e-4, 1e-2, 1.0])
        assert values["step"] == [0.0, 0.5, 1.0]
        assert values["units"] == [1, 10, 100, 1000]
        assert len(values["crowded"]) == 10
        assert (values["crowded"][0], values["crowded"][-1]) == (1, 100)
        assert values["rank"] == [4, 8, 16]

    def test_more_levels_than_whole_numbers_are_all_of_them(self) -> None:
        space = space_of(n=IntDomain(min=1, max=150))
        configurations = _configurations(_task(space, Grid(default_levels=500), count=500))
        assert sorted(int(str(one["n"])) for one in configurations) == list(range(1, 151))

    def test_ends_with_fewer_and_then_none(self) -> None:
        first = _configurations(_task(SMALL, Grid(), count=10))
        rest = _configurations(_task(SMALL, Grid(), tried=first, count=10))
        assert (len(first), len(rest)) == (10, 2)
        assert _configurations(_task(SMALL, Grid(), tried=first, pending=rest, count=10)) == []

    def test_every_point_once_over_failed_unknown_and_own_configurations(self) -> None:
        space = space_of(x=UNIT, y=UNIT)
        grid = Grid(default_levels=4)
        own = {"x": 0.123, "y": 0.5}
        task = task_of(
            problem_of(space, algorithm=grid),
            [
                Observation(parameters={"x": 0.0, "y": 0.0}, outcome=Outcome.FAILED),
                Observation(parameters={"x": 1.0, "y": 1.0}, outcome=Outcome.UNKNOWN),
                valued(own, 1.0),
            ],
            count=100,
        )
        assert _distinct([one.parameters for one in task.run().suggestions]) == 14

    def test_order_covers_the_space_early(self) -> None:
        space = space_of(x=UNIT, y=UNIT, z=UNIT)
        early = _configurations(_task(space, Grid(default_levels=10), count=100, seed=1))
        for name in ("x", "y", "z"):
            assert len(Counter(one[name] for one in early)) == 10

    def test_order_depends_on_the_seed_only(self) -> None:
        whole = _configurations(_task(SMALL, Grid(), count=12, seed=7))
        assert _configurations(_task(SMALL, Grid(), tried=whole[:5], count=7, seed=7)) == whole[5:]
        assert _configurations(_task(SMALL, Grid(), count=12, seed=8)) != whole

    def test_a_million_points_cost_no_memory(self) -> None:
        space = space_of(**{f"x{index}": UNIT for index in range(6)})
        (one,) = _configurations(_task(space, Grid(default_levels=10)))
        assert all(float(str(value)) * 9 == pytest.approx(round(float(str(value)) * 9)) for value in one.values())


@given(size=st.integers(2, 2000), seed=st.integers(0, 2**32))
def test_permute_is_a_permutation(size: int, seed: int) -> None:
    keys = np.random.default_rng(seed).integers(0, 2**32, size=6, dtype=np.uint64)
    numbers = permute(np.arange(size, dtype=np.uint64), size=size, keys=keys)
    assert sorted(numbers.tolist()) == list(range(size))


class TestStart:
    def test_centre_with_defaults_comes_first_then_sobol(self) -> None:
        space = SearchSpace(
            parameters=(*HARTMANN_SPACE.parameters[:5], Parameter(name="known", domain=UNIT, default=0.9))
        )
        task = _task(space, Auto(), count=5)
        assert not task.needs_model()
        configurations = _configurations(task)
        assert configurations[0] == {**{f"x{index}": 0.5 for index in range(5)}, "known": 0.9}
        assert _distinct(configurations) == 5
        assert {one.origin for one in task.run().suggestions} == {Origin.START}

    def test_one_by_one_and_at_once_are_the_same(self) -> None:
        together = _configurations(_task(HARTMANN_SPACE, Auto(), count=5, seed=2))
        pending: list[Configuration] = []
        for _ in range(5):
            pending += _configurations(_task(HARTMANN_SPACE, Auto(), pending=pending, seed=2))
        assert pending == together

    @pytest.mark.parametrize(("algorithm", "start"), [(Auto(), 5), (Bayesian(start_trials=9), 9)], ids=str)
    def test_model_comes_in_after_the_start(self, algorithm: Algorithm, start: int) -> None:
        tried = _configurations(_task(HARTMANN_SPACE, Sobol(), count=start))
        assert not _task(HARTMANN_SPACE, algorithm, tried=tried[:-1]).needs_model()
        assert _task(HARTMANN_SPACE, algorithm, tried=tried[:-1], count=2).needs_model()
        assert _task(HARTMANN_SPACE, algorithm, tried=tried[:-1], pending=tried[-1:]).needs_model()

    def test_start_goes_on_while_nothing_has_a_value(self) -> None:
        tried = _configurations(_task(HARTMANN_SPACE, Sobol(), count=20))
        assert not _task(HARTMANN_SPACE, Auto(), pending=tried).needs_model()
        failed = [Observation(parameters=one, outcome=Outcome.FAILED) for one in tried]
        task = task_of(problem_of(HARTMANN_SPACE), failed)
        assert not task.needs_model()
        assert task.run().suggestions[0].origin is Origin.START


def test_left_over_is_found_where_draws_are_hopeless() -> None:
    # A log scale gives the value 1 a cell that hardly any draw misses.
    space = space_of(units=IntDomain(min=1, max=10_000, scale=Scale.LOG))
    task = _task(space, Random(), tried=[{"units": unit} for unit in range(1, 10_000)])
    assert _configurations(task) == [{"units": 10_000}]


def test_novelty_counts_levels_that_nobody_lists() -> None:
    space = space_of(units=IntDomain(min=0, max=2**50))
    task = _task(space, Random(), tried=[{"units": 5}])
    novelty = Novelty(task, region_of(space))
    chosen = novelty.choose([{"units": 5}] * 100, seed=(1,))
    assert chosen != {"units": 5}
    assert chosen is not None
    assert 0 <= int(str(chosen["units"])) <= 2**50


def test_the_samplers_without_a_model_import_no_torch() -> None:
    code = (
        "import sys; import asktell_server.engine.workers.pool; "
        "from tests.unit.engine.test_samplers import _task, SMALL, Auto; "
        "_task(SMALL, Auto(), count=5).run(); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
