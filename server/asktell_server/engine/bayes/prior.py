"""Acquisition weighted by what is believed of the space, less and less as trials come (πBO, Hvarfner et al. 2022)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.surrogates import Vector
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.priors import Marginal
from asktell_server.engine.space.warp import Points

CONFIDENCE = 1.0
"""β: the trial of the model that weights by the priors themselves; earlier ones trust them more, later ones less."""
UNIFORM_SHARE = 0.05
"""Of the belief along each column: bounds what a prior can say against a value."""


class SpacePrior:
    """(β/n)·log π(x): what is added to a log acquisition function.

    π is the geometric mean of the priors along the columns, each a mixture with a uniform distribution. So what a prior rules out
    costs an amount that results can make good for, however many parameters have priors, and priors that are wrong about one
    parameter are still heard on the others. Of a parameter that a configuration does not have, it says nothing.

    Args:
        heeded: those of the priors that are heard; the mean is one of all.
    """

    def __init__(self, encoding: Encoding, *, exponent: float, heeded: Mapping[int, Marginal] | None = None) -> None:
        self._encoding = encoding
        self._exponent = exponent / len(encoding.priors) if encoding.priors else 0.0
        self._heeded = encoding.priors if heeded is None else heeded

    def log_weights(self, x: Points) -> Vector:
        """The addends (n) for points (n x d)."""
        return self.log_weights_with_gradient(x)[0]

    def log_weights_with_gradient(self, x: Points) -> tuple[Vector, Matrix]:
        """The addends (n) for points (n x d), and their gradients along the numeric columns (n x numeric columns)."""
        numeric = self._encoding.numeric
        weights, gradient = np.zeros(len(x)), np.zeros((len(x), len(numeric)))
        active = self._encoding.active(x)
        for index, prior in self._heeded.items():
            believed, slope = prior.log_density(x[:, index])
            believed = np.log1p(-UNIFORM_SHARE) + believed
            mixed = np.logaddexp(believed, np.log(UNIFORM_SHARE))
            weights += np.where(active[:, index], mixed, 0.0)
            if index in numeric:
                gradient[:, numeric.index(index)] = np.where(active[:, index], np.exp(believed - mixed) * slope, 0.0)
        return self._exponent * weights, self._exponent * gradient


def space_prior(task: StudyTask, encoding: Encoding, centres: Points) -> SpacePrior | None:
    """What is left of the priors of a task's space, whose best configurations lie at `centres` (m x d, the best first); None
    where nothing is.

    n counts the trials that came after the start, the running and the next one included. A prior is heard unless it holds the
    best configuration for less likely than a uniform distribution does (with several objectives: all of those at the front).
    """
    best = centres if len(task.problem.goals.objectives) > 1 else centres[:1]
    active = encoding.active(best)
    heeded = {
        index: prior
        for index, prior in encoding.priors.items()
        if (~active[:, index] | (prior.log_density(best[:, index])[0] > 0.0)).any()
    }
    if not heeded:
        return None
    after = len(task.history) + len(task.pending) - task.problem.algorithm.start_trials
    return SpacePrior(encoding, exponent=CONFIDENCE / max(1, after + 1), heeded=heeded)
