"""What the columns of a model are, which hyperparameters it has for them, and what is believed of those beforehand."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from asktell_server.engine.space.activity import Activity, Mask
from asktell_server.engine.space.columns import Categories
from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.warp import Points

Hyperparameters = npt.NDArray[np.float64]
"""Variance of the noise, a length scale for each column in its order, and the weights a, b, c of the kernel's parts where
a space has both numbers and categories."""

MIN_NOISE = 1e-4
MIN_LENGTHSCALE = 0.025
MIN_WEIGHT = 1e-4
ABSENT_DISTANCE = 0.5
LARGEST = 1e3
"""No hyperparameter is larger. The priors keep them far below."""


@dataclass(frozen=True, slots=True)
class LogNormal:
    """The density of exp(z), z normal."""

    location: float
    scale: float

    @property
    def mode(self) -> float:
        """Where it is highest."""
        return math.exp(self.location - self.scale**2)


NOISE_PRIOR = LogNormal(-3.0, 1.5)
WEIGHT_PRIOR = LogNormal(math.log(1 / 3), 1.0)


def lengthscale_prior(dimension: int) -> LogNormal:
    """LN(-0.35 + ½ ln(max(d, 5)/5), 0.8): shorter and tighter than BoTorch's, and still scaled by the dimension."""
    return LogNormal(-0.35 + 0.5 * math.log(max(dimension, 5) / 5), 0.8)


class Coordinates(NamedTuple):
    """Points as the covariance function sees them.

    Attributes:
        numbers: numeric coordinates (m x k): those of the numeric columns, then one for each of `Layout.tips`.
        names: categories (m x categorical columns); an absent one is the last.
        active: which numeric columns of the points exist (m x numeric columns); None where all always do.
    """

    numbers: Points
    names: Points
    active: Mask | None = None


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which columns of a point are numbers and which hold categories, and how many categories those have.

    Where a space has conditions, `activity` says which columns are absent from a point. An absent category is one more
    category. An absent number lies apart from all that are there: a wedge (Horn et al. 2019, "Surrogates for hierarchical
    search spaces"), whose edge of length 1 holds the numbers and whose tip, `ABSENT_DISTANCE` from the middle of the edge,
    stands for absence. Both use the length scale of the column, so a parameter that matters little to the metric also
    matters little by its absence, and configurations of other branches stay examples of what they share.

    Attributes:
        tips: the places, among the numeric columns, of those that may be absent: each has a further coordinate.
    """

    numeric: tuple[int, ...]
    categorical: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()
    tips: tuple[int, ...] = ()
    activity: Activity | None = None

    @classmethod
    def of(cls, encoding: Encoding) -> Layout:
        """The layout of a space."""
        conditional = encoding.activity.conditional if encoding.activity else ()
        return cls(
            numeric=encoding.numeric,
            categorical=encoding.categorical,
            counts=tuple(
                column.count + (index in conditional)
                for index, column in enumerate(encoding.columns)
                if isinstance(column, Categories)
            ),
            tips=tuple(place for place, index in enumerate(encoding.numeric) if index in conditional),
            activity=encoding.activity,
        )

    @property
    def dimension(self) -> int:
        """How many columns there are."""
        return len(self.numeric) + len(self.categorical)

    @property
    def mixed(self) -> bool:
        """There are both kinds of columns."""
        return bool(self.numeric and self.categorical)

    @property
    def parameter_count(self) -> int:
        """The length of the vector of hyperparameters."""
        return 1 + self.dimension + (3 if self.mixed else 0)

    @property
    def lower(self) -> Hyperparameters:
        """The least allowed hyperparameters."""
        weights = [MIN_WEIGHT] * (3 if self.mixed else 0)
        return np.array([MIN_NOISE] + [MIN_LENGTHSCALE] * self.dimension + weights)

    @property
    def priors(self) -> Sequence[LogNormal]:
        """The prior of each hyperparameter."""
        scales = [lengthscale_prior(self.dimension)] * self.dimension
        return [NOISE_PRIOR, *scales, *([WEIGHT_PRIOR] * (3 if self.mixed else 0))]

    @property
    def log_bounds(self) -> list[tuple[float, float]]:
        """The least and the largest logarithm of each hyperparameter."""
        return [(float(least), math.log(LARGEST)) for least in np.log(self.lower)]

    def bounded(self, vector: Hyperparameters) -> Hyperparameters:
        """The vector, each number of it moved into its bounds."""
        bounded: Hyperparameters = np.clip(vector, self.lower, LARGEST)
        return bounded

    def coordinates(self, x: Points) -> Coordinates:
        """The coordinates of points (m x d)."""
        numeric, categorical, tips, absent = self._indices
        numbers, names = x[:, numeric], x[:, categorical]
        if self.activity is None:
            return Coordinates(numbers, names)
        active = self.activity.of(x)
        there = active[:, numeric]
        count = len(numeric)
        coordinates = np.empty((len(x), count + len(tips)), order="F")
        coordinates[:, :count] = np.where(there, numbers, 0.5)
        coordinates[:, count:] = np.where(there[:, tips], 0.0, ABSENT_DISTANCE)
        return Coordinates(
            numbers=coordinates,
            names=np.where(active[:, categorical], names, absent) if categorical else names,
            active=there,
        )

    @functools.cached_property
    def _indices(self) -> tuple[list[int], list[int], list[int], Points]:
        """Of the columns, and the number of each absent category: made once, `coordinates` is called at every step."""
        return list(self.numeric), list(self.categorical), list(self.tips), np.array(self.counts) - 1.0

    def weights(self, vector: Hyperparameters) -> tuple[float, float, float]:
        """a, b and c; one part has all the weight where it is the only one."""
        if self.mixed:
            a, b, c = map(float, vector[-3:])
            return a, b, c
        return (1.0, 0.0, 0.0) if self.numeric else (0.0, 1.0, 0.0)
