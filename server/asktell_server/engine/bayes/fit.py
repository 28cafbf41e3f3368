"""Hyperparameters of the highest posterior density, with the gradient in closed form.

The loss is that of GPyTorch's ExactMarginalLogLikelihood with the same priors (times n, and up to a constant), without
its graph of small operations: an evaluation at 100 points takes a third of a millisecond. Each pair of points is kept
once, as a column of matrices, so that distances and all gradients are matrix-vector products.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.linalg.lapack as lapack
from scipy.optimize import minimize

from asktell_server.engine.bayes.kernel import Matrix, matern, matern_slope, mixture
from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.bayes.training import Data, ModelError

COLD_STEPS = 75
WARM_STEPS = 15
FINE, COARSE = 2e-7, 1e-4
"""A fit ends where a step gains no larger part of the loss. Where several metrics are modelled, the warm fits are coarse: on
average they end 0.02 below the highest log density, and take 40 % fewer steps. What is left to gain, the next ask's fit gains."""
_GRADIENT = 1e-3
"""A fit ends where no slope is steeper: the loss is a log density, and a thousandth of that makes no difference."""


def fit(data: Data, *, warm: Hyperparameters | None, cold: bool, warm_gain: float = FINE) -> Hyperparameters:
    """The hyperparameters of the highest posterior density (MAP) by L-BFGS in their logarithms.

    It starts from `warm`, where that is given, with at most 15 steps, as long as a step gains `warm_gain`. Without `warm`, or where `cold` asks for it, it
    starts from the priors' modes with at most 75. Of two ends the better one wins.

    Raises:
        ModelError: no start led to finite numbers.
    """
    loss_of = Loss(data)
    starts: list[tuple[Hyperparameters, int, float]] = []
    if warm is not None:
        starts.append((warm, WARM_STEPS, warm_gain))
    if cold or warm is None:
        starts.append((np.array([prior.mode for prior in data.layout.priors]), COLD_STEPS, FINE))
    ends = [_descend(loss_of, data.layout.bounded(start), steps, gain) for start, steps, gain in starts]
    loss, best = min(ends, key=lambda end: end[0])
    if not np.isfinite(loss):
        raise ModelError("the fit of the hyperparameters ended in no finite number")
    return best


def _descend(loss_of: Loss, start: Hyperparameters, steps: int, gain: float) -> tuple[float, Hyperparameters]:
    layout = loss_of.layout
    result = minimize(
        loss_of,
        np.log(start),
        jac=True,
        method="L-BFGS-B",
        bounds=layout.log_bounds,
        options={"maxiter": steps, "ftol": gain, "gtol": _GRADIENT},
    )
    loss = float(result.fun)
    return (loss if np.isfinite(result.x).all() else np.inf), layout.bounded(np.exp(result.x))


class _Slopes(NamedTuple):
    """Derivatives of the pairs' covariances: by what the length scales act on, and by the weights (3 x pairs)."""

    numbers: Matrix
    names: Matrix
    parts: Matrix


