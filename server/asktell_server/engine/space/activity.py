"""Which columns of a point belong to parameters that exist in its configuration."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.conditions import Forest
from asktell_server.engine.space.columns import Column, Continuum
from asktell_server.engine.space.warp import Points

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

_TABLE = 4096
"""Values of a parent up to which a table says beside which of them a parameter exists."""


class Activity:
    """The conditions of a space as it sees its points. A column that is not active lies at its middle: points are canonical."""

    def __init__(self, forest: Forest, columns: Sequence[Column]) -> None:
        self._links = []
        for place in forest.order:
            link = forest.links[place]
            if link is not None:
                parent = columns[link.parent]
                assert not isinstance(parent, Continuum), "a parent has finitely many values"
                levels = np.array(sorted(parent.index(value) for value in link.values))
                self._links.append((link.child, link.parent, parent, _among(levels, parent.count)))
        self._middles = np.array([column.middle for column in columns])
        self.conditional = tuple(sorted(child for child, *_ in self._links))
        self.parents = frozenset(parent for _, parent, *_ in self._links)

    def of(self, points: Points) -> Mask:
        """Which columns of each point (n x d) are active; each parent counts as the nearest of its values."""
        active = np.ones(points.shape, dtype=bool)
        nearest: dict[int, Indices] = {}
        for child, place, parent, leads in self._links:
            if place not in nearest:
                nearest[place] = parent.nearest(points[:, place])
            active[:, child] = active[:, place] & leads(nearest[place])
        return active

    def canonical(self, points: Points) -> Points:
        """The points (n x d) with their inactive columns at the middle."""
        canonical: Points = np.where(self.of(points), points, self._middles)
        return canonical


def _among(levels: Indices, count: int) -> Callable[[Indices], Mask]:
    """Says which of some indices below `count` are among the levels."""
    if count > _TABLE:
        return functools.partial(np.isin, test_elements=levels)
    table = np.zeros(count, dtype=bool)
    table[levels] = True
    return table.__getitem__
