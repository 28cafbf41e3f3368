"""Many suggestions at once from one set of scored points: a believer in all of them for the price of one posterior."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from asktell_server.engine.bayes.acquisition import log_expected_improvement
from asktell_server.engine.bayes.search import Found
from asktell_server.engine.bayes.surrogate import Surrogate
from asktell_server.engine.encoding import Points


def greedy(surrogate: Surrogate, best: float, points: Points, *, most: int) -> Iterator[Found]:
    """At most `most` of the points (n x d), the most promising first, each under the belief that the model's mean was seen at those before.

    Believing leaves the means as they are and takes from the variances what a rank-one update of the joint covariance
    takes: a pivoted Cholesky decomposition, one column per suggestion.
    """
    mean, covariance = (part.numpy() for part in surrogate.covariance(torch.from_numpy(points)))
    variance = np.diagonal(covariance).copy()
    columns = np.empty((len(points), min(most, len(points))))
    left = np.ones(len(points), dtype=bool)
    for step in range(columns.shape[1]):
        scores = log_expected_improvement(torch.from_numpy(mean), torch.from_numpy(variance), best=best).numpy()
        scores = np.where(left, scores, -np.inf)
        chosen = int(scores.argmax())
        yield Found(point=points[chosen], value=float(scores[chosen]))
        left[chosen] = False
        column = covariance[:, chosen] - columns[:, :step] @ columns[chosen, :step]
        column /= np.sqrt(variance[chosen] + surrogate.noise)
        columns[:, step] = column
        variance = np.maximum(variance - column**2, 0.0)
