"""The model of the objective. The rest of the engine knows this interface and nothing of how it is computed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import gpytorch
import numpy as np
import numpy.typing as npt
import torch
from botorch.models import SingleTaskGP
from botorch.models.model import Model
from botorch.optim.fit import fit_gpytorch_mll_scipy
from gpytorch.constraints import GreaterThan
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from asktell_server.engine.bayes.kernel import make_kernel

Hyperparameters = npt.NDArray[np.float64]
"""Noise, mean, length scales and weights, in the order of the model's parameters."""

MIN_NOISE = 1e-4
COLD_STEPS = 75
WARM_STEPS = 15
_MIN_KNOWN_NOISE = 1e-6  # below it GPyTorch warns; the learned noise is added and dominates
_CHUNK = 128  # points whose joint covariance is computed at a time: cheaper than one by one, and than all at once


class ModelError(ArithmeticError):
    """The model gives no usable numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Training data: points (n x d), outputs (n), known noise variances (n), which columns hold categories."""

    x: Tensor
    y: Tensor
    noise: Tensor
    categorical: Sequence[int]

    def rows(self, index: npt.NDArray[np.int64]) -> Data:
        """Some of the data."""
        rows = torch.from_numpy(index)
        return Data(x=self.x[rows], y=self.y[rows], noise=self.noise[rows], categorical=self.categorical)

    def __add__(self, other: Data) -> Data:
        return Data(
            x=torch.cat([self.x, other.x]),
            y=torch.cat([self.y, other.y]),
            noise=torch.cat([self.noise, other.noise]),
            categorical=self.categorical,
        )


class Surrogate:
    """A Gaussian process with given hyperparameters, conditioned on data. `model` is BoTorch's view of it."""

    def __init__(self, data: Data, hyperparameters: Hyperparameters) -> None:
        self._data = data
        self.hyperparameters = hyperparameters
        gp = _gaussian_process(data)
        _load(gp, hyperparameters)
        gp.requires_grad_(False)
        self.model: Model = gp.eval()

    @property
    def noise(self) -> float:
        """The learned variance of an observation."""
        return float(self.hyperparameters[0])

    def moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means (n) and variances (n) of the noise-free objective at points (n x d)."""
        means, variances = [], []
        with torch.no_grad(), exact():
            for chunk in x.split(_CHUNK):
                posterior = self.model.posterior(chunk)
                means.append(posterior.mean.squeeze(-1))
                variances.append(posterior.variance.squeeze(-1))
        return torch.cat(means), torch.cat(variances)

    def covariance(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Means (n) and joint covariance (n x n) at points (n x d)."""
        with torch.no_grad(), exact():
            distribution = self.model.posterior(x).distribution
            return distribution.mean, distribution.covariance_matrix

    def lowest(self, count: int) -> Tensor:
        """The points (at most `count` x d) with the lowest outputs."""
        return self._data.x[torch.argsort(self._data.y, stable=True)[:count]]

    def believe(self, x: Tensor) -> Surrogate:
        """The model after its own mean has been observed at points (m x d): a kriging believer."""
        if not len(x):
            return self
        believed = Data(x=x, y=self.moments(x)[0], noise=torch.zeros(len(x)).to(x), categorical=self._data.categorical)
        return Surrogate(self._data + believed, self.hyperparameters)


def fit(data: Data, *, warm: Hyperparameters | None, cold: bool) -> Hyperparameters:
    """The hyperparameters of the highest posterior density (MAP) by L-BFGS.

    From `warm`, where it is given, in at most 15 steps; from the priors' modes in at most 75 where it is not, or
    where `cold` asks for it: then the better end wins.

    Raises:
        ModelError: no start led to finite numbers.
    """
    starts: list[tuple[Hyperparameters | None, int]] = []
    if warm is not None:
        starts.append((warm, WARM_STEPS))
    if cold or warm is None:
        starts.append((None, COLD_STEPS))
    ends = [_climb(data, start, steps) for start, steps in starts]
    loss, best = min(ends, key=lambda end: end[0])
    if not np.isfinite(loss):
        raise ModelError("the fit of the hyperparameters ended in no finite number")
    return best


def parameter_count(dimension: int, categorical: Sequence[int]) -> int:
    """The length of the vector of hyperparameters."""
    weights = 3 if 0 < len(categorical) < dimension else 0
    return 2 + dimension + weights


@contextlib.contextmanager
def exact() -> Iterator[None]:
    """Cholesky at any size: GPyTorch's iterative methods above 800 points are neither exact nor faster on a CPU."""
    with gpytorch.settings.max_cholesky_size(1_000_000):
        yield


def _climb(data: Data, start: Hyperparameters | None, steps: int) -> tuple[float, Hyperparameters]:
    gp = _gaussian_process(data)
    if start is not None:
        _load(gp, start)
    likelihood = ExactMarginalLogLikelihood(gp.likelihood, gp)
    likelihood.train()
    with exact():
        result = fit_gpytorch_mll_scipy(likelihood, options={"maxiter": steps, "ftol": 1e-7})
    end = _dump(gp)
    loss = float(result.fval)
    return (loss if np.isfinite(end).all() else float("inf")), end


def _gaussian_process(data: Data) -> SingleTaskGP:
    prior = LogNormalPrior(-4.0, 1.0)
    constraint = GreaterThan(MIN_NOISE, transform=None, initial_value=prior.mode)
    if bool((data.noise > 0).any()):
        likelihood = FixedNoiseGaussianLikelihood(
            noise=data.noise.clamp_min(_MIN_KNOWN_NOISE),
            learn_additional_noise=True,
            noise_prior=prior,
            noise_constraint=constraint,
        )
    else:
        likelihood = GaussianLikelihood(noise_prior=prior, noise_constraint=constraint)
    return SingleTaskGP(
        data.x,
        data.y.unsqueeze(-1),
        likelihood=likelihood,
        covar_module=make_kernel(data.x.shape[-1], data.categorical),
        outcome_transform=None,
    )


def _dump(gp: SingleTaskGP) -> Hyperparameters:
    vector: Hyperparameters = torch.cat([value.detach().reshape(-1) for value in gp.parameters()]).numpy()
    return vector


def _load(gp: SingleTaskGP, vector: Hyperparameters) -> None:
    """Sets the parameters, held within their bounds."""
    values = torch.from_numpy(vector)
    start = 0
    bounds = dict(_bounds(gp))
    with torch.no_grad():
        for name, parameter in gp.named_parameters():
            end = start + parameter.numel()
            value = values[start:end].reshape(parameter.shape)
            if name in bounds:
                value = value.clamp_min(bounds[name])
            parameter.copy_(value)
            start = end
    if start != len(vector):
        raise ValueError(f"the model has {start} hyperparameters, got {len(vector)}")


def _bounds(gp: SingleTaskGP) -> Iterator[tuple[str, float]]:
    for name, _, constraint in gp.named_parameters_and_constraints():
        if constraint is not None:
            yield name, float(constraint.lower_bound)
