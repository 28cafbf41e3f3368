"""Finitely many configurations in a fixed order, without a list of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

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
