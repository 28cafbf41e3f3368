"""The Gaussian process as a BoTorch model: its acquisition functions and samplers take it like any of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
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
        self._layout = data.layout
        self._noise, self._mean = process.noise, process.mean
        self._mix = kernel.mix
        scales = np.concatenate([kernel.scales, kernel.scales[list(data.layout.tips)]])
        self.register_buffer("_scales", torch.from_numpy(scales))
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
        numbers_left, names_left = self._coordinates(left)
        numbers_right, names_right = self._coordinates(right)
        apart = (numbers_left[..., :, None, :] - numbers_right[..., None, :, :]) / self._scales
        distance = (5.0 * apart.square().sum(-1)).clamp_min(_LEAST_SQUARE).sqrt()
        numbers = matern(distance, lambda apart: torch.exp(-apart))
        differs = names_left[..., :, None, :] != names_right[..., None, :, :]
        names = torch.exp(-(differs * self._shares).sum(-1))
        return mixture(numbers, names, numbers * names, self._mix)

    def _coordinates(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Numeric coordinates and categories as `Layout` has them; the former differentiable where they are there."""
        layout, numeric = self._layout, list(self._layout.numeric)
        if layout.activity is None:
            return x[..., numeric], x[..., list(layout.categorical)]
        flat = x.detach().reshape(-1, x.shape[-1]).cpu().numpy()
        fixed, names, there = (
            torch.from_numpy(each).reshape(*x.shape[:-1], each.shape[1])
            for each in layout.coordinates(flat)
            if each is not None
        )
        numbers = torch.where(there, x[..., numeric], fixed[..., : len(numeric)])
        return torch.cat([numbers, fixed[..., len(numeric) :]], dim=-1), names
