"""Every point of a grid, once, in an order that covers the space early.

The order is a pseudo-random permutation of the points, given by the study's seed: a Feistel network on the point's
number, walked until it falls inside the grid (Black & Rogaway, "Ciphers with Arbitrary Finite Domains", 2002). It
needs no memory, so a grid of a million points costs what a small one does, and a study that stops early has seen
all of the space alike.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from asktell_server.domain.trial import Origin
from asktell_server.engine.problem import StudyTask, Suggestion, SuggestResult
from asktell_server.engine.seeding import study_generator
from asktell_server.engine.space.lattice import Lattice

_ROUNDS = 6
_Integers = npt.NDArray[np.uint64]


class GridSampler:
    """Walks the grid of a study."""

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """Never."""
        return False

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """The next points, all of them before any comes again; fewer than `count` at the grid's end."""
        grid = _grid(task)
        uses = _uses(task, grid)
        keys = study_generator(task, "grid").integers(0, 2**32, size=_ROUNDS, dtype=np.uint64)
        # As many places as are taken and wanted hold enough free points, wherever the taken ones lie.
        places = np.arange(min(len(uses) + count, grid.size), dtype=np.uint64)
        points = [int(point) for point in permute(places, size=grid.size, keys=keys)]
        free: list[int] = []
        for most in range(task.problem.replicates):
            free += [point for point in points if uses[point] <= most][: count - len(free)]
        configurations = [task.history.space.configuration(grid.key(point)) for point in free]
        return SuggestResult(
            suggestions=tuple(Suggestion(parameters=one, origin=Origin.SAMPLER) for one in configurations)
        )


def _grid(task: StudyTask) -> Lattice:
    algorithm, space = task.problem.algorithm, task.problem.space
    counts = algorithm.grid_axes(space)
    if counts is None:
        raise TypeError(f"needs the settings of a grid, got {algorithm.kind}")
    return task.region.grid(counts)


def _uses(task: StudyTask, grid: Lattice) -> Counter[int]:
    """How often each point, by its number, has been tried or is running; somebody's own configurations have none."""
    keys = [*task.history.keys, *map(task.history.space.key, task.pending)]
    return Counter(number for number in map(grid.number, keys) if number is not None)


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
