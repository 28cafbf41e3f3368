"""The search of the acquisition function: compared with looking at every point."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement

from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    FloatDomain,
    IntDomain,
    Scale,
    SearchSpace,
)
from asktell_server.engine.bayes.acquisition import Scorer
from asktell_server.engine.bayes.batch import greedy
from asktell_server.engine.bayes.expected_improvement import CATEGORICAL_MARGIN, aim
from asktell_server.engine.bayes.expected_improvement import LogExpectedImprovement as ExpectedImprovement
from asktell_server.engine.bayes.fit import fit
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.model import LeanModel
from asktell_server.engine.bayes.raw_points import raw_points
from asktell_server.engine.bayes.search import Search
from asktell_server.engine.bayes.surrogates import Surrogates
from asktell_server.engine.bayes.taken import NEAR, Taken
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.space.region import Region, region_of
from asktell_server.engine.space.warp import Points
from tests.unit.engine.problems import HARTMANN_SPACE, MIXED_SPACE, UNIT, space_of

LEVELS = space_of(
    a=IntDomain(min=0, max=9),
    b=DiscreteDomain(values=(1.0, 2.0, 4.0, 8.0, 16.0)),
    c=CategoricalDomain(values=tuple("uvwxyz")),
    d=BoolDomain(),
    e=FloatDomain(min=0.0, max=1.0, step=0.1),
)
LADDERS = space_of(a=IntDomain(min=0, max=99), b=IntDomain(min=1, max=200, scale=Scale.LOG))


def _surrogate(space: SearchSpace, *, count: int = 25, seed: int = 0) -> tuple[Region, GaussianProcess, Points, float]:
    region = region_of(space)
    encoding = region.encoding
    rng = np.random.default_rng(seed)
    x = encoding.spread(rng.random((count, encoding.dimension)))
    scale = np.array(
        [
            getattr(column, "count", 2) - 1 if index in encoding.categorical else 1
            for index, column in enumerate(encoding.columns)
        ]
    )
    y = np.sin(5 * x / scale + np.arange(encoding.dimension)).sum(axis=1)
    y = (y - y.mean()) / y.std()
    data = Data(x=x, y=y, noise=np.zeros(count), layout=Layout.of(encoding))
    return region, GaussianProcess(data, fit(data, warm=None, cold=True)), x, float(y.min())


def _scorer(surrogate: GaussianProcess, best: float) -> Scorer:
    return Scorer(Surrogates([surrogate]), ExpectedImprovement(best))


@pytest.mark.parametrize("space", [LEVELS, LADDERS], ids=["levels", "ladders"])
@pytest.mark.parametrize("seed", range(3))
def test_finds_what_looking_everywhere_finds(space: SearchSpace, seed: int) -> None:
    region, surrogate, tried, best = _surrogate(space, seed=seed)
    scorer = _scorer(surrogate, best)
    taken = Taken(tried, region.encoding)
    everything = taken.free(region.everything())
    highest = float(scorer.scores(everything).max())
    raw = raw_points(region, np.random.default_rng(seed), centres=tried[:4])
    found = Search(region).maximize(scorer, raw, taken)
    assert found is not None
    assert not taken.near(found.point)
    assert found.value >= highest - 0.05


@pytest.mark.parametrize("space", [HARTMANN_SPACE, MIXED_SPACE, LEVELS], ids=["hartmann", "mixed", "levels"])
def test_refines_raw_points_and_ends_on_configurations(space: SearchSpace) -> None:
    region, surrogate, tried, best = _surrogate(space)
    scorer = _scorer(surrogate, best)
    raw = raw_points(region, np.random.default_rng(1), centres=tried[:4])
    found = Search(region).maximize(scorer, raw, Taken(tried, region.encoding))
    assert found is not None
    assert found.value >= float(scorer.scores(Taken(tried, region.encoding).free(raw)).max())
    assert np.array_equal(region.repair(found.point[None, :])[0], found.point)
    reference = LogExpectedImprovement(LeanModel(surrogate), best_f=best, maximize=False)
    with torch.no_grad():
        assert found.value == pytest.approx(float(reference(torch.from_numpy(found.point[None, :]))), abs=1e-6)


def test_nothing_is_found_where_all_is_taken() -> None:
    region, surrogate, _, best = _surrogate(space_of(a=IntDomain(min=0, max=2), b=BoolDomain()), count=6)
    everything = region.everything()
    scorer = _scorer(surrogate, best)
    assert Search(region).maximize(scorer, everything, Taken(everything, region.encoding)) is None
    found = Search(region).maximize(scorer, everything, Taken(everything[1:], region.encoding))
    assert found is not None
    assert np.array_equal(found.point, everything[0])


def test_taken_points_are_recognised_whatever_formula_they_come_from() -> None:
    region = region_of(LADDERS)
    points = region.everything()
    taken = Taken(region.encoding.encode([*map(region.encoding.decode, points[::2])]), region.encoding)
    assert len(taken.free(points)) == len(points) // 2
    assert len(Taken(points[:0], region.encoding).free(np.concatenate([points, points]))) == len(points)


def test_what_differs_by_less_than_a_trial_is_worth_is_near() -> None:
    region = region_of(MIXED_SPACE)
    encoding = region.encoding
    point = encoding.centre()
    taken = Taken(point[None, :], encoding)
    assert taken.near(point)
    continuous, category = encoding.continuous[0], encoding.categorical[0]
    for column, step, near in (
        (continuous, 0.9 * NEAR, True),
        (continuous, 1.1 * NEAR, False),
        (category, 1.0, False),
    ):
        other = point.copy()
        other[column] += step
        assert taken.near(other) == near
    assert not Taken(point[None, :], encoding, near=0.0).near(
        point + np.where(np.arange(len(point)) == continuous, 1e-6, 0)
    )


def test_a_point_near_a_taken_one_is_moved_as_far_as_it_has_to_be() -> None:
    region = region_of(space_of(x=UNIT, y=UNIT, flag=BoolDomain()))
    tried = np.array([[0.5, 0.5, 0.0], [0.503, 0.5, 0.0], [0.0, 0.0, 1.0]])
    taken = Taken(tried, region.encoding)
    cleared = taken.cleared(np.array([0.501, 0.5001, 0.0]))
    assert not taken.near(cleared)
    assert np.abs(cleared - tried[0]).max() < 5 * NEAR
    assert cleared[2] == 0.0
    assert taken.near(taken.cleared(tried[2])), "it cannot be told where to move from the very same point"


@pytest.mark.parametrize("space", [HARTMANN_SPACE, MIXED_SPACE], ids=["hartmann", "mixed"])
def test_what_is_found_is_near_to_nothing_that_was_tried(space: SearchSpace) -> None:
    region, surrogate, tried, best = _surrogate(space)
    scorer = _scorer(surrogate, best)
    raw = raw_points(region, np.random.default_rng(1), centres=tried[:4])
    everywhere = Search(region).maximize(scorer, raw, Taken(tried, region.encoding))
    assert everywhere is not None
    beside = everywhere.point.copy()
    beside[region.encoding.continuous[0]] -= NEAR / 4
    taken = Taken(np.concatenate([tried, beside[None, :]]), region.encoding)
    found = Search(region).maximize(scorer, raw, taken)
    assert found is not None
    assert not taken.near(found.point)
    assert everywhere.value - 0.1 <= found.value <= everywhere.value, "it is a step aside and not another region"


def test_where_all_is_near_to_something_the_best_of_it_is_found() -> None:
    region, surrogate, _, best = _surrogate(space_of(a=IntDomain(min=0, max=2000)), count=6)
    points = region.repair(np.linspace(0, 1, 2001)[:, None])
    taken = Taken(points[::2], region.encoding)
    found = Search(region).maximize(_scorer(surrogate, best), points, taken)
    assert found is not None
    assert taken.near(found.point)
    assert len(taken.free(found.point[None, :])) == 1


def test_raw_points_are_configurations_all_over_and_around_the_centres() -> None:
    region = region_of(MIXED_SPACE)
    centre = region.encoding.centre()[None, :]
    points = raw_points(region, np.random.default_rng(0), centres=centre)
    assert points.shape == (640, 8)
    assert region.contains(points).all()
    momentum = points[512:, 1]
    assert np.abs(momentum - 0.5).max() < 0.5
    assert np.median(np.abs(momentum - 0.5)) < 0.05
    pair = region_of(space_of(a=BoolDomain()))
    assert len(raw_points(pair, np.random.default_rng(0), centres=np.zeros((1, 1)))) == 2


def test_greedy_is_believing_one_by_one() -> None:
    region, surrogate, _, best = _surrogate(space_of(x=UNIT, y=UNIT))
    points = region.sample(np.random.default_rng(3).random((60, 2)))
    chosen = list(greedy(Surrogates([surrogate]), ExpectedImprovement(best), points, most=5))
    believing, left = surrogate, Taken(points[:0], region.encoding)
    for found in chosen:
        points = left.free(points)
        scores = _scorer(believing, best).scores(points)
        assert found.value == pytest.approx(float(scores.max()), abs=1e-5)
        assert np.array_equal(found.point, points[int(scores.argmax())])
        believing = believing.believe(found.point[None, :])
        left.add(found.point)


@pytest.mark.parametrize("kind", ["ints", "categories"])
def test_many_discrete_columns_are_settled_a_few_at_a_time(kind: str) -> None:
    domain = IntDomain(min=0, max=9) if kind == "ints" else CategoricalDomain(values=tuple("abcde"))
    space = space_of(**{f"p{index}": domain for index in range(40)})
    region, surrogate, tried, best = _surrogate(space, count=60)
    scorer = _scorer(surrogate, best)
    raw = raw_points(region, np.random.default_rng(1), centres=tried[:4])
    found = Search(region).maximize(scorer, raw, Taken(tried, region.encoding))
    assert found is not None
    around = np.repeat(found.point[None, :], 40 * 10, axis=0)
    for index, column in enumerate(region.encoding.columns):
        around[index * 10 : index * 10 + column.count, index] = column.coordinates(np.arange(column.count))  # type: ignore[union-attr]
    assert found.value > float(scorer.scores(raw).max()) + 0.1
    assert (
        found.value >= float(scorer.scores(Taken(tried, region.encoding).free(around)).max()) - 0.05
    )  # no single change helps


def test_a_gain_has_to_be_worth_a_margin_where_all_parameters_are_categories() -> None:
    categories = Layout(numeric=(), categorical=(0, 1), counts=(3, 4))
    assert aim(-1.0, categories) == -1.0 - CATEGORICAL_MARGIN
    for numbers in (Layout(numeric=(0, 1)), Layout(numeric=(1,), categorical=(0,), counts=(3,))):
        assert aim(-1.0, numbers) == -1.0
