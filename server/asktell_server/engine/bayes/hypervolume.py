"""Log expected hypervolume improvement of several metrics, exact, with the gradient in closed form."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
import torch
from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
from scipy.special import log_ndtr

from asktell_server.domain import pareto
from asktell_server.engine.bayes.expected_improvement import deviations, log_density, log_h
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector

MOST_METRICS = 3
"""With a front of 50 there are 51 boxes of two metrics, some 100 of three, 450 of four and 1,900 of five, and finding these takes
seconds. More metrics are scalarised (`scalarised.py`)."""
_LOG_2 = np.log(2.0)


class LogExpectedHypervolumeImprovement:
    """log E[what is dominated by f and not by the front yet] of independent normal f, lower is better.

    What no point of the front dominates, up to the reference, is cut into boxes. In a box with the edges l < h the improvement
    is the product over the metrics of (h - max(f, l))⁺, whose expectation is ψ(h) - ψ(l) with ψ(t) = E[(t - f)⁺], which is
    the expected improvement on t (Emmerich et al. 2006; Yang et al. 2019). All of it is done with logarithms, as Ament et
    al. (2023) do for the sampled one: far behind the front plain products are 0 or not a number.
    """

    def __init__(self, front: Matrix, reference: Vector) -> None:
        """Takes the costs of a front (k x m, k may be 0) and the worst ones of interest (m)."""
        self._front, self._reference = front, reference
        boxes = FastNondominatedPartitioning(ref_point=torch.from_numpy(-reference), Y=torch.from_numpy(-front))
        upper, lower = (-boxes.get_hypercell_bounds()).numpy()  # BoTorch maximises
        real = (upper > lower).all(axis=1)
        self._lower, self._upper = lower[real], upper[real]
        # Boxes share most of their edges: each is evaluated once.
        edges = [
            np.unique([*lows, *highs], return_inverse=True)
            for lows, highs in zip(self._lower.T, self._upper.T, strict=True)
        ]
        self._edges = [values for values, _ in edges]
        self._places = [places.reshape(2, -1) for _, places in edges]

    def scores(self, moments: Sequence[Moments]) -> Vector:
        """See Acquisition."""
        total: Vector = _log_sum(np.sum(self._log_sides(moments), axis=0))
        return total

    def scores_with_gradient(self, slopes: Sequence[Slopes]) -> tuple[Vector, Matrix]:
        """See Acquisition."""
        sides = self._log_sides([Moments(each.mean, each.variance) for each in slopes])
        boxes: Matrix = np.sum(sides, axis=0)
        total: Vector = _log_sum(boxes)
        gradient = np.zeros_like(slopes[0].mean_gradient)
        for place, (metric, side) in enumerate(zip(slopes, sides, strict=True)):
            deviation = deviations(metric.variance)
            lows, highs = (
                (edges[:, place] - metric.mean[:, None]) / deviation[:, None] for edges in (self._lower, self._upper)
            )
            # Of each box, its share of the whole over the length of this side: what the side's derivatives are to be multiplied by.
            shares = boxes - total[:, None] - side
            by_mean = -np.exp(shares + _log_between(lows, highs)).sum(axis=1)
            by_deviation = (np.exp(shares + log_density(highs)) - np.exp(shares + log_density(lows))).sum(axis=1)
            gradient += by_mean[:, None] * metric.mean_gradient
            gradient += (by_deviation / (2.0 * deviation))[:, None] * metric.variance_gradient
        return total, gradient

    def believing(self, moments: Callable[[], Sequence[Moments]]) -> LogExpectedHypervolumeImprovement:
        """See Acquisition: the means join the front, so that nothing is to be gained twice."""
        costs = np.concatenate([self._front, np.stack([each.mean for each in moments()], axis=1)])
        places = pareto.front(costs)
        if np.array_equal(places, np.arange(len(self._front))):
            return self  # cutting the same front into boxes is most of the work
        return LogExpectedHypervolumeImprovement(costs[places], self._reference)

    def _log_sides(self, moments: Sequence[Moments]) -> list[Matrix]:
        """For each metric log(ψ(h) - ψ(l)) of points and boxes (n x boxes)."""
        sides = []
        for metric, edges, (lows, highs) in zip(moments, self._edges, self._places, strict=True):
            deviation = deviations(metric.variance)[:, None]
            values = np.full((len(deviation), len(edges)), -np.inf)
            finite = np.isfinite(edges)
            values[:, finite] = log_h((edges[finite] - metric.mean[:, None]) / deviation) + np.log(deviation)
            sides.append(_log_difference(values[:, highs], values[:, lows]))
        return sides


def _log_sum(terms: Matrix) -> Vector:
    """The logarithms of the sums of e^terms, row by row. SciPy's takes ten times as long for a few rows."""
    highest = np.maximum(terms.max(axis=1), -sys.float_info.max)
    total: Vector = highest + np.log(np.exp(terms - highest[:, None]).sum(axis=1))
    return total


def _log_difference(greater: Matrix, less: Matrix) -> Matrix:
    """log(e^greater - e^less)."""
    with np.errstate(divide="ignore"):  # equal numbers: nothing is left
        gap = np.minimum(less - greater, 0.0)
        left: Matrix = greater + np.where(gap > -_LOG_2, np.log(-np.expm1(gap)), np.log1p(-np.exp(gap)))
    return left


def _log_between(lows: Matrix, highs: Matrix) -> Matrix:
    """The logarithm of the probability that a standard normal lies between both; on whichever side it is the smaller number."""
    mirrored = lows > 0
    return _log_difference(log_ndtr(np.where(mirrored, -lows, highs)), log_ndtr(np.where(mirrored, -highs, lows)))
