"""The best point of an acquisition function over a space of numbers, levels and categories.

Raw points are scored; the best few are refined by turns: L-BFGS along continuous columns, then the best change of one
discrete column, until neither helps. Levels are continuous for the first climb where there are more than 24 of a
parameter, or many parameters of them, and settled afterwards (on ±1 and ±3 above 24); nothing is left between levels. Points that have been tried or are running are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from botorch.optim.batched_lbfgs_b import fmin_l_bfgs_b_batched

from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.encoding import Categories, Column, Continuum, Encoding, Levels, Points

STARTS = 3
MAX_STEPS = 40
LATER_STEPS = 10
"""Steps of a climb that begins where another has ended and one discrete column has changed."""
MAX_ROUNDS = 6
MAX_CHANGES = 30
"""Changes of discrete columns between two climbs."""
MAX_OPTIONS = 128
"""Where a point has up to so many neighbours all are compared before it moves. Where it has more, only those along a few
columns at a time: 100 columns would otherwise cost a thousand scores for each change of one."""
BLOCK_OPTIONS = 32
MAX_SWEEPS = 5
"""How often each of those few columns come up between two climbs."""
SWEPT_LEVELS = 24
"""Ordered parameters up to this many levels are tried at every level; others at the nearest ones."""
_NEAR = (-3, -1, 1, 3)
_STEP_GAIN, _GRADIENT = 1e-6, 1e-4  # of a step of L-BFGS: finer ones do not change what is suggested
_GAIN = 1e-3  # of log expected improvement: a thousandth of the improvement is not worth another look around


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A point (d) and its acquisition value."""

    point: Points
    value: float


class Taken:
    """Points that are not to be found again."""

    def __init__(self, points: Points) -> None:
        self._keys = set(_keys(points))

    def __contains__(self, point: Points) -> bool:
        return _keys(point[None, :])[0] in self._keys

    def free(self, points: Points) -> Points:
        """Those of the points (n x d) that are not taken, each once."""
        free = {key: index for index, key in enumerate(_keys(points)) if key not in self._keys}
        return points[sorted(free.values())]

    def add(self, point: Points) -> None:
        """Takes one more."""
        self._keys.update(_keys(point[None, :]))


