"""The kinds of columns: how the values of one parameter become coordinates, and back.

A continuum fills [0, 1] in the parameter's own scale. The levels of an ordered finite parameter lie at i/(k-1), or
where a log scale puts them, with the first at 0 and the last at 1; nothing between them is a value. A categorical column
holds the index of the value, 0 to k-1, and its order means nothing.

Every column has a `middle`, the coordinate of a value that is as good as any while nothing is known. A parameter that is
absent from a configuration lies there, too: see `Encoding`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    ParameterValue,
    Scale,
)
from asktell_server.engine.space.warp import Points, Warp, scale_of

_LOG_DIGITS = 13
"""Significant digits of a value that went through a logarithm. Further ones are rounding: 1e-4 would come as
9.999999999999991e-05."""


class Continuum:
    """A float parameter without a step."""

    middle = 0.5
    ends = (0.0, 1.0)

    def __init__(self, domain: FloatDomain) -> None:
        self._low, self._high = domain.min, domain.max
        self._warp = Warp(scale_of(domain), domain.min, domain.max)
        self._start, end = self._warp.apply(np.array([domain.min, domain.max]))
        self._width = end - self._start

    def encode(self, values: Sequence[ParameterValue]) -> Points:
        """The coordinates (n) of values of the domain."""
        warped = self._warp.apply(np.array(values, dtype=np.float64))
        return np.clip((warped - self._start) / self._width, 0.0, 1.0)

    def place(self, number: float) -> float:
        """Where a number of the range lies."""
        return float(self.encode([number])[0])

    def decode(self, coordinate: float) -> float:
        """The value at the coordinate; the ends are exact."""
        if coordinate <= 0.0:
            return float(self._low)
        if coordinate >= 1.0:
            return float(self._high)
        value = float(self._warp.invert(self._start + self._width * np.float64(coordinate)))
        if self._warp.scale is Scale.LOG:
            value = float(f"{value:.{_LOG_DIGITS}g}")
        return min(max(value, float(self._low)), float(self._high))

    def numbers(self, coordinates: Points) -> Points:
        """The values at coordinates of [0, 1], without the care for the last digit that `decode` takes."""
        return self._warp.invert(self._start + self._width * coordinates)

    def snap(self, coordinates: Points) -> Points:
        """The coordinates, those outside of [0, 1] moved to its ends."""
        return np.clip(coordinates, 0.0, 1.0)

    def spread(self, uniform: Points) -> Points:
        """The numbers as they are."""
        return uniform


class Levels:
    """An ordered parameter of finitely many values: exact up to 2^50 of them, on a log scale up to 2^45."""

    def __init__(self, domain: FloatDomain | IntDomain | DiscreteDomain) -> None:
        count = domain.cardinality
        if count is None:
            raise ValueError("a float parameter without a step has no levels")
        self.count = count
        self._last = count - 1
        self._domain = domain
        self._index = (
            {value: index for index, value in enumerate(domain.levels())} if isinstance(domain, DiscreteDomain) else {}
        )
        self._warp: Warp | None = None
        if isinstance(domain, FloatDomain | IntDomain) and (scale := scale_of(domain)) is not Scale.LINEAR:
            self._low, self._high, self._step = float(domain.min), float(domain.max), float(domain.step or 0)
            self._warp = Warp(scale, self._low, self._high)
            self._start, end = self._warp.apply(self._numbers(np.array([0, self._last])))
            self._width = end - self._start
        first, second, before_last, last = self.coordinates(np.array([0, 1, self._last - 1, self._last]))
        # Half a cell beyond each end, so that the first and the last value get a whole cell too.
        self._from = first - (second - first) / 2
        self._to = last + (last - before_last) / 2

    @property
    def ends(self) -> tuple[float, float]:
        """What `spread` fills evenly."""
        return self._from, self._to

    def place(self, number: float) -> float:
        """Where a number of the range lies: at a level or between two, on the column's scale; in a list by its places."""
        if isinstance(self._domain, DiscreteDomain):
            return float(np.interp(number, self._domain.values, self.coordinates(np.arange(self.count))))
        if self._warp is None:
            first, last = float(self._domain.min), float(self._domain.level(self._last))
            return min((number - first) / (last - first), 1.0)
        warped = float(self._warp.apply(np.array(number, dtype=np.float64)))
        return min((warped - float(self._start)) / float(self._width), 1.0)

    @property
    def middle(self) -> float:
        """The middle level."""
        return float(self.snap(np.array([0.5]))[0])

    def value(self, index: int) -> ParameterValue:
        """The value of level `index`."""
        domain = self._domain
        return domain.level(index) if isinstance(domain, FloatDomain | IntDomain) else domain.levels()[index]

    def index(self, value: ParameterValue) -> int:
        """The level that has the value."""
        domain = self._domain
        if isinstance(domain, IntDomain):
            return (int(value) - domain.min) // domain.step
        if isinstance(domain, FloatDomain):
            assert domain.step is not None
            return round((float(value) - domain.min) / domain.step)
        return self._index[value]  # type: ignore[index]  # a value of the domain is one of its levels

    def coordinates(self, indices: npt.NDArray[np.int64]) -> Points:
        """The coordinates of levels."""
        if self._warp is None:
            return indices / self._last
        return (self._warp.apply(self._numbers(indices)) - self._start) / self._width

    def nearest(self, coordinates: Points) -> npt.NDArray[np.int64]:
        """The nearest levels to coordinates."""
        inside = np.clip(coordinates, 0.0, 1.0)
        if self._warp is None:
            return np.rint(inside * self._last).astype(np.int64)
        values = self._warp.invert(self._start + self._width * inside)
        below = np.floor((values - self._low) / self._step).astype(np.int64)
        # The inverse may be off by rounding: look at one level more on either side of the value.
        options = np.clip(below[..., None] + np.arange(-1, 3), 0, self._last)
        best = np.abs(self.coordinates(options) - inside[..., None]).argmin(axis=-1)
        nearest: npt.NDArray[np.int64] = np.take_along_axis(options, best[..., None], axis=-1)[..., 0]
        return nearest

    def encode(self, values: Sequence[ParameterValue]) -> Points:
        """Coordinates (n) of values of the domain."""
        return self.coordinates(np.array([self.index(value) for value in values], dtype=np.int64))

    def decode(self, coordinate: float) -> ParameterValue:
        """The level next to the coordinate."""
        return self.value(int(self.nearest(np.array(coordinate))))

    def numbers(self, coordinates: Points) -> Points:
        """The values at coordinates of [0, 1]; between two levels a number between their values."""
        if self._warp is not None:
            return self._warp.invert(self._start + self._width * coordinates)
        if isinstance(self._domain, DiscreteDomain):
            values = np.array(self._domain.levels(), dtype=np.float64)
            return np.interp(coordinates, self.coordinates(np.arange(self.count)), values)
        first, step = float(self._domain.min), float(self._domain.step or 1)
        return np.minimum(first + step * (coordinates * self._last), float(self._domain.max))

    @property
    def widest(self) -> float:
        """The largest difference between the values of two levels next to each other."""
        if isinstance(self._domain, DiscreteDomain):
            return float(np.diff(np.array(self._domain.levels(), dtype=np.float64)).max())
        return float(self._domain.step or 1)

    def snap(self, coordinates: Points) -> Points:
        """The coordinates of the nearest levels."""
        return self.coordinates(self.nearest(coordinates))

    def spread(self, uniform: Points) -> Points:
        """Levels in the shares of their scale; equal ones on a linear scale."""
        return self.snap(self._from + (self._to - self._from) * uniform)

    def _numbers(self, indices: npt.NDArray[np.int64]) -> Points:
        return np.minimum(self._low + indices * self._step, self._high)


