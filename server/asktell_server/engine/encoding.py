"""Search space ↔ unit cube.

One column per parameter. A continuum fills [0, 1] in the parameter's own scale. The levels of an ordered finite
parameter lie at i/(k-1), or where a log scale puts them, with the first at 0 and the last at 1; nothing between
them is a value. A categorical column holds the index of the value, 0 to k-1, and its order means nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Configuration,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)

Points = npt.NDArray[np.float64]
"""Encoded configurations, one per row: n x d."""

_NARROW = 1e-6
_LOG_DIGITS = 13
"""Of a value that went through a logarithm; those after them are its noise: 1e-4 would come as 9.999999999999991e-05."""


@dataclass(frozen=True, slots=True)
class _Warp:
    """Values in an order-keeping scale on which equal differences count the same."""

    scale: Scale
    low: float
    high: float

    def apply(self, values: Points) -> Points:
        match self.scale:
            case Scale.LINEAR:
                return values
            case Scale.LOG:
                return np.log(values)
            case Scale.REVERSE_LOG:
                return -np.log(np.maximum(self.low + (self.high - values), self.low))

    def invert(self, warped: Points) -> Points:
        match self.scale:
            case Scale.LINEAR:
                return warped
            case Scale.LOG:
                return np.exp(warped)
            case Scale.REVERSE_LOG:
                return self.high - (np.exp(-warped) - self.low)


def _scale(domain: FloatDomain | IntDomain) -> Scale:
    """The scale to compute in: on a very narrow range all are the same, and a logarithm has too few digits."""
    return Scale.LINEAR if domain.max - domain.min <= _NARROW * abs(domain.min) else domain.scale


class Continuum:
    """A float parameter without a step."""

    def __init__(self, domain: FloatDomain) -> None:
        self._low, self._high = domain.min, domain.max
        self._warp = _Warp(_scale(domain), domain.min, domain.max)
        self._start, end = self._warp.apply(np.array([domain.min, domain.max]))
        self._width = end - self._start

    def encode(self, values: Sequence[ParameterValue]) -> Points:
        """Coordinates (n) of values of the domain."""
        warped = self._warp.apply(np.array(values, dtype=np.float64))
        return np.clip((warped - self._start) / self._width, 0.0, 1.0)

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

    def snap(self, coordinates: Points) -> Points:
        """The coordinates, held within [0, 1]."""
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
        self._warp: _Warp | None = None
        if isinstance(domain, FloatDomain | IntDomain) and (scale := _scale(domain)) is not Scale.LINEAR:
            self._low, self._high, self._step = float(domain.min), float(domain.max), float(domain.step or 0)
            self._warp = _Warp(scale, self._low, self._high)
            self._start, end = self._warp.apply(self._numbers(np.array([0, self._last])))
            self._width = end - self._start
        first, second, before_last, last = self.coordinates(np.array([0, 1, self._last - 1, self._last]))
        # Half a cell beyond each end, so that the first and the last value get a whole cell too.
        self._from = first - (second - first) / 2
        self._to = last + (last - before_last) / 2

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
        """The levels next to coordinates."""
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


class Encoding:
    """The columns of a space, in its order."""

    def __init__(self, space: SearchSpace) -> None:
        self.names = space.names
        self.columns: tuple[Column, ...] = tuple(_column(parameter.domain) for parameter in space.parameters)
        self.parameters: tuple[Parameter, ...] = space.parameters

    @property
    def dimension(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    @property
    def categorical(self) -> list[int]:
        """The columns whose values have no order."""
        return [index for index, column in enumerate(self.columns) if isinstance(column, Categories)]

    def encode(self, configurations: Sequence[Configuration]) -> Points:
        """Points (n x d) of configurations that the space accepts."""
        points = np.empty((len(configurations), self.dimension))
        for index, (name, column) in enumerate(zip(self.names, self.columns, strict=True)):
            points[:, index] = column.encode([configuration[name] for configuration in configurations])
        return points

    def decode(self, point: Points) -> dict[str, ParameterValue]:
        """The configuration nearest to a point (d)."""
        return {
            name: column.decode(float(coordinate))
            for name, column, coordinate in zip(self.names, self.columns, point, strict=True)
        }

    def snap(self, points: Points) -> Points:
        """The nearest points (n x d) that are configurations."""
        return self._each(points, [column.snap for column in self.columns])

    def spread(self, uniform: Points) -> Points:
        """Uniform numbers of [0, 1) (n x d) as configurations, every value in the share that its scale gives it."""
        return self._each(uniform, [column.spread for column in self.columns])

    def centre(self) -> Points:
        """The middle (d) of the space: declared defaults, else the middle level, else the first category."""
        point = np.empty(self.dimension)
        for index, (parameter, column) in enumerate(zip(self.parameters, self.columns, strict=True)):
            if parameter.default is not None:
                point[index] = column.encode([parameter.domain.normalize(parameter.default)])[0]
            else:
                point[index] = 0.0 if isinstance(column, Categories) else column.snap(np.array([0.5]))[0]
        return point

    @staticmethod
    def _each(points: Points, maps: Sequence[_Map]) -> Points:
        return np.stack([apply(points[:, index]) for index, apply in enumerate(maps)], axis=1)


class _Map(Protocol):
    def __call__(self, coordinates: Points, /) -> Points: ...


def _column(domain: Domain) -> Column:
    if isinstance(domain, CategoricalDomain | BoolDomain):
        return Categories(domain)
    if isinstance(domain, FloatDomain) and domain.step is None:
        return Continuum(domain)
    return Levels(domain)
