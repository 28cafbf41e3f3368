"""Outcome constraints in the search: an acquisition function times the probability that all of them are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import log_ndtr

from asktell_server.domain.goals import Goals
from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.expected_improvement import deviations, log_density
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Vector
from asktell_server.engine.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A bound on the cost of the metric whose surrogate has this place: at most `cost`, or at least where `above` is set."""

    place: int
    cost: float
    above: bool = False

    def margin(self, mean: Vector) -> Vector:
        """How far means (n) are on the right side."""
        margin: Vector = mean - self.cost if self.above else self.cost - mean
        return margin


class LogFeasible:
    """log (improvement · probability of feasibility): a sum (Schonlau et al. 1998; Gardner et al. 2014).

    Without an improvement to multiply, because nothing is feasible yet, it is the probability alone.
    """

    def __init__(self, improvement: Acquisition | None, metrics: int, limits: Sequence[Limit]) -> None:
        """Takes the function of the first `metrics` surrogates and the limits, on whichever of them."""
        self._improvement, self._metrics, self._limits = improvement, metrics, limits

    def scores(self, moments: Sequence[Moments]) -> Vector:
        """See Acquisition."""
        score = np.zeros(len(moments[0].mean))
        if self._improvement is not None:
            score = self._improvement.scores(moments[: self._metrics])
        for limit in self._limits:
            metric = moments[limit.place]
            score = score + log_ndtr(limit.margin(metric.mean) / deviations(metric.variance))
        return score

    def scores_with_gradient(self, slopes: Sequence[Slopes]) -> tuple[Vector, Matrix]:
        """See Acquisition."""
        score, gradient = np.zeros(len(slopes[0].mean)), np.zeros_like(slopes[0].mean_gradient)
        if self._improvement is not None:
            score, gradient = self._improvement.scores_with_gradient(slopes[: self._metrics])
        for limit in self._limits:
            metric = slopes[limit.place]
            deviation = deviations(metric.variance)
            margin = limit.margin(metric.mean) / deviation
            log_probability = log_ndtr(margin)
            by_margin = np.exp(log_density(margin) - log_probability)
            by_mean = by_margin / deviation * (1.0 if limit.above else -1.0)
            by_variance = -by_margin * margin / (2.0 * deviation**2)
            score = score + log_probability
            gradient = (
                gradient + by_mean[:, None] * metric.mean_gradient + by_variance[:, None] * metric.variance_gradient
            )
        return score, gradient

    def believing(self, moments: Callable[[], Sequence[Moments]]) -> LogFeasible:
        """See Acquisition: only means that keep the limits count for the improvement."""
        if self._improvement is None:
            return self

        def kept() -> Sequence[Moments]:
            believed = moments()
            keep = np.all([limit.margin(believed[limit.place].mean) >= 0 for limit in self._limits], axis=0)
            return [Moments(each.mean[keep], each.variance[keep]) for each in believed[: self._metrics]]

        return LogFeasible(self._improvement.believing(kept), self._metrics, self._limits)


def feasible_rows(goals: Goals, history: History) -> npt.NDArray[np.bool_]:
    """Which observations (n) keep all constraints; those without a value do not, unless there are no constraints."""
    feasible: npt.NDArray[np.bool_] = goals.violations(history.values) == 0
    return feasible


def least_violating(goals: Goals, history: History) -> npt.NDArray[np.int64]:
    """The places of the observations with a value, the one that violates the constraints least first."""
    violations = np.nan_to_num(goals.violations(history.values), nan=np.inf, posinf=np.inf)
    order = np.argsort(violations, kind="stable")
    return order[: int(np.isfinite(violations).sum())]
