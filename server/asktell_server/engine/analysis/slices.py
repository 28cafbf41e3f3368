"""What is believed of a metric along one or two parameters, while the others stay."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import Configuration, ParameterValue, SearchSpace
from asktell_server.engine.space.lattice import ticks
from asktell_server.engine.space.region import region_of

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Beliefs about a metric at the points of a slice (m), in its unit; `kept`: which of them keep the space's constraints."""

    means: Vector
    deviations: Vector
    kept: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceQuestion:
    """Asks for the beliefs about a metric at all combinations of the values of `axes`, the last parameter running fastest.

    `base` has a value for every parameter, also for those that are not there: they may be, beside a value of an axis.
    """

    metric: str
    base: tuple[ParameterValue, ...]
    axes: tuple[tuple[str, tuple[ParameterValue, ...]], ...]

    @property
    def count(self) -> int:
        """How many points there are."""
        return math.prod(len(values) for _, values in self.axes)

    @property
    def size(self) -> int:
        """See Question."""
        return len(self.base) + sum(len(values) for _, values in self.axes) + 3 * self.count

    def configurations(self, space: SearchSpace) -> Iterator[Configuration]:
        """The configurations of the points, in their order, with what is there in each."""
        base = dict(zip(space.names, self.base, strict=True))
        names = [name for name, _ in self.axes]
        for values in itertools.product(*(values for _, values in self.axes)):
            yield space.active({**base, **dict(zip(names, values, strict=True))})

    def answer(self, model: StudyModel) -> Slice:
        """See Question."""
        encoding, region = model.region.encoding, model.region
        places = [encoding.names.index(name) for name, _ in self.axes]
        coordinates = [
            encoding.columns[place].encode(values) for place, (_, values) in zip(places, self.axes, strict=True)
        ]
        points = np.repeat(model.points([self.base]), self.count, axis=0)
        for place, grid in zip(places, np.meshgrid(*coordinates, indexing="ij"), strict=True):
            points[:, place] = grid.ravel()
        if encoding.activity is not None:
            points = encoding.activity.canonical(points)
        beliefs = model.beliefs(points, self.metric)
        kept = np.ones(len(points), dtype=bool) if region.limits is None else region.limits.kept(points)
        return Slice(means=beliefs.means, deviations=beliefs.deviations, kept=kept)


def values_along(space: SearchSpace, parameter: str, resolution: int) -> tuple[ParameterValue, ...]:
    """`resolution` values of a parameter, equally spaced in its scale; all of them, where it has no more, and all categories."""
    axis = ticks(region_of(space).encoding.columns[space.names.index(parameter)], resolution)
    return tuple(axis.value(index) for index in range(axis.count))


def middle(space: SearchSpace) -> Configuration:
    """A value for each parameter, also where it is not there: its default, else what its prior holds for best, else its middle."""
    encoding = region_of(space).encoding
    values: dict[str, ParameterValue] = {}
    for parameter, column, place in zip(space.parameters, encoding.columns, itertools.count()):
        if parameter.default is not None:
            values[parameter.name] = parameter.domain.normalize(parameter.default)
        else:
            values[parameter.name] = column.decode(
                encoding.priors[place].mode if place in encoding.priors else column.middle
            )
    return values
