"""Which configurations of a space may be suggested: all that samplers, search and grid ask of it."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import SearchSpace
from asktell_server.engine.space.columns import Categories, Column, Continuum, Levels
from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.lattice import Combinations, Lattice, ticks
from asktell_server.engine.space.warp import Points

SWEPT_LEVELS = 24
"""Ordered parameters of up to this many levels have all other levels as neighbours; larger ones the nearest of `_NEAR`."""
_NEAR = (-3, -1, 1, 3)
_KNOWN = 100
"""Spaces whose regions are kept: to make the columns of a space takes ten times as long as to find them."""


class Region(Protocol):
    """The part of the unit cube that holds configurations.

    Whoever draws, steps or climbs through a space does so by these methods and never leaves the region. Constraints on
    parameters, or parameters that depend on others, are another implementation that `region_of` chooses: no sampler and
    no search changes for them.
    """

    @property
    def encoding(self) -> Encoding:
        """Configurations as points, and back."""
        ...

    @property
    def count(self) -> int | None:
        """How many configurations there are; None = infinitely many, or too many to be numbered."""
        ...

    def contains(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which of the points (n x d) are configurations of the region."""
        ...

    def sample(self, uniform: Points) -> Points:
        """Uniform numbers of [0, 1) (n x d) as configurations (at most n x d), every value in the share its scale gives it.

        Where a row of numbers leads outside of the region it gives none: so draws stay uniform within.
        """
        ...

    def repair(self, points: Points) -> Points:
        """The nearest configuration for each of the points (n x d) of the cube."""
        ...

    def neighbours(self, point: Points, columns: Sequence[int]) -> Points:
        """Configurations (n x d) that differ from a point (d) in one of the discrete `columns`, column by column."""
        ...

    def everything(self) -> Points:
        """All configurations (count x d) of a region that can be counted, in the order of `lattice`."""
        ...

    def lattice(self) -> Lattice:
        """All configurations of a region that can be counted, numbered."""
        ...

    def grid(self, levels: Sequence[int]) -> Lattice:
        """The grid with these numbers of values along the parameters (d), equally spaced in their scales."""
        ...


class Box:
    """A whole space: every value of every parameter goes with every other."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space

    @functools.cached_property
    def encoding(self) -> Encoding:
        """See Region."""
        return Encoding(self._space)

    @property
    def count(self) -> int | None:
        """See Region."""
        return self._space.cardinality

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
        changed = []
        for index in columns:
            coordinates = _others(self.encoding.columns[index], point[index])
            neighbours = np.repeat(point[None, :], len(coordinates), axis=0)
            neighbours[:, index] = coordinates
            changed.append(neighbours)
        return np.concatenate(changed)

    def everything(self) -> Points:
        """See Region."""
        axes = [column.coordinates(np.arange(column.count)) for column in self._finite()]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)

    def lattice(self) -> Lattice:
        """See Region."""
        return Combinations(self._finite())

    def grid(self, levels: Sequence[int]) -> Lattice:
        """See Region."""
        return Combinations([ticks(column, count) for column, count in zip(self.encoding.columns, levels, strict=True)])

    def _finite(self) -> list[Levels | Categories]:
        columns = [column for column in self.encoding.columns if not isinstance(column, Continuum)]
        if len(columns) < self.encoding.dimension:
            raise ValueError("the space has infinitely many configurations")
        return columns


@functools.lru_cache(maxsize=_KNOWN)
def region_of(space: SearchSpace) -> Region:
    """The region of a space: today the whole of it."""
    return Box(space)


def _others(column: Column, coordinate: float) -> Points:
    """The other coordinates of a discrete column that are tried instead of one."""
    assert not isinstance(column, Continuum)
    if isinstance(column, Categories) or column.count <= SWEPT_LEVELS:
        coordinates = column.coordinates(np.arange(column.count))
    else:
        level = int(column.nearest(np.array(coordinate)))
        near = np.array([level + step for step in _NEAR])
        coordinates = column.coordinates(near[(near >= 0) & (near < column.count)])
    return coordinates[coordinates != coordinate]
