"""Finitely many configurations in a fixed order, without a list of them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from asktell_server.domain.conditions import Forest, Link
from asktell_server.domain.space import ABSENT, Key, ParameterValue
from asktell_server.engine.space.columns import Column, Continuum, Levels


class Axis(Protocol):
    """The values along one parameter."""

    count: int

    def value(self, index: int) -> ParameterValue:
        """The value with the index, 0 to count-1."""
        ...

    def index(self, value: ParameterValue) -> int | None:
        """The index of a value; None where it is not on the axis."""
        ...


class Lattice(Protocol):
    """Configurations, numbered from 0."""

    size: int

    def key(self, number: int) -> Key:
        """The configuration with the number."""
        ...

    def number(self, key: Key) -> int | None:
        """The number of a configuration; None where it is not of the lattice."""
        ...


class Combinations:
    """A `Lattice` of all combinations of the values of axes; the last parameter runs fastest."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self._axes = axes
        self.size = math.prod(axis.count for axis in axes)

    def key(self, number: int) -> Key:
        """See Lattice."""
        values: list[ParameterValue] = []
        for axis in reversed(self._axes):
            number, index = divmod(number, axis.count)
            values.append(axis.value(index))
        return tuple(reversed(values))

    def number(self, key: Key) -> int | None:
        """See Lattice."""
        number = 0
        for axis, value in zip(self._axes, key, strict=True):
            index = None if value is ABSENT else axis.index(value)
            if index is None:
                return None
            number = number * axis.count + index
        return number


class Branches:
    """A `Lattice` of all combinations that conditions allow, branch after branch; the last parameter runs fastest.

    An axis of a parent has all of its values, or the one that it is fixed to: the other branches are not there then.
    """

    def __init__(self, axes: Sequence[Axis], forest: Forest) -> None:
        children: dict[int, list[Link]] = {place: [] for place in forest.order}
        for link in forest.links:
            if link is not None:
                children[link.parent].append(link)
        trees: dict[int, _Tree] = {}
        for place in reversed(forest.order):
            branches: dict[int, list[_Tree]] = {}
            for link in children[place]:
                for value in link.values:
                    if (index := axes[place].index(value)) is None:
                        continue
                    branches.setdefault(index, []).append(trees[link.child])
            trees[place] = _Tree(place, axes[place], branches)
        self._length = len(axes)
        self._roots = [trees[place] for place, link in enumerate(forest.links) if link is None]
        self.size: int = math.prod(root.size for root in self._roots)

    def key(self, number: int) -> Key:
        """See Lattice."""
        values: list[ParameterValue | None] = [ABSENT] * self._length
        _put(self._roots, number, values)
        return tuple(values)

    def number(self, key: Key) -> int | None:
        """See Lattice."""
        return _number(self._roots, key)


class _Tree:
    """A parameter with all that depends on it. `branches`: what exists beside some of its values, by their index."""

    def __init__(self, place: int, axis: Axis, branches: Mapping[int, Sequence[_Tree]]) -> None:
        self._place, self._axis = place, axis
        self._branches: list[tuple[int, int, Sequence[_Tree]]] = []
        more = 0  # configurations beyond one for each value so far
        for index in sorted(branches):
            self._branches.append((index, index + more, branches[index]))
            more += math.prod(tree.size for tree in branches[index]) - 1
        self.size: int = axis.count + more
        self._firsts = [first for _, first, _ in self._branches]

    def put(self, number: int, values: list[ParameterValue | None]) -> None:
        """Sets the values of the configuration with the number."""
        at = bisect.bisect_right(self._firsts, number) - 1
        index = number
        if at >= 0:
            index, first, trees = self._branches[at]
            size = math.prod(tree.size for tree in trees)
            if number < first + size:
                _put(trees, number - first, values)
            else:
                index += number - first - size + 1
        values[self._place] = self._axis.value(index)

    def number(self, key: Key) -> int | None:
        """The number of the configuration; None where it has a value that is not on an axis, or lacks one."""
        value = key[self._place]
        index = None if value is ABSENT else self._axis.index(value)
        if index is None:
            return None
        at = bisect.bisect_right(self._branches, index, key=lambda branch: branch[0]) - 1
        if at < 0:
            return index
        branch, first, trees = self._branches[at]
        if branch < index:
            return first + math.prod(tree.size for tree in trees) - 1 + index - branch
        within = _number(trees, key)
        return None if within is None else first + within


def _put(trees: Sequence[_Tree], number: int, values: list[ParameterValue | None]) -> None:
    for tree in reversed(trees):
        number, rest = divmod(number, tree.size)
        tree.put(rest, values)


def _number(trees: Sequence[_Tree], key: Key) -> int | None:
    number = 0
    for tree in trees:
        within = tree.number(key)
        if within is None:
            return None
        number = number * tree.size + within
    return number


class Ticks:
    """An axis of listed values."""

    def __init__(self, values: Sequence[ParameterValue]) -> None:
        self.count = len(values)
        self._values = values
        self._index = {value: index for index, value in enumerate(values)}

    def value(self, index: int) -> ParameterValue:
        """See Axis."""
        return self._values[index]

    def index(self, value: ParameterValue) -> int | None:
        """See Axis."""
        return self._index.get(value)


def ticks(column: Column, count: int) -> Ticks:
    """`count` values equally spaced in the parameter's scale, both ends included; all, where it has no more."""
    equal = np.linspace(0.0, 1.0, count)
    if isinstance(column, Continuum):
        return Ticks([column.decode(float(coordinate)) for coordinate in equal])
    if isinstance(column, Levels) and count < column.count:
        return Ticks([column.value(index) for index in _distinct(column.nearest(equal), column.count)])
    return Ticks([column.value(index) for index in range(column.count)])


def _distinct(indices: npt.NDArray[np.int64], count: int) -> list[int]:
    """Rising indices below `count`, moved as little as makes them distinct (a log scale crowds the low ones)."""
    distinct = [int(index) for index in indices]
    for place in range(1, len(distinct)):
        distinct[place] = max(distinct[place], distinct[place - 1] + 1)
    ceiling = count
    for place in reversed(range(len(distinct))):
        ceiling = distinct[place] = min(distinct[place], ceiling - 1)
    return distinct
