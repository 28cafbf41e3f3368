"""Another acquisition function, and several metrics, need no change of search, batch or finder."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from asktell_server.engine.bayes.acquisition import Scorer
from asktell_server.engine.bayes.batch import greedy
from asktell_server.engine.bayes.finder import Finder
from asktell_server.engine.bayes.fit import fit
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.pursuit import Pursuit
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Surrogates, Vector
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.space.region import region_of
from tests.unit.engine.problems import MIXED_SPACE, UNIT, problem_of, space_of, task_of

SQUARE = space_of(x=UNIT, y=UNIT)
REGION = region_of(SQUARE)


class LowerBounds:
    """How low all metrics together may be, two deviations below their means."""

    def scores(self, moments: Sequence[Moments]) -> Vector:
        """See Acquisition."""
        scores: Vector = np.sum([2.0 * np.sqrt(one.variance) - one.mean for one in moments], axis=0)
        return scores

    def scores_with_gradient(self, slopes: Sequence[Slopes]) -> tuple[Vector, Matrix]:
        """See Acquisition."""
        gradients = [one.variance_gradient / np.sqrt(one.variance)[:, None] - one.mean_gradient for one in slopes]
        gradient: Matrix = np.sum(gradients, axis=0)
        return self.scores([Moments(one.mean, one.variance) for one in slopes]), gradient

    def believing(self, moments: Callable[[], Sequence[Moments]]) -> LowerBounds:
        """See Acquisition."""
        return self


def _process(optimum: tuple[float, float]) -> GaussianProcess:
    x = REGION.sample(np.random.default_rng(3).random((25, 2)))
    y = ((x - optimum) ** 2).sum(axis=1)
    data = Data(x=x, y=(y - y.mean()) / y.std(), noise=np.zeros(25), layout=Layout.of(REGION.encoding))
    return GaussianProcess(data, fit(data, warm=None, cold=True))


@pytest.fixture(scope="module")
def surrogates() -> Surrogates:
    """Two metrics that want different things."""
    return Surrogates([_process((0.2, 0.5)), _process((0.8, 0.5))])


def test_the_finder_serves_any_function_of_any_number_of_metrics(surrogates: Surrogates) -> None:
    pursuit = Pursuit(
        acquisition=LowerBounds(), surrogates=surrogates, centres=surrogates.lowest(4), hyperparameters=[]
    )
    found = Finder(task_of(problem_of(SQUARE)), REGION, pursuit).find(3)
    scores = Scorer(surrogates, LowerBounds()).scores(REGION.sample(np.random.default_rng(5).random((2000, 2))))
    assert found[0].value >= float(scores.max()) - 1e-3
    assert found[0].point == pytest.approx([0.5, 0.5], abs=0.15)
    assert len({one.point.tobytes() for one in found}) == 3


def test_a_batch_believes_in_every_metric(surrogates: Surrogates) -> None:
    points = REGION.sample(np.random.default_rng(7).random((60, 2)))
    believing = surrogates
    for found in greedy(surrogates, LowerBounds(), points, most=4):
        scores = Scorer(believing, LowerBounds()).scores(points)
        assert found.value == pytest.approx(scores[(points == found.point).all(axis=1)][0], abs=1e-5)
        believing = believing.believe(found.point[None, :])


def test_centres_are_taken_of_every_metric(surrogates: Surrogates) -> None:
    first, second = surrogates
    centres = surrogates.lowest(4)
    assert np.array_equal(centres, np.concatenate([first.lowest(2), second.lowest(2)]))


def test_the_gradient_is_the_slope_of_the_scores(surrogates: Surrogates) -> None:
    scorer = Scorer(surrogates, LowerBounds())
    points = np.random.default_rng(9).random((5, 2))
    _, gradient = scorer.scores_with_gradient(points)
    for column in range(2):
        step = np.eye(2)[column] * 1e-6
        slope = (scorer.scores(points + step) - scorer.scores(points - step)) / 2e-6
        assert gradient[:, column] == pytest.approx(slope, rel=1e-3, abs=1e-3)


def test_mixed_columns_have_gradients_along_the_numbers_only() -> None:
    region = region_of(MIXED_SPACE)
    x = region.sample(np.random.default_rng(1).random((30, 8)))
    y = x[:, 0] + (x[:, 5] == 1)
    data = Data(x=x, y=(y - y.mean()) / y.std(), noise=np.zeros(30), layout=Layout.of(region.encoding))
    surrogates = Surrogates([GaussianProcess(data, fit(data, warm=None, cold=True))])
    _, gradient = Scorer(surrogates, LowerBounds()).scores_with_gradient(x[:3])
    assert gradient.shape == (3, 5)
