"""A space with linear constraints: the part of another region that keeps them."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asktell_server.domain.algorithm import MAX_GRID_SIZE
from asktell_server.domain.counting import keeping
from asktell_server.domain.feasible import roomiest
from asktell_server.domain.space import MAX_COUNTED, Configuration, SearchSpace
from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.kept import Kept
from asktell_server.engine.space.lattice import Axis, Lattice
from asktell_server.engine.space.limits import Limits
from asktell_server.engine.space.walk import Walk
from asktell_server.engine.space.warp import Points

if TYPE_CHECKING:
    from asktell_server.engine.space.region import Region

DRAWS = 4096
"""Draws from the whole space that tell how large a share of it keeps the constraints."""
LEAST_SHARE = 1 / 16
"""Draws that do not keep the constraints are left out where so many do; otherwise a walk goes on from what does."""
MOST_KNOWN = 128
_ROUNDS, _MIXING = 10, 15
"""Walks from the first configurations that are found, and steps of each: the directions of one come from the ends of the last."""
_STEPS = 15
_PARTS = np.linspace(0.0, 1.0, 9)[1:]


class Polytope:
    """The `Region` of a space with constraints: what of the whole of it keeps them.

    `whole` is the region without constraints, that has the `fixed` values. `rest` is the region of the parameters that have nothing
    to do with constraints; None = there are none.
    """

    def __init__(self, whole: Region, space: SearchSpace, fixed: Configuration, *, rest: Region | None) -> None:
        self._whole, self._space, self._fixed, self._rest = whole, space, fixed, rest
        self._grids: dict[tuple[int, ...], Lattice] = {}

    @property
    def encoding(self) -> Encoding:
        """See Region."""
        return self._whole.encoding

    @functools.cached_property
    def limits(self) -> Limits:
        """See Region."""
        return Limits(self.encoding, self._space.parameter_constraints)

    @functools.cached_property
    def count(self) -> int | None:
        """See Region."""
        return None if self._lattice is None else self._lattice.size

    @property
    def drops(self) -> bool:
        """See Region."""
        return self._drawn[0] >= LEAST_SHARE

    def centre(self) -> Points:
        """See Region. Declared defaults stay where the others can make up for them."""
        return self._centre.copy()

    def contains(self, points: Points) -> npt.NDArray[np.bool_]:
        """See Region."""
        return self._whole.contains(points) & self.limits.kept(points)

    def sample(self, uniform: Points) -> Points:
        """See Region. In a small part of the space every row gives a configuration, by a walk that it decides."""
        points = self._whole.sample(uniform)
        kept = self.limits.kept(points)
        if self.drops:
            return points[kept]
        if not kept.all():
            rng = np.random.default_rng(zlib.crc32(uniform.tobytes()))
            starts = self._known[rng.integers(len(self._known), size=np.count_nonzero(~kept))]
            points[~kept] = self._walk.go(starts, rng, steps=_STEPS)
        return points

    def repair(self, points: Points) -> Points:
        """See Region. What projections do not reach is looked for on the way to a configuration that is known."""
        repaired = self._whole.repair(points)
        bad = np.flatnonzero(~self.limits.kept(repaired))
        if len(bad):
            mended, done = self._mend(repaired[bad], np.zeros((len(bad), self.encoding.dimension), dtype=bool))
            mended[~done] = self._towards_known(mended[~done])
            repaired[bad] = mended
        return repaired

    def neighbours(self, point: Points, columns: Sequence[int]) -> Points:
        """See Region. Where the change of a column alone would break a constraint, others give way."""
        neighbours = self._whole.neighbours(point, columns)
        kept = self.limits.kept(neighbours)
        if not kept.all():
            mended, done = self._mend(neighbours[~kept], neighbours[~kept] != point)
            neighbours[~kept] = mended
            kept[~kept] = done
        return neighbours[kept]

    def options(self, column: int) -> int:
        """See Region."""
        return self._whole.options(column)

    def everything(self) -> Points:
        """See Region."""
        return self._everything.copy()

    def lattice(self) -> Lattice:
        """See Region."""
        if self._lattice is None:
            raise ValueError("the space has infinitely many configurations, or too many to be numbered")
        return self._lattice

    def grid(self, levels: Sequence[int]) -> Lattice:
        """See Region: the points of the grid that keep the constraints."""
        key = tuple(levels)
        if key not in self._grids:
            axes = self.encoding.ticks(levels)
            rest = None if self._rest is None else self._rest.grid([levels[place] for place in self._places(rest=True)])
            grid = self._keeping(axes, rest, limit=MAX_GRID_SIZE)
            assert grid is not None, "a grid has no more points than can be looked at"
            self._grids = {key: grid}
        return self._grids[key]

    def _places(self, *, rest: bool) -> list[int]:
        """The parameters that constraints concern, or the others."""
        other = set() if self._rest is None else set(self._rest.encoding.names)
        return [place for place, name in enumerate(self._space.names) if (name in other) is rest]

    def _keeping(self, axes: Sequence[Axis], rest: Lattice | None, *, limit: int) -> Lattice | None:
        concerned, _ = self._space.parts()
        assert concerned is not None, "the space has constraints"
        places = self._places(rest=False)
        mine = [axes[place] for place in places]
        codes = keeping(concerned.names, mine, self._space.parameter_constraints, concerned.forest, limit=limit)
        return None if codes is None else Kept(codes, places, mine, concerned.forest, rest)

    @functools.cached_property
    def _lattice(self) -> Lattice | None:
        if self._whole.count is None:
            return None
        return self._keeping(
            self.encoding.axes(), None if self._rest is None else self._rest.lattice(), limit=MAX_COUNTED
        )

    @functools.cached_property
    def _everything(self) -> Points:
        lattice = self.lattice()
        return self.encoding.encode_keys([lattice.key(number) for number in range(lattice.size)])

    @functools.cached_property
    def _centre(self) -> Points:
        centre = self.encoding.centre()[None, :]
        if not self.limits.kept(centre)[0]:
            declared = np.array([[parameter.default is not None for parameter in self._space.parameters]])
            mended, done = self._mend(centre, declared)
            centre = mended if done[0] else self.repair(centre)
        return centre[0]

    def _mend(self, points: Points, held: npt.NDArray[np.bool_]) -> tuple[Points, npt.NDArray[np.bool_]]:
        """The points (n x d) moved along columns that are not `held` (n x d), and which of them keep the constraints now."""
        free = ~held
        free[:, [*self.encoding.categorical, *self.encoding.held]] = False
        mended, done = points.copy(), np.zeros(len(points), dtype=bool)
        for rounding in (False, True):
            moved = self._whole.repair(self.limits.project(points[~done], free[~done], rounding=rounding))
            kept = self.limits.kept(moved) & ((moved == points[~done]) | free[~done]).all(axis=1)
            mended[np.flatnonzero(~done)[kept]] = moved[kept]
            done[~done] = kept
            if done.all():
                break
        return mended, done

    def _towards_known(self, points: Points) -> Points:
        """The first configurations on the ways from points (n x d) to the nearest known ones that keep the constraints."""
        if not len(points):
            return points
        distances = ((points[:, None, :] - self._known[None, :, :]) ** 2).sum(axis=2)
        ends = self._known[distances.argmin(axis=1)]
        found = ends.copy()
        names = list(self.encoding.categorical)
        for part in _PARTS[:-1][::-1]:
            between = points + part * (ends - points)
            between[:, names] = points[:, names]
            between = self._whole.repair(between)
            kept = self.limits.kept(between)
            found[kept] = between[kept]
        return found

    @property
    def _known(self) -> Points:
        return self._drawn[1]

    @functools.cached_property
    def _walk(self) -> Walk:
        return Walk(self._whole, self.limits, self._known)

    @functools.cached_property
    def _drawn(self) -> tuple[float, Points]:
        """The share of the whole that keeps the constraints, and configurations all over the region."""
        rng = np.random.default_rng(DRAWS)
        points = self._whole.sample(rng.random((DRAWS, self.encoding.dimension)))
        kept = points[self.limits.kept(points)]
        share = len(kept) / DRAWS
        if share >= LEAST_SHARE:
            return share, kept[:MOST_KNOWN]
        starts = np.concatenate([kept, self._anchors()])
        points = starts[np.arange(MOST_KNOWN) % len(starts)]
        for _ in range(_ROUNDS):
            points = Walk(self._whole, self.limits, points).go(points, rng, steps=_MIXING)
        return share, points

    def _anchors(self) -> Points:
        """A configuration that keeps the constraints, and one for each parameter that may be absent."""
        space = self._space
        conditional = [one.name for one in space.parameters if one.condition is not None]
        anchors = []
        for having in (None, *conditional):
            place = roomiest(
                space.parameters, space.forest, space.parameter_constraints, having=having, fixed=self._fixed
            )
            if place is None:
                continue
            point = self.encoding.centre()
            for name, value in place.values.items():
                at = self.encoding.names.index(name)
                point[at] = self.encoding.columns[at].encode([value])[0]
            anchors.append(point)
        points = self._whole.repair(np.array(anchors))
        kept = points[self.limits.kept(points)]
        if not len(kept):
            raise ValueError("nothing was found that keeps the constraints of the space")
        return kept
