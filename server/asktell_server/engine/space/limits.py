"""Linear constraints as a region's points see them: in coordinates, where a log scale makes them curved."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.linear import TOLERANCE, LinearConstraint
from asktell_server.engine.space.columns import Categories, Continuum
from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.warp import Points

_TOLERANCE = TOLERANCE / 2
"""Stricter than the space's own, so that what counts as kept here does so once it is decoded."""
_MARGIN = TOLERANCE / 10
_STEP = 1e-6  # of a coordinate, for slopes
_SWEEPS = 30


class Limits:
    """The constraints of a space on points of its columns."""

    def __init__(self, encoding: Encoding, constraints: Sequence[LinearConstraint]) -> None:
        places = {name: place for place, name in enumerate(encoding.names)}
        self._encoding = encoding
        self.columns = np.array(sorted({places[name] for constraint in constraints for name in constraint.names}))
        self._weights = np.zeros((len(constraints), len(self.columns)))
        self._bounds = np.zeros(len(constraints))
        for row, constraint in enumerate(constraints):
            coefficients, self._bounds[row] = constraint.at_most
            for name, coefficient in zip(constraint.names, coefficients, strict=True):
                self._weights[row, np.searchsorted(self.columns, places[name])] = coefficient
        self._named = self._weights != 0
        gaps = [
            0.0 if isinstance(column := encoding.columns[place], Continuum | Categories) else column.widest
            for place in self.columns
        ]
        self._rounding = np.abs(self._weights) * np.array(gaps) / 2

    def kept(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which points (n x d) keep all constraints that apply to them."""
        total, size = self._sums(points)
        return np.asarray(((total <= _TOLERANCE * size) | ~self._apply(points)).all(axis=1))

    def room(self, point: Points) -> Points:
        """By how much a point (d) keeps each constraint that applies to it, as a share of the sizes of its terms."""
        total, size = self._sums(point[None, :])
        apply = self._apply(point[None, :])[0]
        room: Points = (-total[0] / size[0])[apply]
        return room

    def room_slopes(self, point: Points) -> Points:
        """The gradients (constraints x d) of `room`, the sizes taken for constant."""
        _, size = self._sums(point[None, :])
        apply = self._apply(point[None, :])[0]
        slopes = np.zeros((len(self._bounds), point.size))
        slopes[:, self.columns] = -self._weights * self._slopes(point[None, :])[0] / size[0][:, None]
        return slopes[apply]

    def project(self, points: Points, free: npt.NDArray[np.bool_], *, rounding: bool) -> Points:
        """The points (n x d) moved along their `free` columns (n x d) to where they keep the constraints, if that succeeds.

        Each step goes straight to the bound that is missed most (Kaczmarz 1937), in coordinates. With `rounding` it goes on so far
        that the nearest levels keep it, too.
        """
        moved = points.copy()
        free = free[:, self.columns]
        apply = self._apply(points)
        margin = (free[:, None, :] * self._rounding).sum(axis=2) if rounding else np.zeros(apply.shape)
        for _ in range(_SWEEPS):
            total, size = self._sums(moved)
            excess = np.where(apply, (total + margin) / size, -np.inf)
            worst = excess.argmax(axis=1)
            rows = np.flatnonzero(excess.max(axis=1, initial=-np.inf) > 0.0)
            if not len(rows):
                break
            worst = worst[rows]
            slopes = self._weights[worst] * self._slopes(moved[rows]) * free[rows]
            steepness = (slopes**2).sum(axis=1)
            missing = total[rows, worst] + margin[rows, worst] + _MARGIN * size[rows, worst]
            step = np.divide(missing, steepness, out=np.zeros(len(rows)), where=steepness > 0)
            chosen = rows[:, None], self.columns
            moved[chosen] = np.clip(moved[chosen] - step[:, None] * slopes, 0.0, 1.0)
        return moved

    def _sums(self, points: Points) -> tuple[Points, Points]:
        """By how much each sum exceeds its bound, and the sizes of the terms and the bound (each n x constraints)."""
        numbers = self._numbers(points[:, self.columns])
        total = numbers @ self._weights.T - self._bounds
        size = np.abs(numbers) @ np.abs(self._weights.T) + np.abs(self._bounds)
        return total, np.maximum(size, np.finfo(np.float64).tiny)

    def _apply(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which constraints (n x constraints) apply to points: all of their parameters exist."""
        active = self._encoding.active(points)[:, self.columns]
        missing = ~active @ self._named.T
        return ~missing

    def _numbers(self, coordinates: Points) -> Points:
        columns = [self._encoding.columns[place] for place in self.columns]
        numbers = np.empty(coordinates.shape)
        for place, column in enumerate(columns):
            assert not isinstance(column, Categories), "constraints name numeric parameters"
            numbers[:, place] = column.numbers(coordinates[:, place])
        return numbers

    def _slopes(self, points: Points) -> Points:
        """How fast the value of each column (n x columns of constraints) grows with its coordinate."""
        coordinates = points[:, self.columns]
        low, high = np.maximum(coordinates - _STEP, 0.0), np.minimum(coordinates + _STEP, 1.0)
        return (self._numbers(high) - self._numbers(low)) / (high - low)