class Search:
    """Looks for the best points of a space."""

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        columns = list(enumerate(encoding.columns))
        self._numeric = [index for index, column in columns if not isinstance(column, Categories)]
        self._continuous = [index for index, column in columns if isinstance(column, Continuum)]
        self._discrete = [(index, column) for index, column in columns if not isinstance(column, Continuum)]
        self._blocks = _blocks(self._discrete)
        few = len(self._blocks) == 1
        self._relaxed = [
            index
            for index, column in self._discrete
            if isinstance(column, Levels) and not (few and column.count <= SWEPT_LEVELS)
        ]
        self._turns = MAX_CHANGES if few else MAX_SWEEPS * len(self._blocks)

    def maximize(self, acquisition: Acquisition, raw: Points, taken: Taken) -> Found | None:
        """The best free point that is found from `raw` (n x d); None when all of `raw` is taken."""
        raw = taken.free(raw)
        if not len(raw):
            return None
        starts = raw[np.argsort(-acquisition.rough_scores(raw), kind="stable")[:STARTS]]
        values = acquisition.scores(starts)
        best = Found(point=starts[values.argmax()], value=float(values.max()))
        for point, value in self._refine(acquisition, starts, values, taken):
            if value > best.value and point not in taken:
                best = Found(point=point, value=value)
        return best

    def _refine(
        self, acquisition: Acquisition, points: Points, values: Points, taken: Taken
    ) -> Iterator[tuple[Points, float]]:
        """Where the searches from points (n x d) with acquisition values (n) end."""
        if self._continuous or self._relaxed:
            numbers = [*self._continuous, *self._relaxed]
            points, values = self._climb(acquisition, points, values, numbers, steps=MAX_STEPS)
        for turn in range(MAX_ROUNDS if self._discrete else 0):
            before = values.copy()
            points, values = self._step(acquisition, points, values, taken)
            moved = values > before + _GAIN
            if turn == 0 and self._relaxed:
                moved[:] = True  # settling levels may have cost what the climb had won along the other columns
            if not moved.any() or not self._continuous:
                break
            points[moved], values[moved] = self._climb(
                acquisition, points[moved], values[moved], self._continuous, steps=LATER_STEPS
            )
        yield from zip(points, map(float, values), strict=True)

    def _climb(
        self, acquisition: Acquisition, points: Points, values: Points, free: list[int], *, steps: int
    ) -> tuple[Points, Points]:
        """At most `steps` of L-BFGS along the columns `free`, each start on its own; keeps a start that would end lower."""
        places = [self._numeric.index(column) for column in free]
        whole = points.copy()

        def losses(coordinates: Points, batch_indices: list[int]) -> tuple[Points, Points]:
            whole[np.ix_(batch_indices, free)] = coordinates
            scores, gradients = acquisition.scores_with_gradient(whole[batch_indices])
            return -scores, -gradients[:, places]

        ends = points.copy()
        ends[:, free], _, _ = fmin_l_bfgs_b_batched(
            losses,
            points[:, free],
            bounds=[(0.0, 1.0)] * len(free),
            maxiter=steps,
            factr=None,
            ftol=_STEP_GAIN,
            pgtol=_GRADIENT,
            pass_batch_indices=True,
        )
        snapped = self._encoding.snap(ends)
        reached = acquisition.scores(snapped)
        better = reached > values
        return np.where(better[:, None], snapped, points), np.where(better, reached, values)

    def _step(self, acquisition: Acquisition, points: Points, values: Points, taken: Taken) -> tuple[Points, Points]:
        """Each point after its best changes of one discrete column at a time, as long as one helps."""
        points, values = points.copy(), values.copy()
        in_vain = np.zeros(len(points), dtype=int)  # blocks of columns in a row that had nothing better
        for turn in range(self._turns):
            going = np.flatnonzero(in_vain < len(self._blocks))
            if not len(going):
                break
            block = self._blocks[turn % len(self._blocks)]
            around = [self._neighbours(points[index], block, taken) for index in going]
            scores = acquisition.scores(np.concatenate(around))
            for index, neighbours, reached in zip(
                going, around, np.split(scores, np.cumsum([len(each) for each in around])[:-1]), strict=True
            ):
                in_vain[index] += 1
                if len(reached) and reached.max() > values[index] + _GAIN:
                    points[index], values[index] = neighbours[reached.argmax()], reached.max()
                    in_vain[index] = 0
        return points, values

    def _neighbours(self, point: Points, block: Sequence[tuple[int, Column]], taken: Taken) -> Points:
        """All free points that differ from one in a single column of the block."""
        changed = []
        for index, column in block:
            coordinates = _options(column, point[index])
            neighbours = np.repeat(point[None, :], len(coordinates), axis=0)
            neighbours[:, index] = coordinates
            changed.append(neighbours)
        neighbours = np.concatenate(changed)
        return neighbours if self._continuous else taken.free(neighbours)


def _blocks(columns: Sequence[tuple[int, Column]]) -> list[list[tuple[int, Column]]]:
    """Columns that are looked at together: all, where they have few options."""
    options = [len(_options(column, 0.5)) for _, column in columns]
    if sum(options) <= MAX_OPTIONS:
        return [list(columns)]
    places = (np.cumsum(options) - 1) // BLOCK_OPTIONS
    return [[columns[at] for at in np.flatnonzero(places == place).tolist()] for place in np.unique(places)]


def _options(column: Column, coordinate: float) -> Points:
    """Other coordinates of a discrete column."""
    assert not isinstance(column, Continuum)
    if isinstance(column, Categories) or column.count <= SWEPT_LEVELS:
        coordinates = column.coordinates(np.arange(column.count))
    else:
        level = int(column.nearest(np.array(coordinate)))
        near = np.array([level + step for step in _NEAR])
        coordinates = column.coordinates(near[(near >= 0) & (near < column.count)])
    return coordinates[coordinates != coordinate]


def _keys(points: Points) -> list[bytes]:
    # Rounding: the same level may come from two formulas. Adding 0.0 turns -0.0 into 0.0.
    return [point.tobytes() for point in np.round(points, 12) + 0.0]
