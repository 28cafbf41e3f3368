"""Expected hypervolume improvement and feasibility: against BoTorch's, against differences, and in batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from botorch.acquisition.analytic import LogConstrainedExpectedImprovement
from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior
from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal
from scipy.stats import norm

from asktell_server.domain import pareto
from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.expected_improvement import LogExpectedImprovement
from asktell_server.engine.bayes.feasibility import Limit, LogFeasible
from asktell_server.engine.bayes.hypervolume import LogExpectedHypervolumeImprovement
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector

POINTS = 32


class _Given(Model):
    """Independent normals with given moments (n x m): point i is the input i."""

    def __init__(self, mean: Matrix, variance: Matrix) -> None:
        super().__init__()
        self._mean, self._variance = torch.from_numpy(mean), torch.from_numpy(variance)

    @property
    def num_outputs(self) -> int:
        return self._mean.shape[1]

    def posterior(self, X: torch.Tensor, **_: Any) -> GPyTorchPosterior:  # noqa: N803  # BoTorch's name
        at = X[..., 0].long().squeeze(-1)
        normals = [
            MultivariateNormal(self._mean[at, column, None], self._variance[at, column, None, None])
            for column in range(self.num_outputs)
        ]
        one = len(normals) == 1
        return GPyTorchPosterior(normals[0] if one else MultitaskMultivariateNormal.from_independent_mvns(normals))


def _moments(metrics: int, seed: int = 0) -> tuple[Matrix, Matrix]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-1.5, 1.5, (POINTS, metrics)), rng.uniform(1e-3, 0.5, (POINTS, metrics))


def _apart(mean: Matrix, variance: Matrix) -> list[Moments]:
    return [Moments(mean[:, column], variance[:, column]) for column in range(mean.shape[1])]


def _front(size: int, metrics: int) -> Matrix:
    """A front of that size: points on a sphere around the worst corner."""
    points = np.abs(np.random.default_rng(size).standard_normal((size, metrics)))
    return 1.0 - 2.0 * points / np.linalg.norm(points, axis=1, keepdims=True)


def _inputs() -> torch.Tensor:
    return torch.arange(POINTS, dtype=torch.double)[:, None, None]


@pytest.mark.parametrize("metrics", [2, 3])
@pytest.mark.parametrize("size", [0, 1, 20])
def test_values_are_those_of_botorch(metrics: int, size: int) -> None:
    front, reference = _front(size, metrics) if size else np.empty((0, metrics)), np.full(metrics, 1.1)
    mean, variance = _moments(metrics)
    boxes = FastNondominatedPartitioning(ref_point=torch.from_numpy(-reference), Y=torch.from_numpy(-front))
    model = _Given(-mean, variance)
    expected = ExpectedHypervolumeImprovement(model, (-reference).tolist(), boxes)(_inputs()).detach().numpy()
    ours = LogExpectedHypervolumeImprovement(front, reference).scores(_apart(mean, variance))
    sound = expected > 1e-8  # plain differences are rounding alone below
    assert sound.sum() > POINTS // 3
    assert ours[sound] == pytest.approx(np.log(expected[sound]), abs=1e-6)


def _differences(acquisition: Acquisition, mean: Matrix, variance: Matrix) -> Matrix:
    """Slopes by each mean and each variance (n x 2m), by central differences."""
    columns = []
    for of, step in ((0, 1e-5), (1, 1e-7)):
        for column in range(mean.shape[1]):
            scores = []
            for sign in (1.0, -1.0):
                moved = [mean.copy(), variance.copy()]
                moved[of][:, column] += sign * step
                scores.append(acquisition.scores(_apart(*moved)))
            columns.append((scores[0] - scores[1]) / (2 * step))
    return np.stack(columns, axis=1)


def _with_gradient(acquisition: Acquisition, mean: Matrix, variance: Matrix) -> tuple[Vector, Matrix]:
    """Scores and slopes by each mean and each variance: as if each were a column of the space."""
    metrics = mean.shape[1]
    directions = np.repeat(np.eye(2 * metrics)[:, None, :], len(mean), axis=1)
    slopes = [
        Slopes(mean[:, column], variance[:, column], directions[column], directions[metrics + column])
        for column in range(metrics)
    ]
    return acquisition.scores_with_gradient(slopes)


@pytest.mark.parametrize(
    ("metrics", "acquisition"),
    [
        (2, LogExpectedHypervolumeImprovement(_front(20, 2), np.full(2, 1.1))),
        (3, LogExpectedHypervolumeImprovement(_front(12, 3), np.full(3, 1.1))),
        (
            2,
            LogFeasible(
                LogExpectedImprovement(-0.5), 1, [Limit(place=1, cost=0.2), Limit(place=1, cost=-2.0, above=True)]
            ),
        ),
        (2, LogFeasible(None, 0, [Limit(place=0, cost=0.2), Limit(place=1, cost=-0.1)])),
        (
            2,
            LogFeasible(
                LogExpectedHypervolumeImprovement(_front(5, 2), np.full(2, 1.1)),
                2,
                [Limit(place=0, cost=0.3, above=True)],
            ),
        ),
    ],
    ids=["two", "three", "constrained", "only feasible", "two constrained"],
)
def test_gradients_are_the_slopes_of_the_scores(metrics: int, acquisition: Acquisition) -> None:
    mean, variance = _moments(metrics)
    scores, gradient = _with_gradient(acquisition, mean, variance)
    assert scores == pytest.approx(acquisition.scores(_apart(mean, variance)), abs=1e-12)
    assert gradient == pytest.approx(_differences(acquisition, mean, variance), rel=2e-4, abs=2e-4)


def test_far_behind_the_front_numbers_stay_finite() -> None:
    acquisition = LogExpectedHypervolumeImprovement(_front(30, 2), np.full(2, 1.1))
    mean, variance = np.full((3, 2), 40.0), np.full((3, 2), 1e-6)
    scores, gradient = _with_gradient(acquisition, mean, variance)
    assert (scores < -1e6).all()
    assert np.isfinite([*scores, *gradient.ravel()]).all()
    assert (gradient[:, :2] < 0).all()  # lower means are better


def test_the_improvement_is_the_volume_where_all_is_certain() -> None:
    front, reference = _front(15, 3), np.full(3, 1.1)
    mean = np.random.default_rng(3).uniform(-1.0, 0.5, (POINTS, 3))
    exact = [pareto.hypervolume(np.vstack([front, row]), reference) for row in mean]
    gains = np.array(exact) - pareto.hypervolume(front, reference)
    scores = LogExpectedHypervolumeImprovement(front, reference).scores(_apart(mean, np.full_like(mean, 1e-12)))
    assert np.exp(scores) == pytest.approx(gains, abs=1e-5)


def test_a_believed_point_joins_the_front_unless_it_breaks_a_limit() -> None:
    front, reference = _front(5, 2), np.full(2, 1.1)
    acquisition = LogExpectedHypervolumeImprovement(front, reference)
    at = [Moments(np.array([-1.2]), np.array([0.01])), Moments(np.array([-1.2]), np.array([0.01]))]
    certain = [Moments(each.mean, np.array([1e-12])) for each in at]
    assert acquisition.scores(certain)[0] > -5
    assert acquisition.believing(lambda: at).scores(certain)[0] < -10
    behind = [Moments(np.array([1.0]), np.array([0.01]))] * 2
    assert acquisition.believing(lambda: behind) is acquisition
    kept, broken = Limit(place=0, cost=0.0), Limit(place=0, cost=-2.0)
    assert LogFeasible(acquisition, 2, [kept]).believing(lambda: at).scores(certain)[0] < -10
    before = LogFeasible(acquisition, 2, [broken])
    assert before.believing(lambda: at).scores(certain) == pytest.approx(before.scores(certain))


def test_constrained_improvement_is_that_of_botorch() -> None:
    mean, variance = _moments(2, seed=1)
    model = _Given(mean, variance)
    theirs = LogConstrainedExpectedImprovement(
        model, best_f=-0.4, objective_index=0, constraints={1: (None, 0.3)}, maximize=False
    )
    ours = LogFeasible(LogExpectedImprovement(-0.4), 1, [Limit(place=1, cost=0.3)]).scores(_apart(mean, variance))
    assert ours == pytest.approx(theirs(_inputs()).detach().numpy(), rel=1e-6, abs=1e-6)


def test_without_a_feasible_point_it_is_the_probability_of_feasibility() -> None:
    mean, variance = _moments(2, seed=2)
    limits = [Limit(place=0, cost=0.5), Limit(place=1, cost=-0.2, above=True)]
    ours = LogFeasible(None, 0, limits).scores(_apart(mean, variance))
    deviation = np.sqrt(variance)
    expected = norm.cdf((0.5 - mean[:, 0]) / deviation[:, 0]) * norm.cdf((mean[:, 1] + 0.2) / deviation[:, 1])
    assert np.exp(ours) == pytest.approx(expected, abs=1e-9)


def test_an_inferred_reference_is_that_of_botorch() -> None:
    for front in (_front(9, 3), _front(1, 2)):
        theirs = -infer_reference_point(torch.from_numpy(-front)).numpy()
        assert pareto.inferred_reference(front) == pytest.approx(theirs, abs=1e-12)
