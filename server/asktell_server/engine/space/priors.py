"""Priors along columns: where good values are believed to lie.

A column's values come from uniform numbers by `spread`, so a prior is a distribution of those numbers: its quantiles are what
`spread` takes instead of uniform ones, and its density is 1 everywhere where nothing is believed.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from asktell_server.domain.space import NormalPrior, Prior, WeightsPrior
from asktell_server.engine.space.columns import Categories, Column, Continuum, Levels
from asktell_server.engine.space.warp import Points

_BELOW_ONE = 1.0 - 2.0**-53
_LEAST_DEVIATION = 1e-6
"""Narrower bells are drawn as wide as this: finer differences are rounding in the squares below."""


class Marginal(Protocol):
    """What is believed of the values along one column."""

    mode: float
    """The coordinate of the most likely value."""

    def quantiles(self, uniform: Points) -> Points:
        """Numbers of [0, 1) (n) for `spread`, distributed as is believed where `uniform` ones are uniform."""
        ...

    def log_density(self, coordinates: Points) -> tuple[Points, Points]:
        """Log density at coordinates (n), 0 in the mean where nothing is believed, and its slope; -inf where a weight is 0."""
        ...


def marginal_of(prior: Prior, column: Column) -> Marginal:
    """The prior along the column of its parameter."""
    match prior:
        case NormalPrior(mean=mean, relative_standard_deviation=deviation):
            assert not isinstance(column, Categories)
            return _Normal(column, column.place(mean), max(deviation, _LEAST_DEVIATION))
        case WeightsPrior(weights=weights):
            assert not isinstance(column, Continuum)
            return _Weights(column, np.array(weights))


class _Normal:
    """A normal distribution, cut off at the ends."""

    def __init__(self, column: Continuum | Levels, mean: float, deviation: float) -> None:
        self.mode = float(column.snap(np.array([mean]))[0])
        self._start, end = column.ends
        self._width = end - self._start
        self._mean, self._deviation = mean, deviation
        self._low, self._high = (np.array([self._start, end]) - mean) / deviation
        self._log_mass = float(np.log(ndtr(self._high) - ndtr(self._low)))

    def quantiles(self, uniform: Points) -> Points:
        """See Marginal."""
        below = ndtr(self._low)
        standard = ndtri(below + uniform * (ndtr(self._high) - below))
        moved = (self._mean + self._deviation * standard - self._start) / self._width
        return np.clip(moved, 0.0, _BELOW_ONE)

    def log_density(self, coordinates: Points) -> tuple[Points, Points]:
        """See Marginal."""
        standard = (coordinates - self._mean) / self._deviation
        peak = np.log(self._width / (self._deviation * np.sqrt(2.0 * np.pi))) - self._log_mass
        return peak - 0.5 * standard**2, -standard / self._deviation


class _Weights:
    """Shares of levels or categories, all of which `spread` gives equal parts. Between levels the density is interpolated."""

    def __init__(self, column: Levels | Categories, weights: Points) -> None:
        self._count = column.count
        self._share = weights / weights.max()
        self._share /= self._share.sum()
        self._upper = np.cumsum(self._share)
        self._last = int(np.flatnonzero(self._share)[-1])
        self._at = column.coordinates(np.arange(self._count))
        self._ordered = isinstance(column, Levels)
        self.mode = float(self._at[self._share.argmax()])

    def quantiles(self, uniform: Points) -> Points:
        """See Marginal."""
        index = np.minimum(np.searchsorted(self._upper, uniform, side="right"), self._last)
        return (index + 0.5) / self._count

    def log_density(self, coordinates: Points) -> tuple[Points, Points]:
        """See Marginal."""
        density = self._share * self._count
        with np.errstate(divide="ignore"):
            if not self._ordered:
                return np.log(density[coordinates.astype(np.int64)]), np.zeros_like(coordinates)
            here = np.interp(coordinates, self._at, density)
            left = np.clip(np.searchsorted(self._at, coordinates, side="right") - 1, 0, self._count - 2)
            rise = (density[left + 1] - density[left]) / (self._at[left + 1] - self._at[left])
            return np.log(here), np.where(here > 0, rise / np.maximum(here, 1e-300), 0.0)
