"""The model: the kernel that was measured, a fit that finds the mode, beliefs that change variances only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from botorch.models import MixedSingleTaskGP
from botorch.models.kernels.categorical import CategoricalKernel
from gpytorch.kernels import MaternKernel
from torch import Tensor

from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.kernel import HammingKernel, MixtureKernel, lengthscale_prior, make_kernel
from asktell_server.engine.bayes.propose import handled_warnings, one_thread
from asktell_server.engine.bayes.surrogate import MIN_NOISE, Data, Surrogate, fit, parameter_count
from tests.unit.engine.problems import BRANIN_SPACE, HARTMANN_SPACE, problem_of


def _data(categorical: list[int], *, count: int = 40, noise: float = 0.0, seed: int = 0) -> Data:
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(rng.random((count, 4)))
    for column in categorical:
        x[:, column] = torch.from_numpy(rng.integers(0, 3, count).astype(np.float64))
    y = torch.sin(4 * x[:, 0]) + x[:, 1] ** 2 + torch.cos(2 * x[:, 2]) * (1 + x[:, 3])
    return Data(x=x, y=(y - y.mean()) / y.std(), noise=torch.full((count,), noise).to(x), categorical=categorical)


def _points(categorical: list[int]) -> Tensor:
    return _data(categorical, count=15, seed=1).x


KINDS = pytest.mark.parametrize("categorical", [[], [3], [1, 2], [0, 1, 2, 3]], ids=str)


@KINDS
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_fitted_model_predicts_what_it_has_not_seen(categorical: list[int], noise: float) -> None:
    data = _data(categorical, noise=noise)
    test = _data(categorical, count=200, seed=2)
    with handled_warnings():
        surrogate = Surrogate(data, fit(data, warm=None, cold=True))
    mean, variance = surrogate.moments(data.x)
    assert (mean - data.y).abs().mean() < 0.3
    assert (variance > -1e-9).all()
    assert torch.corrcoef(torch.stack([surrogate.moments(test.x)[0], test.y]))[0, 1] > 0.8


@KINDS
def test_hyperparameters_make_the_same_model_again(categorical: list[int]) -> None:
    data = _data(categorical)
    with handled_warnings():
        vector = fit(data, warm=None, cold=True)
    assert len(vector) == parameter_count(4, categorical)
    first, second = Surrogate(data, vector), Surrogate(data, vector.copy())
    for one, other in zip(first.moments(_points(categorical)), second.moments(_points(categorical)), strict=True):
        assert torch.equal(one, other)


@KINDS
def test_a_warm_fit_ends_where_the_cold_one_did(categorical: list[int]) -> None:
    data = _data(categorical)
    with handled_warnings(), one_thread():
        cold = Surrogate(data, fit(data, warm=None, cold=True))
        again = Surrogate(data, fit(data, warm=cold.hyperparameters, cold=False))
    assert again.moments(_points(categorical))[0].numpy() == pytest.approx(
        cold.moments(_points(categorical))[0].numpy(), abs=0.05
    )


def test_a_wild_warm_start_is_held_within_bounds_and_mended_by_a_cold_one() -> None:
    data = _data([])
    wild = np.full(parameter_count(4, []), -1e9)
    assert Surrogate(data, wild).moments(data.x)[0].isfinite().all()
    with handled_warnings():
        vector = fit(data, warm=wild, cold=True)
    assert vector[0] >= MIN_NOISE
    assert (np.abs(vector) < 100).all()


@KINDS
def test_believing_changes_variances_and_not_means(categorical: list[int]) -> None:
    data, points = _data(categorical), _points(categorical)
    with handled_warnings():
        surrogate = Surrogate(data, fit(data, warm=None, cold=True))
    believing = surrogate.believe(points[:3])
    (mean, variance), (mean_then, variance_then) = surrogate.moments(points), believing.moments(points)
    assert mean_then.numpy() == pytest.approx(mean.numpy(), abs=1e-8)
    assert (variance_then <= variance + 1e-9).all()
    assert (variance_then[:3] <= surrogate.noise + 1e-9).all()
    assert surrogate.believe(points[:0]) is surrogate


def test_hamming_kernel_is_botorchs_categorical_kernel() -> None:
    ours, theirs = HammingKernel([1, 3], lengthscale_prior(4)), CategoricalKernel(ard_num_dims=2, active_dims=(1, 3))
    scales = torch.tensor([[0.4, 2.0]])
    ours.lengthscale, theirs.lengthscale = scales, scales
    x = _points([1, 3]).float()
    with torch.no_grad():
        assert torch.allclose(ours(x, x[:5]).to_dense(), theirs(x, x[:5]).to_dense())
        assert torch.allclose(ours(x, diag=True), theirs(x, diag=True))
        assert torch.allclose(ours(x[:, None], x[:5]).to_dense(), theirs(x[:, None], x[:5]).to_dense())


def test_mixture_kernel_is_sum_plus_product_of_its_parts() -> None:
    mixture = make_kernel(4, [1, 3]).double()
    assert isinstance(mixture, MixtureKernel)
    x = _points([1, 3])
    with torch.no_grad():
        mixture.raw_weights.copy_(torch.tensor([0.2, 0.5, 0.7]))
        numbers, categories = mixture.numeric(x).to_dense(), mixture.categorical(x).to_dense()
        expected = 0.2 * numbers + 0.5 * categories + 0.7 * numbers * categories
        assert torch.allclose(mixture(x).to_dense(), expected)
        assert torch.allclose(mixture(x, diag=True), torch.diagonal(expected))
    theirs = MixedSingleTaskGP(x, x[:, :1], cat_dims=[1, 3])
    assert {type(module) for module in theirs.covar_module.modules()} >= {CategoricalKernel}


def test_numbers_alone_have_a_plain_matern_kernel() -> None:
    assert isinstance(make_kernel(3, []), MaternKernel)
    assert isinstance(make_kernel(2, [0, 1]), HammingKernel)


def test_large_data_is_solved_by_cholesky() -> None:
    data = _data([], count=900)
    vector = np.array([1e-3, 0.0, 1.0, 1.0, 1.0, 1.0])
    mean, _ = Surrogate(data, vector).moments(data.x[:50])
    kernel = make_kernel(4, []).double()
    kernel.lengthscale = torch.ones(1, 4)
    with torch.no_grad():
        covariance = kernel(data.x).to_dense()
        exact = covariance[:50] @ torch.linalg.solve(covariance + 1e-3 * torch.eye(900), data.y)
    assert mean.numpy() == pytest.approx(exact.numpy(), abs=1e-6)


class TestWarmStart:
    problem = problem_of(BRANIN_SPACE)
    vector = np.array([0.01, -0.3, 0.5, 0.7])

    def test_comes_back(self) -> None:
        data = warm_start.pack(self.vector, self.problem)
        back = warm_start.unpack(data, self.problem, count=4)
        assert back is not None
        assert back.tolist() == self.vector.tolist()

    def test_foreign_or_damaged_bytes_are_ignored(self) -> None:
        data = warm_start.pack(self.vector, self.problem)
        assert warm_start.unpack(data, problem_of(HARTMANN_SPACE), count=4) is None
        assert warm_start.unpack(data, self.problem, count=5) is None
        for spoilt in (b"", b"nonsense", data[:-1], data + b"x", bytes(len(data))):
            assert warm_start.unpack(spoilt, self.problem, count=4) is None
        for index in range(len(data)):
            flipped = bytes(byte ^ (place == index) for place, byte in enumerate(data))
            assert warm_start.unpack(flipped, self.problem, count=4) is None
