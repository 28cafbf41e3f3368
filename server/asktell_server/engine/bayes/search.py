"""The best point of an acquisition function over a region of numbers, levels and categories.

Raw points are scored. The best few are refined by two kinds of moves in turn, until neither helps: a climb along the
continuous columns by L-BFGS, and the best change of one discrete column. Where an ordered parameter has more than 24
levels, or where there are many discrete parameters, the first climb treats levels as continuous; it ends on the nearest
levels, and changes of single columns settle the rest. Where a climb would leave the region by a constraint on parameters, it is made
again within it. Points that have been tried or are running are passed over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from botorch.optim.batched_lbfgs_b import fmin_l_bfgs_b_batched
from scipy import optimize

from asktell_server.engine.bayes.acquisition import Scorer
from asktell_server.engine.bayes.taken import Taken
from asktell_server.engine.space.box import SWEPT_LEVELS
from asktell_server.engine.space.columns import Levels
from asktell_server.engine.space.limits import Limits
from asktell_server.engine.space.region import Region
from asktell_server.engine.space.warp import Points

STARTS = 3
MAX_STEPS = 40
LATER_STEPS = 10
"""Steps of a climb that begins where another has ended and one discrete column has changed."""
MAX_ROUNDS = 6
MAX_CHANGES = 30
"""Changes of discrete columns between two climbs."""
MAX_OPTIONS = 128
"""Neighbours of a point up to which all are compared before it moves. Where it has more, it moves after those along a few
columns have been compared: 100 columns would otherwise cost a thousand scores for each change of one."""
BLOCK_OPTIONS = 32
"""Neighbours along those few columns, about."""
MAX_SWEEPS = 5
"""How often each of those few columns come up between two climbs."""
_STEP_GAIN, _GRADIENT = 1e-6, 1e-4  # where a climb ends: finer steps do not change what is suggested
_GAIN = 1e-3  # of log expected improvement: a change that improves by less than a thousandth is not worth a move


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A point (d) and its acquisition value."""

    point: Points
    value: float


