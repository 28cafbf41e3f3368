"""Log expected improvement of one metric, with the gradient in closed form."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from botorch.acquisition.analytic import _log_ei_helper
from scipy.special import log_ndtr

from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector

CATEGORICAL_MARGIN = 0.3
"""Standard deviations of the costs by which a point has to be better where all parameters are categories. Expected
improvement on the best cost alone stays too long with small steps around it."""
_LOG_SQRT_2_PI = 0.5 * np.log(2.0 * np.pi)
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
    """The logarithm of h(u) = φ(u) + uΦ(u), of any shape."""
    value: Vector = _log_ei_helper(torch.from_numpy(improvement)).numpy()
    return value


def log_density(x: Vector) -> Vector:
    """The logarithm of the standard normal density φ, of any shape."""
    density: Vector = -0.5 * x**2 - _LOG_SQRT_2_PI
    return density


def deviations(variance: Vector) -> Vector:
    """Standard deviations, none of them 0."""
    deviation: Vector = np.sqrt(np.maximum(variance, _MIN_VARIANCE))
    return deviation
