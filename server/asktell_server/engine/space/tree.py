"""A space with conditions: parameters exist beside some values of their parents."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.conditions import Forest
from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.engine.space.activity import Activity
from asktell_server.engine.space.box import others
from asktell_server.engine.space.encoding import INFINITE, Encoding
from asktell_server.engine.space.lattice import Branches, Lattice
from asktell_server.engine.space.warp import Points

ARRIVALS = 3
"""Configurations of a branch that a neighbour may begin at, besides the middle of everything that is new there."""


class Tree:
    """The `Region` of a space with conditions, or of the part of it that has fixed values; all their parents are fixed, too.

    Its points are canonical: what is not active lies at the middle.
    """

    def __init__(self, space: SearchSpace, forest: Forest, fixed: Configuration) -> None:
        self._space, self._forest, self._fixed = space, forest, fixed

    @functools.cached_property
    def encoding(self) -> Encoding:
        """See Region."""
        return Encoding(self._space, self._fixed)

    drops = False
    limits = None

    def centre(self) -> Points:
        """See Region."""
        return self.encoding.centre()

    @functools.cached_property
    def count(self) -> int | None:
        """See Region."""
        return self._space.count(self._fixed)

    def contains(self, points: Points) -> npt.NDArray[np.bool_]:
        """See Region."""
        inside: npt.NDArray[np.bool_] = (self.repair(points) == points).all(axis=1)
        return inside

    def sample(self, uniform: Points) -> Points:
        """See Region. A branch has the share that its parent gives to the values that lead to it."""
        return self._activity.canonical(self.encoding.spread(uniform))

    def repair(self, points: Points) -> Points:
        """See Region."""
        return self._activity.canonical(self.encoding.snap(points))

    def neighbours(self, point: Points, columns: Sequence[int]) -> Points:
        """See Region. Where another value of a parent leads to a branch, there are several: the branch begins at the middle
        of its columns, or at one of a few places that are spread over it.
        """
        active = self._activity.of(point[None, :])[0]
        changed = [np.empty((0, len(point)))]
        for index in columns:
            if not active[index]:
                continue
            coordinates = others(self.encoding.columns[index], point[index])
            neighbours = np.repeat(point[None, :], len(coordinates), axis=0)
            neighbours[:, index] = coordinates
            changed.append(self._activity.canonical(neighbours))
            if index in self._activity.parents:
                arriving = neighbours[(self._activity.of(neighbours) & ~active).any(axis=1)]
                changed += [self._activity.canonical(np.where(active, arriving, place)) for place in self._arrivals]
        return np.concatenate(changed)

    def options(self, column: int) -> int:
        """See Region."""
        several = 1 + ARRIVALS if column in self._activity.parents else 1
        return several * len(others(self.encoding.columns[column], 0.5))

    def everything(self) -> Points:
        """See Region."""
        return self._everything.copy()

    def lattice(self) -> Lattice:
        """See Region."""
        return self._lattice

    def grid(self, levels: Sequence[int]) -> Lattice:
        """See Region. A parent has all of its values."""
        return Branches(self.encoding.ticks(levels), self._forest)

    @property
    def _activity(self) -> Activity:
        activity = self.encoding.activity
        assert activity is not None, "the space has conditions"
        return activity

    @functools.cached_property
    def _lattice(self) -> Lattice:
        if self.count is None:
            raise ValueError(INFINITE)
        return Branches(self.encoding.axes(), self._forest)

    @functools.cached_property
    def _everything(self) -> Points:
        lattice = self._lattice
        return self.encoding.encode_keys([lattice.key(number) for number in range(lattice.size)])

    @functools.cached_property
    def _arrivals(self) -> Points:
        """A few places (n x d): a Korobov lattice of the golden ratio, in other steps along each column."""
        steps = np.arange(1, self.encoding.dimension + 1) * (np.sqrt(5.0) - 1.0) / 2.0
        uniform = np.outer(np.arange(1, ARRIVALS + 1), steps) % 1.0
        return self.encoding.spread(uniform)
