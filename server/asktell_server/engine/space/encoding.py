"""Search space ↔ unit cube: configurations as points, one column per parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from asktell_server.domain.space import Configuration, Key, ParameterValue, SearchSpace
from asktell_server.engine.space.columns import Categories, Column, Continuum, column_of
from asktell_server.engine.space.warp import Points


class Encoding:
    """The columns of a space, in its order.

    Every configuration is a point of as many coordinates as the space has parameters. A parameter that is absent from a
    configuration (today none ever is) lies at the middle of its column, whatever it would be if it were there: so two
    configurations without it do not differ along that column, every point stays a point of the cube, and equal
    configurations have equal points. Which parameters are absent follows from the others, so a point needs no mark of it.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.names = tuple(parameter.name for parameter in space.parameters)
        self.columns: tuple[Column, ...] = tuple(column_of(parameter.domain) for parameter in space.parameters)
        self._parameters = space.parameters
        kinds = [type(column) for column in self.columns]
        self.continuous = tuple(index for index, kind in enumerate(kinds) if kind is Continuum)
        self.discrete = tuple(index for index, kind in enumerate(kinds) if kind is not Continuum)
        self.numeric = tuple(index for index, kind in enumerate(kinds) if kind is not Categories)
        self.categorical = tuple(index for index, kind in enumerate(kinds) if kind is Categories)

    @property
    def dimension(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    def encode(self, configurations: Sequence[Configuration]) -> Points:
        """Points (n x d) of configurations that the space accepts."""
        return self._encoded([[one[name] for one in configurations] for name in self.names], len(configurations))

    def encode_keys(self, keys: Sequence[Key]) -> Points:
        """Points (n x d) of the configurations with these keys."""
        columns: list[Any] = [
            [key[index] for key in keys] for index in range(self.dimension)
        ]  # in a box none is absent
        return self._encoded(columns, len(keys))

    def decode(self, point: Points) -> dict[str, ParameterValue]:
        """The configuration nearest to a point (d)."""
        return {
            name: column.decode(float(coordinate))
            for name, column, coordinate in zip(self.names, self.columns, point, strict=True)
        }

    def snap(self, points: Points) -> Points:
        """The nearest points (n x d) that are configurations."""
        return _each(points, [column.snap for column in self.columns])

    def spread(self, uniform: Points) -> Points:
        """Uniform numbers of [0, 1) (n x d) as configurations, every value in the share that its scale gives it."""
        return _each(uniform, [column.spread for column in self.columns])

    def centre(self) -> Points:
        """The middle (d) of the space: declared defaults, else the middle level, else the first category."""
        point = np.empty(self.dimension)
        for index, (parameter, column) in enumerate(zip(self._parameters, self.columns, strict=True)):
            if parameter.default is not None:
                point[index] = column.encode([parameter.domain.normalize(parameter.default)])[0]
            else:
                point[index] = column.middle
        return point

    def _encoded(self, values: Sequence[Sequence[ParameterValue]], count: int) -> Points:
        points = np.empty((count, self.dimension))
        for index, column in enumerate(self.columns):
            points[:, index] = column.encode(values[index])
        return points


def _each(points: Points, maps: Sequence[Callable[[Points], Points]]) -> Points:
    return np.stack([apply(points[:, index]) for index, apply in enumerate(maps)], axis=1)
