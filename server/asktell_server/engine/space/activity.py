"""Which columns of a point belong to parameters that exist in its configuration."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.conditions import Forest, Link
from asktell_server.engine.space.columns import Categories, Column, Continuum, Levels
from asktell_server.engine.space.warp import Points

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]

_TABLE = 4096
"""Values of a parent up to which a table says beside which of them a parameter exists."""
_Table = Callable[[Indices], Mask]


class Activity:
    """The conditions of a space as it sees its points. A column that is not active lies at its middle: points are canonical."""

    def __init__(self, forest: Forest, columns: Sequence[Column]) -> None:
        # By parent, in an order in which each comes after its own: beside which of its values its children exist.
        self._children: list[tuple[int, Levels | Categories, list[int], _Table]] = []
        children: dict[int, list[Link]] = {}
        for place in forest.order:
            if (link := forest.links[place]) is not None:
                children.setdefault(link.parent, []).append(link)
        for place in forest.order:
            if links := children.get(place):
                parent = columns[place]
                assert not isinstance(parent, Continuum), "a parent has finitely many values"
                levels = [np.array(sorted(map(parent.index, link.values))) for link in links]
                self._children.append((place, parent, [link.child for link in links], _among(levels, parent.count)))
        self._middles = np.array([column.middle for column in columns])
        self.conditional = tuple(sorted(child for *_, children, _ in self._children for child in children))
        self.parents = frozenset(place for place, *_ in self._children)

    def of(self, points: Points) -> Mask:
        """Which columns of each point (n x d) are active; each parent counts as the nearest of its values."""
        active = np.ones(points.shape, dtype=bool)
        for place, parent, children, leads in self._children:
            active[:, children] = leads(parent.nearest(points[:, place])) & active[:, place, None]
        return active

    def canonical(self, points: Points) -> Points:
        """The points (n x d) with their inactive columns at the middle."""
        canonical: Points = np.where(self.of(points), points, self._middles)
        return canonical


def _among(levels: Sequence[Indices], count: int) -> _Table:
    """Says of some indices (n) below `count` which of several sets of levels (k) each is in (n x k)."""
    if count > _TABLE:
        return functools.partial(_memberships, levels)
    table = np.zeros((count, len(levels)), dtype=bool)
    for place, each in enumerate(levels):
        table[each, place] = True
    return table.__getitem__


def _memberships(levels: Sequence[Indices], indices: Indices) -> Mask:
    return np.stack([np.isin(indices, each) for each in levels], axis=1)
