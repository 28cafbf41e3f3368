"""A whole space: every value of every parameter goes with every other."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.engine.space.columns import Categories, Column, Continuum
from asktell_server.engine.space.encoding import INFINITE, Encoding
from asktell_server.engine.space.lattice import Combinations, Lattice
from asktell_server.engine.space.warp import Points

SWEPT_LEVELS = 24
"""Ordered parameters of up to this many levels have all other levels as neighbours; larger ones the nearest of `_NEAR`."""
_NEAR = (-3, -1, 1, 3)


class Box:
    """The `Region` of a space without conditions, or of the part of it that has fixed values."""

    def __init__(self, space: SearchSpace, fixed: Configuration) -> None:
        self._space, self._fixed = space, fixed

    @functools.cached_property
    def encoding(self) -> Encoding:
        """See Region."""
        return Encoding(self._space, self._fixed)

    drops = False
    limits = None

    def centre(self) -> Points:
        """See Region."""
        return self.encoding.centre()

    @property
    def count(self) -> int | None:
        """See Region."""
        return self._space.count(self._fixed)

    def contains(self, points: Points) -> npt.NDArray[np.bool_]:
        """See Region."""
        inside: npt.NDArray[np.bool_] = (self.encoding.snap(points) == points).all(axis=1)
        return inside

    def sample(self, uniform: Points) -> Points:
        """See Region."""
        return self.encoding.spread(uniform)

    def repair(self, points: Points) -> Points:
        """See Region."""
        return self.encoding.snap(points)

    def neighbours(self, point: Points, columns: Sequence[int]) -> Points:
        """See Region."""
        changed = [np.empty((0, len(point)))]
        for index in columns:
            coordinates = others(self.encoding.columns[index], point[index])
            neighbours = np.repeat(point[None, :], len(coordinates), axis=0)
            neighbours[:, index] = coordinates
            changed.append(neighbours)
        return np.concatenate(changed)

    def options(self, column: int) -> int:
        """See Region."""
        return len(others(self.encoding.columns[column], 0.5))

    def everything(self) -> Points:
        """See Region."""
        axes = [self._coordinates(index) for index in range(self.encoding.dimension)]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)

    def _coordinates(self, index: int) -> Points:
        """All coordinates along a column of a region that can be counted."""
        if (held := self.encoding.held.get(index)) is not None:
            return np.array([held])
        column = self.encoding.columns[index]
        if isinstance(column, Continuum):
            raise ValueError(INFINITE)
        return column.coordinates(np.arange(column.count))

    def lattice(self) -> Lattice:
        """See Region."""
        return Combinations(self.encoding.axes())

    def grid(self, levels: Sequence[int]) -> Lattice:
        """See Region."""
        return Combinations(self.encoding.ticks(levels))


def others(column: Column, coordinate: float) -> Points:
    """The other coordinates of a discrete column that are tried instead of one."""
    assert not isinstance(column, Continuum)
    if isinstance(column, Categories) or column.count <= SWEPT_LEVELS:
        coordinates = column.coordinates(np.arange(column.count))
    else:
        level = int(column.nearest(np.array(coordinate)))
        near = np.array([level + step for step in _NEAR])
        coordinates = column.coordinates(near[(near >= 0) & (near < column.count)])
    return coordinates[coordinates != coordinate]
