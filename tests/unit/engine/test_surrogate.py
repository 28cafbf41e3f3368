"""The model: BoTorch's numbers to the sixth digit, a fit that finds the mode, beliefs that change variances only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from botorch.acquisition import LogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.analytic import _log_ei_helper
from botorch.sampling import SobolQMCNormalSampler
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.settings import max_cholesky_size

from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.acquisition import Scorer
from asktell_server.engine.bayes.expected_improvement import LogExpectedImprovement as ExpectedImprovement
from asktell_server.engine.bayes.expected_improvement import log_h
from asktell_server.engine.bayes.fit import COARSE, Loss, fit
from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.layout import MIN_NOISE, NOISE_PRIOR, WEIGHT_PRIOR, Layout, lengthscale_prior
from asktell_server.engine.bayes.model import LeanModel
from asktell_server.engine.bayes.surrogates import Surrogates
from asktell_server.engine.bayes.threads import one_thread
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.space.warp import Points
from tests.unit.engine.problems import BRANIN_SPACE, HARTMANN_SPACE, problem_of
from tests.unit.engine.reference import exact_process, like, log_density

LAYOUTS = {
    "numbers": Layout(numeric=(0, 1, 2, 3)),
    "one category": Layout(numeric=(0, 1, 2), categorical=(3,), counts=(3,)),
    "both": Layout(numeric=(0, 3), categorical=(1, 2), counts=(3, 3)),
    "categories": Layout(numeric=(), categorical=(0, 1, 2, 3), counts=(3, 3, 3, 3)),
}
KINDS = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


def _data(layout: Layout, *, count: int = 40, noise: float = 0.0, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.random((count, 4))
    for column in layout.categorical:
        x[:, column] = rng.integers(0, 3, count)
    y = np.sin(4 * x[:, 0]) + x[:, 1] ** 2 + np.cos(2 * x[:, 2]) * (1 + x[:, 3])
    known = noise * rng.random(count)
    return Data(x=x, y=(y - y.mean()) / y.std(), noise=known, layout=layout)


def _points(layout: Layout, *, count: int = 15) -> Points:
    return _data(layout, count=count, seed=1).x


def _vector(layout: Layout, *, noise: float = 0.003) -> npt.NDArray[np.float64]:
    scales = np.linspace(0.3, 1.4, 4)
    return np.array([noise, *scales, *([0.2, 0.5, 0.7] if layout.mixed else [])])


class TestEqualToSingleTaskGP:
    """With equal hyperparameters."""

    @KINDS
    @pytest.mark.parametrize("noise", [0.0, 0.05], ids=["no noise", "known noise"])
    @pytest.mark.parametrize("count", [20, 300])
    def test_moments(self, layout: Layout, noise: float, count: int) -> None:
        surrogate = GaussianProcess(_data(layout, noise=noise, count=count), _vector(layout))
        points = np.concatenate([_points(layout), surrogate.data.x[:5]])
        with torch.no_grad():
            posterior = like(surrogate).posterior(torch.from_numpy(points))
        mean, variance = surrogate.moments(points)
        assert mean == pytest.approx(posterior.mean.squeeze(-1).numpy(), abs=1e-6)
        assert variance == pytest.approx(posterior.variance.squeeze(-1).numpy(), abs=1e-6)
        joint_mean, covariance = surrogate.covariance(points)
        assert joint_mean == pytest.approx(mean, abs=1e-12)
        assert covariance == pytest.approx(posterior.distribution.covariance_matrix.numpy(), abs=1e-6)
        rough_mean, rough_variance = surrogate.rough_moments(points)
        assert rough_mean == pytest.approx(mean, abs=1e-12)
        assert rough_variance == pytest.approx(variance, abs=5e-3)

    @KINDS
    @pytest.mark.parametrize("count", [20, 300])
    def test_acquisition_and_gradient(self, layout: Layout, count: int) -> None:
        surrogate = GaussianProcess(_data(layout, count=count), _vector(layout))
        best = float(surrogate.data.y.min())
        points = np.concatenate([_points(layout), surrogate.data.x[:5] + 1e-3 * np.isin(range(4), layout.numeric)])
        x = torch.from_numpy(points).unsqueeze(1).requires_grad_()
        reference = LogExpectedImprovement(
            like(surrogate), best_f=torch.tensor(best, dtype=torch.float64), maximize=False
        )(x)
        scorer = Scorer(Surrogates([surrogate]), ExpectedImprovement(best))
        assert scorer.scores(points) == pytest.approx(reference.detach().numpy(), rel=1e-6, abs=1e-6)
        if layout.numeric:
            (expected,) = torch.autograd.grad(reference.sum(), x)
            values, gradient = scorer.scores_with_gradient(points)
            assert values == pytest.approx(reference.detach().numpy(), rel=1e-6, abs=1e-6)
            expected_along = expected.squeeze(1).numpy()[:, list(layout.numeric)]
            assert gradient == pytest.approx(expected_along, rel=1e-6, abs=1e-6 * np.abs(expected_along).max())

    @KINDS
    def test_botorchs_view_of_it(self, layout: Layout) -> None:
        surrogate = GaussianProcess(_data(layout), _vector(layout))
        model, reference = LeanModel(surrogate), like(surrogate)
        x = torch.from_numpy(_points(layout, count=12)).reshape(4, 3, 4).requires_grad_()
        ours, theirs = model.posterior(x), reference.posterior(x)
        for one, other in (
            (ours.mean, theirs.mean),
            (ours.variance, theirs.variance),
            (ours.distribution.covariance_matrix, theirs.distribution.covariance_matrix),
            (model.posterior(x, observation_noise=True).variance, theirs.variance + surrogate.noise),
        ):
            assert torch.allclose(one, other, atol=1e-6)
        if layout.numeric:
            one, other = (torch.autograd.grad((p.mean + p.variance).sum(), x)[0] for p in (ours, theirs))
            assert torch.allclose(one[..., list(layout.numeric)], other[..., list(layout.numeric)], atol=1e-6)

    def test_botorchs_sampled_acquisition_takes_it(self) -> None:
        surrogate = GaussianProcess(_data(LAYOUTS["both"]), _vector(LAYOUTS["both"]))
        values = []
        for model in (LeanModel(surrogate), like(surrogate)):
            function = qLogNoisyExpectedImprovement(
                model,
                X_baseline=torch.from_numpy(surrogate.data.x),
                sampler=SobolQMCNormalSampler(torch.Size([64]), seed=0),
                prune_baseline=False,
                cache_root=False,
            )
            with torch.no_grad():
                values.append(function(torch.from_numpy(_points(LAYOUTS["both"], count=12)).reshape(6, 2, 4)))
        assert torch.allclose(values[0], values[1], atol=1e-4)

    @KINDS
    @pytest.mark.parametrize("seed", range(3))
    def test_fit_objective_and_gradient(self, layout: Layout, seed: int) -> None:
        data = _data(layout, seed=seed)
        rng = np.random.default_rng(seed)
        vectors = [_vector(layout) * np.exp(0.5 * rng.standard_normal(layout.parameter_count)) for _ in range(2)]
        ours = [Loss(data)(np.log(vector)) for vector in vectors]
        theirs = [_log_posterior(data, vector) for vector in vectors]
        assert ours[0][0] - ours[1][0] == pytest.approx(theirs[0][0] - theirs[1][0], abs=1e-6)  # up to a constant
        for (_, gradient), (_, expected), vector in zip(ours, theirs, vectors, strict=True):
            assert gradient / vector == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(expected).max())


_FROM_HIGH_TO_LOW = [
    np.inf,
    1e200,
    9.0,
    0.3,
    0.0,
    -0.9999,
    np.nextafter(-1, 0),
    -1.0,
    -1.01,
    -30.0,
    -1e6,
    -1.1e6,
    -1e9,
    -np.inf,
]


@pytest.mark.parametrize("u", [_FROM_HIGH_TO_LOW[:7], _FROM_HIGH_TO_LOW[7:], _FROM_HIGH_TO_LOW, [np.nan, 0.0]])
def test_log_improvement_is_that_of_botorch_to_the_last_bit(u: list[float]) -> None:
    improvement = np.array(u)
    assert np.array_equal(log_h(improvement), _log_ei_helper(torch.from_numpy(improvement)).numpy(), equal_nan=True)
    spread = np.random.default_rng(0).normal(-1, 4, size=(40, 9))
    assert np.array_equal(log_h(spread), _log_ei_helper(torch.from_numpy(spread)).numpy())


def _log_posterior(data: Data, vector: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
    """GPyTorch's negative log posterior density and its gradient by the hyperparameters, in the vector's order."""
    surrogate = GaussianProcess(data, vector)
    process = exact_process(data, vector, mean=surrogate.mean).train()
    likelihood = ExactMarginalLogLikelihood(process.likelihood, process)
    loss = -likelihood(process(*process.train_inputs), process.train_targets) * len(data.y)
    kernel, layout = process.covar_module, data.layout
    scalers = list(kernel.kernels) if layout.mixed else []
    parts = list(scalers[2].base_kernel.kernels) if layout.mixed else [kernel]
    loss = loss - log_density(NOISE_PRIOR, process.likelihood.noise)
    for part in parts:
        loss = loss - log_density(lengthscale_prior(layout.dimension), part.lengthscale)
    for scaler in scalers:
        loss = loss - log_density(WEIGHT_PRIOR, scaler.outputscale)
    loss.backward()
    gradient = np.empty_like(vector)
    gradient[0] = process.likelihood.noise_covar.raw_noise.grad.item()
    for part in parts:
        slope = _softplus_slope(part.raw_lengthscale.detach().squeeze(0).numpy())
        gradient[1 + part.active_dims.numpy()] = part.raw_lengthscale.grad.squeeze(0).numpy() / slope
    for place, scaler in enumerate(scalers):
        slope = _softplus_slope(scaler.raw_outputscale.detach().numpy())
        gradient[place - 3] = scaler.raw_outputscale.grad.item() / slope
    return float(loss.detach()), gradient


def _softplus_slope(raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-raw))


@KINDS
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_fitted_model_predicts_what_it_has_not_seen(layout: Layout, noise: float) -> None:
    data, test = _data(layout, noise=noise), _data(layout, count=200, seed=2)
    surrogate = GaussianProcess(data, fit(data, warm=None, cold=True))
    mean, variance = surrogate.moments(data.x)
    assert np.abs(mean - data.y).mean() < 0.3
    assert surrogate.observed_means() == pytest.approx(mean, abs=1e-8)
    assert (variance > -1e-9).all()
    assert np.corrcoef(surrogate.moments(test.x)[0], test.y)[0, 1] > 0.8


@KINDS
def test_hyperparameters_make_the_same_model_again(layout: Layout) -> None:
    data = _data(layout)
    vector = fit(data, warm=None, cold=True)
    assert len(vector) == layout.parameter_count
    first, second = GaussianProcess(data, vector), GaussianProcess(data, vector.copy())
    for one, other in zip(first.moments(_points(layout)), second.moments(_points(layout)), strict=True):
        assert np.array_equal(one, other)


@KINDS
def test_a_warm_fit_ends_where_the_cold_one_did(layout: Layout) -> None:
    data = _data(layout)
    with one_thread():
        cold = GaussianProcess(data, fit(data, warm=None, cold=True))
        again = GaussianProcess(data, fit(data, warm=cold.hyperparameters, cold=False))
    assert again.moments(_points(layout))[0] == pytest.approx(cold.moments(_points(layout))[0], abs=0.05)


def test_a_wild_warm_start_is_held_within_bounds_and_mended_by_a_cold_one() -> None:
    data = _data(LAYOUTS["numbers"])
    for wild in (np.full(5, -1e9), np.full(5, 1e300)):
        assert np.isfinite(GaussianProcess(data, wild).moments(data.x)[0]).all()
        vector = fit(data, warm=wild, cold=True)
        assert vector[0] >= MIN_NOISE
        assert (np.abs(vector) < 100).all()


@KINDS
def test_believing_changes_variances_and_not_means(layout: Layout) -> None:
    data, points = _data(layout), _points(layout)
    surrogate = GaussianProcess(data, fit(data, warm=None, cold=True))
    believing = surrogate.believe(points[:3])
    (mean, variance), (mean_then, variance_then) = surrogate.moments(points), believing.moments(points)
    assert mean_then == pytest.approx(mean, abs=1e-8)
    assert (variance_then <= variance + 1e-9).all()
    assert (variance_then[:3] <= surrogate.noise + 1e-9).all()
    afresh = GaussianProcess(believing.data, believing.hyperparameters)
    assert variance_then == pytest.approx(afresh.moments(points)[1], abs=1e-8)
    assert surrogate.believe(points[:0]) is surrogate


def test_large_data_is_solved_exactly() -> None:
    surrogate = GaussianProcess(_data(LAYOUTS["numbers"], count=900), _vector(LAYOUTS["numbers"]))
    points = surrogate.data.x[:50]
    with torch.no_grad(), max_cholesky_size(1_000_000):
        expected = like(surrogate).posterior(torch.from_numpy(points)).mean.squeeze(-1).numpy()
    assert surrogate.moments(points)[0] == pytest.approx(expected, abs=1e-6)


class TestWarmStart:
    problem = problem_of(BRANIN_SPACE)
    vector = np.array([0.01, 0.3, 0.5, 0.7])

    def test_comes_back(self) -> None:
        data = warm_start.pack([self.vector], self.problem)
        back = warm_start.unpack(data, self.problem, count=4)
        assert back is not None
        assert [vector.tolist() for vector in back] == [self.vector.tolist()]

    def test_foreign_or_damaged_bytes_are_ignored(self) -> None:
        data = warm_start.pack([self.vector], self.problem)
        assert warm_start.unpack(data, problem_of(HARTMANN_SPACE), count=4) is None
        assert warm_start.unpack(data, self.problem, count=5) is None
        for spoilt in (b"", b"nonsense", data[:-1], data + b"x", bytes(len(data))):
            assert warm_start.unpack(spoilt, self.problem, count=4) is None
        for index in range(len(data)):
            flipped = bytes(byte ^ (place == index) for place, byte in enumerate(data))
            assert warm_start.unpack(flipped, self.problem, count=4) is None


def test_a_coarse_fit_takes_fewer_evaluations_and_ends_close(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = [0]
    evaluate = Loss.__call__

    def counted(loss: Loss, logs: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        counts[-1] += 1
        return evaluate(loss, logs)

    data = _data(LAYOUTS["numbers"], count=60)
    warm = fit(data.rows(np.arange(58)), warm=None, cold=True)
    monkeypatch.setattr(Loss, "__call__", counted)
    fine = fit(data, warm=warm, cold=False)
    counts.append(0)
    coarse = fit(data, warm=warm, cold=False, warm_gain=COARSE)
    assert counts[1] < counts[0]
    assert Loss(data)(np.log(coarse))[0] < Loss(data)(np.log(fine))[0] + 0.3
