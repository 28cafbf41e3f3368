"""What is believed of the metrics all over the space: a surrogate for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.space.warp import Points

Vector = npt.NDArray[np.float64]


class Moments(NamedTuple):
    """Means (m) and variances (m) of a metric at points, noise taken off."""

    mean: Vector
    variance: Vector


class Slopes(NamedTuple):
    """Moments at points, and their gradients (m x numeric columns, in the columns' order)."""

    mean: Vector
    variance: Vector
    mean_gradient: Matrix
    variance_gradient: Matrix


class Surrogate(Protocol):
    """A model of one metric, standardised; lower is better."""

    @property
    def noise(self) -> float:
        """The variance of a result, beyond standard errors that were told."""
        ...

    def moments(self, x: Points) -> Moments:
        """The moments at points (m x d)."""
        ...

    def rough_moments(self, x: Points) -> Moments:
        """The moments at many points (m x d), precise enough to tell promising points from others."""
        ...

    def slopes(self, x: Points) -> Slopes:
        """The moments at points (m x d) with their gradients along the numeric columns."""
        ...

    def covariance(self, x: Points) -> tuple[Vector, Matrix]:
        """Means (m) and joint covariance (m x m) at points (m x d)."""
        ...

    def lowest(self, most: int) -> Points:
        """At most `most` of the observed points (n x d), those with the lowest means."""
        ...

    def believe(self, x: Points) -> Surrogate:
        """The model after its own means have been observed at points (m x d): a kriging believer.

        Means stay as they are, since nothing unexpected was seen; variances shrink.
        """
        ...


class Surrogates:
    """One surrogate for each metric of a problem, in its order."""

    def __init__(self, surrogates: Sequence[Surrogate]) -> None:
        self._each = tuple(surrogates)

    def __iter__(self) -> Iterator[Surrogate]:
        return iter(self._each)

    def moments(self, x: Points) -> Sequence[Moments]:
        """The moments of each metric at points (m x d)."""
        return [surrogate.moments(x) for surrogate in self._each]

    def rough_moments(self, x: Points) -> Sequence[Moments]:
        """The same of many points, precise enough to tell promising points from others."""
        return [surrogate.rough_moments(x) for surrogate in self._each]

    def slopes(self, x: Points) -> Sequence[Slopes]:
        """The moments of each metric at points (m x d) with their gradients."""
        return [surrogate.slopes(x) for surrogate in self._each]

    def lowest(self, most: int) -> Points:
        """At most `most` of the observed points (n x d): those with the lowest means, as many of each metric."""
        return np.concatenate([surrogate.lowest(max(1, most // len(self._each))) for surrogate in self._each])

    def believe(self, x: Points) -> Surrogates:
        """The surrogates after their own means have been observed at points (m x d)."""
        return Surrogates([surrogate.believe(x) for surrogate in self._each])