class Categories:
    """An unordered parameter. A bool is one: as a pair of names it measured better than as the numbers 0 and 1."""

    middle = 0.0

    def __init__(self, domain: CategoricalDomain | BoolDomain) -> None:
        self._values: tuple[ParameterValue, ...] = tuple(domain.levels())
        self.count = len(self._values)
        self._last = self.count - 1
        self._index: dict[ParameterValue, int] = {value: index for index, value in enumerate(self._values)}

    def value(self, index: int) -> ParameterValue:
        """The category with the index."""
        return self._values[index]

    def index(self, value: ParameterValue) -> int:
        """The index of a category."""
        return self._index[value]

    def coordinates(self, indices: npt.NDArray[np.int64]) -> Points:
        """The indices as they are."""
        return indices.astype(np.float64)

    def nearest(self, coordinates: Points) -> npt.NDArray[np.int64]:
        """The nearest indices to coordinates."""
        return self.snap(coordinates).astype(np.int64)

    def encode(self, values: Sequence[ParameterValue]) -> Points:
        """Indices (n) of values of the domain."""
        return np.array([self._index[value] for value in values], dtype=np.float64)

    def decode(self, coordinate: float) -> ParameterValue:
        """The value of the index."""
        return self._values[min(max(round(coordinate), 0), self._last)]

    def snap(self, coordinates: Points) -> Points:
        """The nearest indices."""
        return np.clip(np.rint(coordinates), 0, self._last)

    def spread(self, uniform: Points) -> Points:
        """Indices in equal shares."""
        return np.minimum(np.floor(uniform * (self._last + 1)), self._last)


Column = Continuum | Levels | Categories


def column_of(domain: Domain) -> Column:
    """The column of a parameter with the domain."""
    if isinstance(domain, CategoricalDomain | BoolDomain):
        return Categories(domain)
    if isinstance(domain, FloatDomain) and domain.step is None:
        return Continuum(domain)
    return Levels(domain)
