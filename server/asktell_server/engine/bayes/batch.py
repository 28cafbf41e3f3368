"""Many suggestions at once from one set of scored points: a believer in all of them for the price of one posterior."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asktell_server.engine.bayes.acquisition import log_expected_improvement
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.surrogate import Surrogate
from asktell_server.engine.encoding import Points


def greedy(surrogate: Surrogate, best: float, points: Points, *, most: int) -> Iterator[Found]:
    """At most `most` of the points (n x d), the most promising first.

    Each is chosen under the belief that the model's mean was seen at those before it. Believing leaves the means as
    they are and takes from the variances what a rank-one update of the joint covariance takes: a pivoted Cholesky
    decomposition, one row per suggestion.
    """
    mean, covariance = surrogate.covariance(points)
    variance = np.diagonal(covariance).copy()
    rows = np.empty((min(most, len(points)), len(points)))
    left = np.ones(len(points), dtype=bool)
    for step in range(len(rows)):
        scores = np.where(left, log_expected_improvement(mean, variance, best=best), -np.inf)
        chosen = int(scores.argmax())
        yield Found(point=points[chosen], value=float(scores[chosen]))
        left[chosen] = False
        row = covariance[chosen] - rows[:step, chosen] @ rows[:step]
        rows[step] = row / np.sqrt(variance[chosen] + surrogate.noise)
        variance = np.maximum(variance - rows[step] ** 2, 0.0)
