"""Many suggestions at once from one set of scored points: a believer in all of them for the price of one posterior."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.prior import SpacePrior
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.surrogates import Moments, Surrogate, Surrogates
from asktell_server.engine.space.warp import Points


def greedy(
    surrogates: Surrogates, acquisition: Acquisition, points: Points, *, most: int, prior: SpacePrior | None = None
) -> Iterator[Found]:
    """At most `most` of the points (n x d), the most promising first.

    Each is chosen under the belief that the surrogates' means were observed at those before it.
    """
    most = min(most, len(points))
    beliefs = [_Belief(surrogate, points, most) for surrogate in surrogates]
    left = np.ones(len(points), dtype=bool)
    weights = 0.0 if prior is None else prior.log_weights(points)
    for step in range(most):
        scores = np.where(left, acquisition.scores([belief.moments for belief in beliefs]) + weights, -np.inf)
        chosen = int(scores.argmax())
        yield Found(point=points[chosen], value=float(scores[chosen]))
        left[chosen] = False
        at = [Moments(belief.moments.mean[[chosen]], belief.moments.variance[[chosen]]) for belief in beliefs]
        acquisition = acquisition.believing(partial(list, at))
        for belief in beliefs:
            belief.observe(chosen, step)


class _Belief:
    """The moments of one metric at the points, while its mean is observed at one after the other.

    That leaves the means as they are and takes from the variances what a rank-one update of the joint covariance takes: a
    pivoted Cholesky decomposition, one row per observation.
    """

    def __init__(self, surrogate: Surrogate, points: Points, most: int) -> None:
        mean, self._covariance = surrogate.covariance(points)
        self.moments = Moments(mean, np.diagonal(self._covariance).copy())
        self._noise = surrogate.noise
        self._rows = np.empty((most, len(points)))

    def observe(self, chosen: int, step: int) -> None:
        """Takes the mean at the point `chosen` for observed; `step` were before."""
        mean, variance = self.moments
        rows = self._rows
        row = self._covariance[chosen] - rows[:step, chosen] @ rows[:step]
        rows[step] = row / np.sqrt(variance[chosen] + self._noise)
        self.moments = Moments(mean, np.maximum(variance - rows[step] ** 2, 0.0))
