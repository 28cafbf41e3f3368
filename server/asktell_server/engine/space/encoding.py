"""Search space ↔ unit cube: configurations as points, one column per parameter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from asktell_server.domain.fidelity import search_domain
from asktell_server.domain.space import ABSENT, Configuration, Key, ParameterValue, SearchSpace
from asktell_server.engine.space.activity import Activity, Mask
from asktell_server.engine.space.columns import Categories, Column, Continuum, column_of
from asktell_server.engine.space.lattice import Axis, Ticks, ticks
from asktell_server.engine.space.priors import Marginal, marginal_of
from asktell_server.engine.space.warp import Points

INFINITE = "the space has infinitely many configurations"


class Encoding:
    """The columns of a space, in its order, and what is believed of good values along some of them.

    Every configuration is a point of as many coordinates as the space has parameters. A parameter that is absent from a
    configuration lies at the middle of its column, whatever it would be if it were there: so two
    configurations without it do not differ along that column, every point stays a point of the cube, and equal
    configurations have equal points. Which parameters are absent follows from the others, so a point needs no mark of it:
    `activity` says it, and is None where all always exist.

    Where some parameters are `fixed`, their columns are `held`: configurations with other values have their points as ever, but what
    is snapped, spread or decoded has the fixed values, and the columns are not among those to move along (`continuous`,
    `discrete`).
    """

    def __init__(self, space: SearchSpace, fixed: Configuration | None = None) -> None:
        self.names = tuple(parameter.name for parameter in space.parameters)
        self.columns: tuple[Column, ...] = tuple(
            column_of(search_domain(parameter) or parameter.domain) for parameter in space.parameters
        )
        self.priors: Mapping[int, Marginal] = {
            index: marginal_of(parameter.prior, column)
            for index, (parameter, column) in enumerate(zip(space.parameters, self.columns, strict=True))
            if parameter.prior is not None
        }
        self._parameters = space.parameters
        self.activity = None if space.forest is None else Activity(space.forest, self.columns)
        self._fixed = {index: fixed[name] for index, name in enumerate(self.names) if name in fixed} if fixed else {}
        self.held: Mapping[int, float] = {
            index: float(self.columns[index].encode([value])[0]) for index, value in self._fixed.items()
        }
        kinds = [type(column) for column in self.columns]
        free = [(index, kind) for index, kind in enumerate(kinds) if index not in self.held]
        self.continuous = tuple(index for index, kind in free if kind is Continuum)
        self.discrete = tuple(index for index, kind in free if kind is not Continuum)
        self.numeric = tuple(index for index, kind in enumerate(kinds) if kind is not Categories)
        self.categorical = tuple(index for index, kind in enumerate(kinds) if kind is Categories)

    @property
    def dimension(self) -> int:
        """How many columns there are."""
        return len(self.columns)

    def encode(self, configurations: Sequence[Configuration]) -> Points:
        """Points (n x d) of configurations that the space accepts."""
        return self._encoded(
            [[one.get(name, ABSENT) for one in configurations] for name in self.names], len(configurations)
        )

    def encode_keys(self, keys: Sequence[Key]) -> Points:
        """Points (n x d) of the configurations with these keys."""
        return self._encoded([[key[index] for key in keys] for index in range(self.dimension)], len(keys))

    def decode(self, point: Points) -> dict[str, ParameterValue]:
        """The configuration nearest to a point (d)."""
        active = self.active(point[None, :])[0]
        return {
            name: self._fixed[index] if index in self._fixed else column.decode(float(point[index]))
            for index, (name, column) in enumerate(zip(self.names, self.columns, strict=True))
            if active[index]
        }

    def active(self, points: Points) -> Mask:
        """Which parameters exist in the configurations of points (n x d)."""
        return np.ones(points.shape, dtype=bool) if self.activity is None else self.activity.of(points)

    def snap(self, points: Points) -> Points:
        """The nearest points (n x d) that are configurations."""
        return self._hold(_each(points, [column.snap for column in self.columns]))

    def spread(self, uniform: Points) -> Points:
        """Uniform numbers of [0, 1) (n x d) as configurations, every value in the share that its scale gives it."""
        return self._hold(_each(uniform, [column.spread for column in self.columns]))

    def centre(self) -> Points:
        """The middle (d) of the space: declared defaults, else what priors hold for best, else the middle level, else the first
        category.
        """
        point = np.empty(self.dimension)
        for index, (parameter, column) in enumerate(zip(self._parameters, self.columns, strict=True)):
            if parameter.default is not None:
                point[index] = column.encode([parameter.domain.normalize(parameter.default)])[0]
            elif index in self.priors:
                point[index] = self.priors[index].mode
            else:
                point[index] = column.middle
        point = self._hold(point[None, :])[0]
        return point if self.activity is None else self.activity.canonical(point[None, :])[0]

    def favouring(self, uniform: Points) -> Points:
        """Uniform numbers of [0, 1) (n x d) moved so that `spread` gives values in the shares that priors give them."""
        moved = uniform.copy()
        for index, prior in self.priors.items():
            moved[:, index] = prior.quantiles(uniform[:, index])
        return moved

    def _hold(self, points: Points) -> Points:
        """The points (n x d), in place, with the coordinates of what is fixed."""
        for index, coordinate in self.held.items():
            points[:, index] = coordinate
        return points

    def axes(self) -> list[Axis]:
        """The values along each column; none along a continuum that may be absent from all configurations.

        Raises:
            ValueError: there is a continuum without conditions.
        """
        axes: list[Axis] = []
        for index, column in enumerate(self.columns):
            if index in self._fixed:
                axes.append(Ticks([self._fixed[index]]))
            elif not isinstance(column, Continuum):
                axes.append(column)
            elif self.activity is not None:
                axes.append(Ticks([]))
            else:
                raise ValueError(INFINITE)
        return axes

    def ticks(self, levels: Sequence[int]) -> list[Axis]:
        """So many values along each column (d), equally spaced in its scale; the fixed one alone where it is held."""
        return [
            Ticks([self._fixed[index]]) if index in self._fixed else ticks(column, count)
            for index, (column, count) in enumerate(zip(self.columns, levels, strict=True))
        ]

    def _encoded(self, values: Sequence[Sequence[Any]], count: int) -> Points:
        points = np.empty((count, self.dimension))
        for index, column in enumerate(self.columns):
            if self.activity is None:
                points[:, index] = column.encode(values[index])
                continue
            there = np.array([value is not ABSENT for value in values[index]], dtype=bool)
            points[:, index] = column.middle
            points[there, index] = column.encode([value for value in values[index] if value is not ABSENT])
        return points


def _each(points: Points, maps: Sequence[Callable[[Points], Points]]) -> Points:
    return np.stack([apply(points[:, index]) for index, apply in enumerate(maps)], axis=1)
