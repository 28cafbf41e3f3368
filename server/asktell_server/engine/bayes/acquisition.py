"""Log expected improvement of a surrogate: scores of many points, and the gradient in closed form."""

from __future__ import annotations

import numpy as np
import torch
from botorch.acquisition.analytic import _log_ei_helper
from scipy.special import log_ndtr

from asktell_server.engine.bayes.kernel import Layout, Matrix
from asktell_server.engine.bayes.surrogate import Surrogate, Vector
from asktell_server.engine.encoding import Points

CATEGORICAL_MARGIN = 0.3
"""By so many standard deviations of the costs a point has to be better where all parameters are categories: expected
improvement on the best cost alone stays too long with small steps around it."""
_MIN_VARIANCE = 1e-12  # as in BoTorch's analytic acquisition functions


def aim(best: float, layout: Layout) -> float:
    """The cost that improvement is measured against, where the lowest one so far is `best`."""
    return best if layout.numeric else best - CATEGORICAL_MARGIN


class Acquisition:
    """How promising points are, against a cost that is to be improved on (Ament et al. 2023).

    BoTorch's LogExpectedImprovement of the same model: its own function gives the value, and the derivative needs
    nothing but that value.
    """

    def __init__(self, surrogate: Surrogate, best: float) -> None:
        self._surrogate = surrogate
        self._best = best

    def scores(self, x: Points) -> Vector:
        """Log expected improvements (n) at points (n x d)."""
        return log_expected_improvement(*self._surrogate.moments(x), best=self._best)

    def rough_scores(self, x: Points) -> Vector:
        """The same of many points, in single precision where that saves time."""
        return log_expected_improvement(*self._surrogate.rough_moments(x), best=self._best)

    def scores_with_gradient(self, x: Points) -> tuple[Vector, Matrix]:
        """Log expected improvements (n) and their gradients along the numeric columns (n x numeric columns)."""
        slopes = self._surrogate.slopes(x)
        deviation = np.sqrt(np.maximum(slopes.variance, _MIN_VARIANCE))
        improvement = (self._best - slopes.mean) / deviation
        log_h = _log_h(improvement)
        # h(u) = φ(u) + uΦ(u) has the derivative Φ(u).
        by_improvement = np.exp(log_ndtr(improvement) - log_h)
        by_deviation = (1.0 - by_improvement * improvement) / deviation
        deviation_gradient = slopes.variance_gradient / (2.0 * deviation)[:, None]
        gradient = (
            by_deviation[:, None] * deviation_gradient - (by_improvement / deviation)[:, None] * slopes.mean_gradient
        )
        return log_h + np.log(deviation), gradient


def log_expected_improvement(mean: Vector, variance: Vector, *, best: float) -> Vector:
    """log E[max(best - f, 0)] of normal f, elementwise and exact far into the tail."""
    deviation = np.sqrt(np.maximum(variance, _MIN_VARIANCE))
    value: Vector = _log_h((best - mean) / deviation) + np.log(deviation)
    return value


def _log_h(improvement: Vector) -> Vector:
    value: Vector = _log_ei_helper(torch.from_numpy(improvement)).numpy()
    return value
