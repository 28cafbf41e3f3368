"""The Gaussian process as a BoTorch model: its acquisition functions and samplers take it like any of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.posteriors import GPyTorchPosterior, Posterior
from gpytorch.distributions import MultivariateNormal
from torch import Tensor

from asktell_server.engine.bayes.gaussian_process import GaussianProcess
from asktell_server.engine.bayes.kernel import matern, mixture

_LEAST_SQUARE = 1e-30  # the square root has no derivative at 0


class LeanModel(Model):
    """A Gaussian process as a BoTorch model of one output, lower is better.

    Joint posteriors of any batch shape, differentiable in X: what sampled acquisition functions (the qLog family),
    several objectives and constraints are built from. The plain search takes its gradients from the process itself.
    """

    def __init__(self, process: GaussianProcess) -> None:
        super().__init__()
        data, kernel = process.data, process.kernel
        self._numeric, self._categorical = list(data.layout.numeric), list(data.layout.categorical)
        self._noise, self._mean = process.noise, process.mean
        self._mix = kernel.mix
        self.register_buffer("_scales", torch.from_numpy(kernel.scales))
        self.register_buffer("_shares", torch.from_numpy(kernel.shares))
        self.register_buffer("_points", torch.from_numpy(data.x))
        self.register_buffer("_inverse", torch.from_numpy(process.inverse))
        self.register_buffer("_alpha", torch.from_numpy(process.alpha))

    @property
    def num_outputs(self) -> int:
        """One."""
        return 1

    @property
    def batch_shape(self) -> torch.Size:
        """None: one model."""
        return torch.Size([])

    def posterior(
        self,
        X: Tensor,  # noqa: N803  # BoTorch's name
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: Callable[[Posterior], Posterior] | PosteriorTransform | None = None,
        **kwargs: Any,
    ) -> Posterior:
        """The joint posterior at X (b x q x d); with `observation_noise` of new observations there."""
        known = self._covariance(X, self._points)
        pull = known @ self._inverse
        covariance = self._covariance(X, X) - pull @ known.mT
        if observation_noise is not False:
            noise = torch.as_tensor(self._noise if observation_noise is True else observation_noise).to(X)
            covariance = covariance + torch.diag_embed(noise.expand(X.shape[:-1]))
        posterior = GPyTorchPosterior(MultivariateNormal(self._mean + known @ self._alpha, covariance))
        return posterior if posterior_transform is None else posterior_transform(posterior)

    def _covariance(self, left: Tensor, right: Tensor) -> Tensor:
        apart = (left[..., :, None, self._numeric] - right[..., None, :, self._numeric]) / self._scales
        distance = (5.0 * apart.square().sum(-1)).clamp_min(_LEAST_SQUARE).sqrt()
        numbers = matern(distance, lambda apart: torch.exp(-apart))
        differs = left[..., :, None, self._categorical] != right[..., None, :, self._categorical]
        names = torch.exp(-(differs * self._shares).sum(-1))
        return mixture(numbers, names, numbers * names, self._mix)
