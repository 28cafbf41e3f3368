"""Every point of a grid, once, in an order that covers the space early.

The order is a pseudo-random permutation of the points, given by the study's seed: a Feistel network on the point's
number, walked until it falls inside the grid (Black & Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). It
needs no memory, so a grid of a million points costs what a small one does, and a study that stops early has seen
all of the space alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import ABSENT, Key, ParameterValue
from asktell_server.domain.trial import Origin
from asktell_server.engine.encoding import Column, Continuum, Encoding, Levels
from asktell_server.engine.problem import Suggestion, SuggestResult, SuggestTask
from asktell_server.engine.seeding import study_generator

_ROUNDS = 6
_Integers = npt.NDArray[np.uint64]


class GridSampler:
    """Walks the grid of a study."""

    def needs_model(self, task: SuggestTask) -> bool:
        """Never."""
        return False

    def suggest(self, task: SuggestTask) -> SuggestResult:
        """The next points, all of them before any comes again; fewer than `task.count` at the grid's end."""
        axes = grid_axes(task)
        uses = _uses(task, axes)
        size = int(np.prod([len(axis) for axis in axes]))
        keys = study_generator(task, "grid").integers(0, 2**32, size=_ROUNDS, dtype=np.uint64)
        # As many places as are taken and wanted hold enough free points, wherever the taken ones lie.
        places = np.arange(min(len(uses) + task.count, size), dtype=np.uint64)
        points = [int(point) for point in permute(places, size=size, keys=keys)]
        free: list[int] = []
        for most in range(task.problem.replicates):
            free += [point for point in points if uses[point] <= most][: task.count - len(free)]
        space = task.problem.space
        return SuggestResult(
            suggestions=tuple(
                Suggestion(parameters=space.configuration(_at(axes, point)), origin=Origin.SAMPLER) for point in free
            )
        )


def grid_axes(task: SuggestTask) -> list[list[ParameterValue]]:
    """The grid's values along each parameter, rising."""
    counts = task.problem.algorithm.grid_axes(task.problem.space)
    if counts is None:
        raise TypeError(f"needs the settings of a grid, got {task.problem.algorithm.kind}")
    encoding = Encoding(task.problem.space)
    return [_axis(column, count) for column, count in zip(encoding.columns, counts, strict=True)]


def permute(places: _Integers, *, size: int, keys: _Integers) -> _Integers:
    """The numbers in [0, size) that stand at `places` of the order that `keys` give."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    numbers = places.copy()
    outside = np.ones(len(numbers), dtype=bool)
    while outside.any():
        numbers[outside] = _feistel(numbers[outside], half=half, keys=keys)
        outside = numbers >= size
    return numbers


def _feistel(numbers: _Integers, *, half: int, keys: _Integers) -> _Integers:
    mask = np.uint64((1 << half) - 1)
    shift = np.uint64(half)
    left, right = numbers >> shift, numbers & mask
    for key in keys:
        mixed = (right + key) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        left, right = right, left ^ ((mixed >> np.uint64(32)) & mask)
    return (left << shift) | right


def _axis(column: Column, count: int) -> list[ParameterValue]:
    """`count` values equally spaced in the parameter's scale, both ends included."""
    equal = np.linspace(0.0, 1.0, count)
    if isinstance(column, Continuum):
        return [column.decode(float(coordinate)) for coordinate in equal]
    if isinstance(column, Levels) and count < column.count:
        return [column.value(index) for index in _distinct(column.nearest(equal), column.count)]
    return [column.value(index) for index in range(column.count)]


def _distinct(indices: npt.NDArray[np.int64], count: int) -> list[int]:
    """Rising indices below `count`, moved as little as makes them distinct (a log scale crowds the low ones)."""
    distinct = [int(index) for index in indices]
    for place in range(1, len(distinct)):
        distinct[place] = max(distinct[place], distinct[place - 1] + 1)
    ceiling = count
    for place in reversed(range(len(distinct))):
        ceiling = distinct[place] = min(distinct[place], ceiling - 1)
    return distinct


def _uses(task: SuggestTask, axes: Sequence[Sequence[ParameterValue]]) -> Counter[int]:
    """How often each point, by its number, has been tried or is running."""
    lookups = [{value: index for index, value in enumerate(axis)} for axis in axes]
    uses: Counter[int] = Counter()
    for configuration in [*(observation.parameters for observation in task.observations), *task.pending]:
        number = 0
        for value, lookup in zip(task.problem.space.key(configuration), lookups, strict=True):
            index = None if value is ABSENT else lookup.get(value)
            if index is None:  # somebody's own configuration, which is no point of the grid
                break
            number = number * len(lookup) + index
        else:
            uses[number] += 1
    return uses


def _at(axes: Sequence[Sequence[ParameterValue]], number: int) -> Key:
    """The key of the grid's point `number` (the last parameter runs fastest)."""
    values: list[ParameterValue] = []
    for axis in reversed(axes):
        number, index = divmod(number, len(axis))
        values.append(axis[index])
    return tuple(reversed(values))