class Search:
    """Looks for the best points of a region."""

    def __init__(self, region: Region) -> None:
        self._region = region
        encoding = region.encoding
        self._numeric, self._continuous, self._discrete = encoding.numeric, encoding.continuous, encoding.discrete
        self._blocks = _blocks(region)
        few = len(self._blocks) == 1
        # What is active stays so in a climb: parents only change in steps.
        parents = encoding.activity.parents if encoding.activity else frozenset()
        self._relaxed = tuple(
            index
            for index in self._discrete
            if isinstance(column := encoding.columns[index], Levels)
            and not (few and column.count <= SWEPT_LEVELS)
            and index not in parents
        )
        self._turns = MAX_CHANGES if few else MAX_SWEEPS * len(self._blocks)

    def maximize(self, scorer: Scorer, raw: Points, taken: Taken) -> Found | None:
        """The best free point that is found from `raw` (n x d) and near to none that is taken, or, where all of `raw` is near
        to one, the best free one of `raw`; None when all of `raw` is taken.
        """
        raw = taken.free(raw)
        if not len(raw):
            return None
        raw = raw[np.argsort(-scorer.rough_scores(raw), kind="stable")]
        starts = raw[[*islice(taken.apart(raw), STARTS)] or [0]]
        values = scorer.scores(starts)
        best = Found(point=starts[values.argmax()], value=float(values.max()))
        ends = [(point, value) for point, value in self._refine(scorer, starts, values, taken) if value > best.value]
        for point, value in ends:
            if taken.near(point):
                point = self._region.repair(taken.cleared(point)[None, :])[0]
                if taken.near(point):
                    continue
                value = float(scorer.scores(point[None, :])[0])
            if value > best.value:
                best = Found(point=point, value=value)
        return best

    def _refine(self, scorer: Scorer, points: Points, values: Points, taken: Taken) -> Iterator[tuple[Points, float]]:
        """Where the searches from points (n x d) with acquisition values (n) end."""
        if self._continuous or self._relaxed:
            numbers = (*self._continuous, *self._relaxed)
            points, values = self._climb(scorer, points, values, numbers, steps=MAX_STEPS)
        for turn in range(MAX_ROUNDS if self._discrete else 0):
            before = values.copy()
            points, values = self._step(scorer, points, values, taken)
            moved = values > before + _GAIN
            if turn == 0 and self._relaxed:
                moved[:] = True  # settling levels may have cost what the climb had won along the other columns
            if not moved.any() or not self._continuous:
                break
            points[moved], values[moved] = self._climb(
                scorer, points[moved], values[moved], self._continuous, steps=LATER_STEPS
            )
        yield from zip(points, map(float, values), strict=True)

    def _climb(
        self, scorer: Scorer, points: Points, values: Points, free: Sequence[int], *, steps: int
    ) -> tuple[Points, Points]:
        """At most `steps` of L-BFGS along the columns `free`, each start on its own; keeps a start that would end lower."""
        free = list(free)
        places = [self._numeric.index(column) for column in free]
        whole = points.copy()

        def losses(coordinates: Points, batch_indices: list[int]) -> tuple[Points, Points]:
            whole[np.ix_(batch_indices, free)] = coordinates
            scores, gradients = scorer.scores_with_gradient(whole[batch_indices])
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
        if (limits := self._region.limits) is not None:
            for index in np.flatnonzero(~limits.kept(ends)):
                ends[index] = _climb_within(scorer, limits, points[index], free, places, steps=steps)
        repaired = self._region.repair(ends)
        reached = scorer.scores(repaired)
        better = reached > values
        return np.where(better[:, None], repaired, points), np.where(better, reached, values)

    def _step(self, scorer: Scorer, points: Points, values: Points, taken: Taken) -> tuple[Points, Points]:
        """Each point after its best changes of one discrete column at a time, as long as one helps."""
        points, values = points.copy(), values.copy()
        in_vain = np.zeros(len(points), dtype=int)  # blocks of columns in a row that had nothing better
        for turn in range(self._turns):
            going = np.flatnonzero(in_vain < len(self._blocks))
            if not len(going):
                break
            block = self._blocks[turn % len(self._blocks)]
            around = [self._neighbours(points[index], block, taken) for index in going]
            scores = scorer.scores(np.concatenate(around))
            for index, neighbours, reached in zip(
                going, around, np.split(scores, np.cumsum([len(each) for each in around])[:-1]), strict=True
            ):
                in_vain[index] += 1
                if len(reached) and reached.max() > values[index] + _GAIN:
                    points[index], values[index] = neighbours[reached.argmax()], reached.max()
                    in_vain[index] = 0
        return points, values

    def _neighbours(self, point: Points, block: Sequence[int], taken: Taken) -> Points:
        """All free points that differ from one in a single column of the block."""
        neighbours = self._region.neighbours(point, block)
        return neighbours if self._continuous else taken.free(neighbours)


def _climb_within(
    scorer: Scorer, limits: Limits, start: Points, free: list[int], places: list[int], *, steps: int
) -> Points:
    """Where a climb ends that keeps constraints: sequential quadratic programming (SLSQP, Kraft 1988) along the columns `free`."""

    def whole(coordinates: Points) -> Points:
        point = start.copy()
        point[free] = coordinates
        return point

    def loss(coordinates: Points) -> tuple[float, Points]:
        scores, gradients = scorer.scores_with_gradient(whole(coordinates)[None, :])
        return -float(scores[0]), -gradients[0, places]

    answer = optimize.minimize(
        loss,
        start[free],
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * len(free),
        constraints={
            "type": "ineq",
            "fun": lambda coordinates: limits.room(whole(coordinates)),
            "jac": lambda coordinates: limits.room_slopes(whole(coordinates))[:, free],
        },
        options={"maxiter": steps, "ftol": _STEP_GAIN},
    )
    return whole(np.clip(answer.x, 0.0, 1.0)) if np.isfinite(answer.x).all() else start


def _blocks(region: Region) -> list[list[int]]:
    """Discrete columns that are looked at together: all, where they have few options."""
    columns = region.encoding.discrete
    options = [region.options(column) for column in columns]
    if sum(options) <= MAX_OPTIONS:
        return [list(columns)]
    places = (np.cumsum(options) - 1) // BLOCK_OPTIONS
    return [[columns[at] for at in np.flatnonzero(places == place).tolist()] for place in np.unique(places)]