class Loss:
    """Negative log posterior density of the hyperparameters' logarithms, and its gradient.

    The model's constant mean is not among the hyperparameters. It has no prior, and the best mean for given
    hyperparameters has a closed form, which is put in; since the loss is flat there along the mean, the gradient by the
    hyperparameters is the same as with a fixed mean.
    """

    def __init__(self, data: Data) -> None:
        layout, count = data.layout, len(data.y)
        self.layout = layout
        self._y, self._known_noise = data.y, data.noise
        first, second = self._first, self._second = np.tril_indices(count, -1)
        self._places = first + count * second  # of the pairs in the lower triangle, as LAPACK reads and writes matrices
        numbers, names, _ = layout.coordinates(data.x)
        squared = np.ascontiguousarray((numbers[first] - numbers[second]).T) ** 2
        self._squared = squared[: len(layout.numeric)]
        self._squared[list(layout.tips)] += squared[len(layout.numeric) :]
        differs = (names[first] - names[second]).T != 0
        self._differs = np.ascontiguousarray(differs, dtype=np.float64) / max(1, len(layout.categorical))
        self._location = np.array([prior.location for prior in layout.priors])
        self._scale = np.array([prior.scale for prior in layout.priors])

    def __call__(self, logs: Hyperparameters) -> tuple[float, Hyperparameters]:
        """The value and the gradient (p) at the logarithms (p) of hyperparameters."""
        vector, layout = np.exp(logs), self.layout
        covariance, diagonal, slopes = self._kernel(vector)
        solved = _solve(covariance, diagonal + self._known_noise + vector[0], self._places, self._y)
        if solved is None:
            return np.inf, np.zeros_like(logs)
        loss, inverse, alpha = solved
        # ½ tr((K⁻¹ - ααᵀ) dK): off the diagonal every pair counts twice.
        pairs = alpha.take(self._first)
        pairs *= alpha.take(self._second)
        np.subtract(inverse.reshape(-1, order="F").take(self._places), pairs, out=pairs)
        diagonals = float(np.trace(inverse) - alpha @ alpha)
        gradient = np.empty_like(logs)
        gradient[0] = 0.5 * vector[0] * diagonals
        scales = vector[1 : 1 + layout.dimension]
        numeric, categorical = list(layout.numeric), list(layout.categorical)
        gradient[1 : 1 + layout.dimension][numeric] = (self._squared @ (pairs * slopes.numbers)) / scales[numeric] ** 2
        gradient[1 : 1 + layout.dimension][categorical] = (self._differs @ (pairs * slopes.names)) / scales[categorical]
        if layout.mixed:
            gradient[-3:] = vector[-3:] * (slopes.parts @ pairs + 0.5 * diagonals)
        centred = (logs - self._location) / self._scale
        return loss + float((logs + 0.5 * centred**2).sum()), gradient + 1.0 + centred / self._scale

    def _kernel(self, vector: Hyperparameters) -> tuple[Matrix, float, _Slopes]:
        """Covariances of the pairs, the variance of a point, and what the gradient is made of."""
        layout = self.layout
        scales = vector[1 : 1 + layout.dimension]
        weights = a, b, c = layout.weights(vector)
        nothing = np.zeros(1)
        numbers = numbers_slope = names = nothing
        if layout.numeric:
            distance = (1.0 / scales[list(layout.numeric)] ** 2) @ self._squared
            distance *= 5.0
            np.sqrt(distance, out=distance)
            decay = np.negative(distance)
            np.exp(decay, out=decay)
            numbers, numbers_slope = matern(distance, lambda _: decay), matern_slope(distance, decay)
        if layout.categorical:
            names = np.exp(-((1.0 / scales[list(layout.categorical)]) @ self._differs))
        if not layout.mixed:
            covariance = numbers if layout.numeric else names
            return covariance, 1.0, _Slopes(numbers_slope, names, nothing)
        both = numbers * names
        return (
            mixture(numbers, names, both, weights),
            a + b + c,
            _Slopes(numbers_slope * (a + c * names), b * names + c * both, np.stack([numbers, names, both])),
        )


def _solve(
    covariance: Matrix, diagonal: Matrix, places: npt.NDArray[np.int64], y: Matrix
) -> tuple[float, Matrix, Matrix] | None:
    """Negative log likelihood, inverse (its lower triangle) and K⁻¹(y - mean); None where there are none.

    `places` are those of the pairs, whose covariances these are, in a matrix column by column.
    """
    count = len(y)
    entries = np.zeros(count * count)
    entries[places] = covariance
    entries[:: count + 1] = diagonal
    matrix = entries.reshape((count, count), order="F")
    factor, failed = lapack.dpotrf(matrix, lower=1, clean=0, overwrite_a=1)
    if failed:
        return None
    solved, _ = lapack.dpotrs(factor, np.stack([y, np.ones(count)], axis=1), lower=1)
    mean = solved[:, 0].sum() / solved[:, 1].sum()
    alpha = solved[:, 0] - mean * solved[:, 1]
    loss = 0.5 * float((y - mean) @ alpha) + float(np.log(np.diagonal(factor)).sum())
    inverse, _ = lapack.dpotri(factor, lower=1, overwrite_c=1)
    return loss, inverse, alpha
