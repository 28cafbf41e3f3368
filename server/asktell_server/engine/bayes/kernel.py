"""The covariance function: Matérn-5/2 on numbers, mixed with a kernel on categories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from gpytorch.constraints import GreaterThan
from gpytorch.kernels import Kernel, MaternKernel
from gpytorch.priors import LogNormalPrior
from torch import Tensor

MIN_LENGTHSCALE = 0.025
MIN_WEIGHT = 1e-4


def lengthscale_prior(dimension: int) -> LogNormalPrior:
    """LN(-0.35 + ½ ln(max(d, 5)/5), 0.8): shorter and tighter than BoTorch's, and still scaled by the dimension."""
    return LogNormalPrior(-0.35 + 0.5 * math.log(max(dimension, 5) / 5), 0.8)


def make_kernel(dimension: int, categorical: Sequence[int]) -> Kernel:
    """The kernel for points of `dimension` columns, of which `categorical` hold indices."""
    prior = lengthscale_prior(dimension)
    numeric = [column for column in range(dimension) if column not in categorical]
    if not categorical:
        return _matern(numeric, prior)
    if not numeric:
        return HammingKernel(categorical, prior)
    return MixtureKernel(_matern(numeric, prior), HammingKernel(categorical, prior))


class HammingKernel(Kernel):
    """exp(-mean over columns of [x ≠ x'] / l), BoTorch's CategoricalKernel, without its n x n x d intermediate."""

    has_lengthscale = True

    def __init__(self, columns: Sequence[int], prior: LogNormalPrior) -> None:
        super().__init__(
            ard_num_dims=len(columns),
            active_dims=tuple(columns),
            lengthscale_prior=prior,
            lengthscale_constraint=_above(MIN_LENGTHSCALE, prior),
        )

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """Covariances (... x n x m), or their diagonal (... x n)."""
        weights = 1.0 / (self.lengthscale.squeeze(-2) * x1.shape[-1])
        distance = torch.zeros((), dtype=x1.dtype)
        for column in range(x1.shape[-1]):
            left, right = x1[..., column], x2[..., column]
            differs = left != right if diag else left.unsqueeze(-1) != right.unsqueeze(-2)
            distance = distance + weights[..., column] * differs
        return torch.exp(-distance)


class MixtureKernel(Kernel):
    """a·Kc + b·Kh + c·Kc·Kh: what numbers and categories say apart and together (MixedSingleTaskGP's form).

    Both parts share their length scales between the sum and the product. Measured on twelve mixed problems: 0.25
    decades of regret better at 50 trials than one product kernel.
    """

    has_lengthscale = False

    def __init__(self, numeric: Kernel, categorical: Kernel) -> None:
        super().__init__()
        self.numeric = numeric
        self.categorical = categorical
        prior = LogNormalPrior(math.log(1 / 3), 1.0)
        self.register_parameter("raw_weights", torch.nn.Parameter(torch.full((3,), 1 / 3)))
        self.register_prior("weights_prior", prior, lambda kernel: kernel.raw_weights)
        self.register_constraint("raw_weights", GreaterThan(MIN_WEIGHT, transform=None, initial_value=1 / 3))

    def forward(self, x1: Tensor, x2: Tensor, diag: bool = False, **params: Any) -> Tensor:
        """Covariances (... x n x m), or their diagonal (... x n)."""
        numbers = self._part(self.numeric, x1, x2, diag)
        categories = self._part(self.categorical, x1, x2, diag)
        alone, other, both = self.raw_weights
        mixed: Tensor = alone * numbers + other * categories + both * numbers * categories
        return mixed

    @staticmethod
    def _part(kernel: Kernel, x1: Tensor, x2: Tensor, diag: bool) -> Tensor:
        # Past Kernel.__call__ and its lazy evaluation: the matrices are small and needed at once.
        dims = kernel.active_dims
        part: Tensor = kernel.forward(x1[..., dims], x2[..., dims], diag=diag)
        return part


def _matern(columns: Sequence[int], prior: LogNormalPrior) -> MaternKernel:
    return MaternKernel(
        nu=2.5,
        ard_num_dims=len(columns),
        active_dims=tuple(columns),
        lengthscale_prior=prior,
        lengthscale_constraint=_above(MIN_LENGTHSCALE, prior),
    )


def _above(bound: float, prior: LogNormalPrior) -> GreaterThan:
    """A bound for the optimiser without a change of variable (as in BoTorch's own models); starts at the mode."""
    return GreaterThan(bound, transform=None, initial_value=prior.mode)
