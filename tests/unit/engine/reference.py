"""The same Gaussian process built from GPyTorch's and BoTorch's own parts."""

from __future__ import annotations

import gpytorch
import torch
from botorch.models import SingleTaskGP
from botorch.models.kernels.categorical import CategoricalKernel
from gpytorch.kernels import Kernel, MaternKernel, ScaleKernel
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from gpytorch.priors import LogNormalPrior
from torch import Tensor

from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.layout import Hyperparameters, LogNormal
from asktell_server.engine.bayes.training import Data


def exact_process(data: Data, hyperparameters: Hyperparameters, *, mean: float) -> SingleTaskGP:
    """BoTorch's SingleTaskGP with given hyperparameters, for evaluation."""
    x, y = torch.from_numpy(data.x), torch.from_numpy(data.y).unsqueeze(-1)
    noise = float(hyperparameters[0])
    likelihood: FixedNoiseGaussianLikelihood | GaussianLikelihood
    if data.noise.any():
        likelihood = FixedNoiseGaussianLikelihood(noise=torch.from_numpy(data.noise + noise))
    else:
        likelihood = GaussianLikelihood(
            noise_constraint=gpytorch.constraints.GreaterThan(1e-9, transform=None)
        ).double()
        likelihood.noise = noise
    process = SingleTaskGP(
        x, y, likelihood=likelihood, covar_module=_kernel(data, hyperparameters), outcome_transform=None
    )
    process.double()
    process.mean_module.constant.data.fill_(mean)
    return process


def like(surrogate: GaussianProcess) -> SingleTaskGP:
    """What a surrogate ought to be equal to."""
    return exact_process(surrogate.data, surrogate.hyperparameters, mean=surrogate.mean).eval()


def _kernel(data: Data, vector: Hyperparameters) -> Kernel:
    layout = data.layout
    scales = torch.from_numpy(vector[1 : 1 + layout.dimension])
    numbers = MaternKernel(
        nu=2.5,
        ard_num_dims=len(layout.numeric),
        active_dims=layout.numeric,
    ).double()
    names = CategoricalKernel(
        ard_num_dims=len(layout.categorical),
        active_dims=layout.categorical,
    ).double()
    if layout.numeric:
        numbers.lengthscale = scales[list(layout.numeric)]
    if layout.categorical:
        names.lengthscale = scales[list(layout.categorical)]
    if not layout.mixed:
        return numbers if layout.numeric else names
    parts = [ScaleKernel(part).double() for part in (numbers, names, numbers * names)]
    for part, weight in zip(parts, vector[-3:], strict=True):
        part.outputscale = torch.tensor(weight)
    return parts[0] + parts[1] + parts[2]


def log_density(prior: LogNormal, values: Tensor) -> Tensor:
    """Of hyperparameters under their prior."""
    density: Tensor = LogNormalPrior(prior.location, prior.scale).log_prob(values).sum()
    return density
