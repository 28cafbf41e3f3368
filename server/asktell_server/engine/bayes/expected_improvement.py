"""Log expected improvement of one metric, with the gradient in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy.special import log_ndtr

from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector

CATEGORICAL_MARGIN = 0.3
"""Standard deviations of the costs by which a point has to be better where all parameters are categories. Expected
improvement on the best cost alone stays too long with small steps around it."""
_LOG_SQRT_2_PI = 0.5 * np.log(2.0 * np.pi)
_FROM_HIGH, _FROM_LOW = -1.0, -1e6  # where BoTorch changes from one formula to another
_MIN_VARIANCE = 1e-12  # as in BoTorch's analytic acquisition functions


def aim(best: float, layout: Layout) -> float:
    """The cost that improvement is measured against, where the lowest one so far is `best`."""
    return best if layout.numeric else best - CATEGORICAL_MARGIN


class LogExpectedImprovement:
    """log E[max(best - f, 0)] of normal f, exact far into the tail (Ament et al. 2023).

    BoTorch's LogExpectedImprovement of the same model: its own function gives the value, and the derivative needs
    nothing but that value.
    """

    def __init__(self, best: float) -> None:
        self._best = best

    def scores(self, moments: Sequence[Moments]) -> Vector:
        """See Acquisition; of one metric."""
        (one,) = moments
        deviation = deviations(one.variance)
        value: Vector = log_h((self._best - one.mean) / deviation) + np.log(deviation)
        return value

    def scores_with_gradient(self, slopes: Sequence[Slopes]) -> tuple[Vector, Matrix]:
        """See Acquisition; of one metric."""
        (one,) = slopes
        deviation = deviations(one.variance)
        improvement = (self._best - one.mean) / deviation
        log_value = log_h(improvement)
        # h(u) = φ(u) + uΦ(u) has the derivative Φ(u).
        by_improvement = np.exp(log_ndtr(improvement) - log_value)
        by_deviation = (1.0 - by_improvement * improvement) / deviation
        deviation_gradient = one.variance_gradient / (2.0 * deviation)[:, None]
        gradient = (
            by_deviation[:, None] * deviation_gradient - (by_improvement / deviation)[:, None] * one.mean_gradient
        )
        return log_value + np.log(deviation), gradient

    def believing(self, moments: Callable[[], Sequence[Moments]]) -> LogExpectedImprovement:
        """See Acquisition: improvement stays measured against what was told."""
        return self


def log_h(improvement: Vector) -> Vector:
    """The logarithm of h(u) = φ(u) + uΦ(u), of any shape.

    BoTorch's `_log_ei_helper` to the last bit. That one evaluates both of its formulas for every number, for the sake of
    gradients that are not taken here: at a few points that takes longer than the rest of an acquisition function. PyTorch
    has a part only in the functions that NumPy rounds differently.
    """
    high = improvement > _FROM_HIGH
    with np.errstate(over="ignore", invalid="ignore"):
        if high.all():
            return _log_h_high(improvement)
        if not high.any():
            return _log_h_low(improvement)
        value: Vector = np.where(high, _log_h_high(improvement), _log_h_low(improvement))
        return value


def _log_h_high(u: Vector) -> Vector:
    density = u * u
    density *= -0.5
    torch.from_numpy(density).exp_()
    density *= 1.0 / math.sqrt(2.0 * math.pi)
    value: Vector = u * (-1.0 / math.sqrt(2.0))
    torch.from_numpy(value).erfc_()
    value *= 0.5
    value *= u
    value += density
    torch.from_numpy(value).log_()
    return value


def _log_h_low(u: Vector) -> Vector:
    """log φ(u) + log(1 - |u|Φ(u)/φ(u)), the second part to leading order where it is far in the tail."""
    within = np.maximum(u, _FROM_LOW)
    rest: Vector = within * -(2.0**-0.5)
    tensor = torch.from_numpy(rest)  # the same numbers
    torch.special.erfcx(tensor, out=tensor)
    rest *= np.negative(within, out=within)
    tensor.log_()
    rest += math.log(math.pi / 2.0) / 2.0
    tensor.expm1_()
    np.negative(rest, out=rest)
    tensor.log_()
    far = u <= _FROM_LOW
    if far.any():
        rest[far] = -2.0 * torch.from_numpy(-u[far]).log_().numpy()
    rest += log_density(u)
    return rest


def log_density(x: Vector) -> Vector:
    """The logarithm of the standard normal density φ, of any shape."""
    density: Vector = -0.5 * x**2 - _LOG_SQRT_2_PI
    return density


def deviations(variance: Vector) -> Vector:
    """Standard deviations, none of them 0."""
    deviation: Vector = np.sqrt(np.maximum(variance, _MIN_VARIANCE))
    return deviation
