"""How promising points are: what an acquisition function is, and its scores under given surrogates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.prior import SpacePrior
from asktell_server.engine.bayes.surrogates import Moments, Slopes, Surrogates, Vector
from asktell_server.engine.space.warp import Points


class Acquisition(Protocol):
    """A function of what is believed of each metric at a point; the higher, the more promising is the point.

    It knows no surrogate. Another one is another file like `expected_improvement.py`, chosen in `pursuit.py`.
    """

    def scores(self, moments: Sequence[Moments]) -> Vector:
        """Scores (n) of points with these moments (n) of each metric."""
        ...

    def scores_with_gradient(self, slopes: Sequence[Slopes]) -> tuple[Vector, Matrix]:
        """The scores (n) and their gradients along the numeric columns (n x numeric columns)."""
        ...

    def believing(self, moments: Callable[[], Sequence[Moments]]) -> Acquisition:
        """The function once the means of further points, whose moments these are, are believed to be observed."""
        ...


class Scorer:
    """An acquisition function under given surrogates, weighted by what is believed of the space: scores of points."""

    def __init__(self, surrogates: Surrogates, acquisition: Acquisition, prior: SpacePrior | None = None) -> None:
        self._surrogates = surrogates
        self._acquisition = acquisition
        self._prior = prior

    def scores(self, x: Points) -> Vector:
        """Scores (n) of points (n x d)."""
        return self._weighted(self._acquisition.scores(self._surrogates.moments(x)), x)

    def rough_scores(self, x: Points) -> Vector:
        """The same of many points, in single precision where that saves time."""
        return self._weighted(self._acquisition.scores(self._surrogates.rough_moments(x)), x)

    def scores_with_gradient(self, x: Points) -> tuple[Vector, Matrix]:
        """Scores (n) and their gradients along the numeric columns (n x numeric columns)."""
        scores, gradients = self._acquisition.scores_with_gradient(self._surrogates.slopes(x))
        if self._prior is None:
            return scores, gradients
        weights, slopes = self._prior.log_weights_with_gradient(x)
        return scores + weights, gradients + slopes

    def _weighted(self, scores: Vector, x: Points) -> Vector:
        return scores if self._prior is None else scores + self._prior.log_weights(x)
