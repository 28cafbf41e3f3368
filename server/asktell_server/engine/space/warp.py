"""Scales: where values of a parameter lie so that equal differences count the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import FloatDomain, IntDomain, Scale

Points = npt.NDArray[np.float64]
"""Encoded configurations, one per row: n x d; or coordinates of one column: n."""

_NARROW = 1e-6


@dataclass(frozen=True, slots=True)
class Warp:
    """A scale between two values, and the way back."""

    scale: Scale
    low: float
    high: float

    def apply(self, values: Points) -> Points:
        """Values on the scale; the order stays."""
        match self.scale:
            case Scale.LINEAR:
                return values
            case Scale.LOG:
                return np.log(values)
            case Scale.REVERSE_LOG:
                return -np.log(np.maximum(self.low + (self.high - values), self.low))

    def invert(self, warped: Points) -> Points:
        """The values of places on the scale."""
        match self.scale:
            case Scale.LINEAR:
                return warped
            case Scale.LOG:
                return np.exp(warped)
            case Scale.REVERSE_LOG:
                return self.high - (np.exp(-warped) - self.low)


def scale_of(domain: FloatDomain | IntDomain) -> Scale:
    """The scale to compute in: linear where the range is very narrow, since all scales look the same there and a logarithm
    has too few digits."""
    return Scale.LINEAR if domain.max - domain.min <= _NARROW * abs(domain.min) else domain.scale
