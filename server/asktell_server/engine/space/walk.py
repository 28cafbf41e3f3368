"""A walk through the part of a region that keeps constraints, which ends anywhere in it with the same probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from asktell_server.engine.space.limits import Limits
from asktell_server.engine.space.warp import Points

if TYPE_CHECKING:
    from asktell_server.engine.space.region import Region

_SHRINKS = 12
"""How often a step is shortened before it is not made at all."""


class Walk:
    """Slice sampling (Neal 2003) along random lines through configurations, several at once.

    BoTorch's samplers of polytopes know neither scales, nor levels, nor conditions. Lines run in one of three directions: any; from
    one configuration that keeps the constraints to another, since a flat region is long in few directions (ter Braak & Vrugt
    2008); and a single column, which may also change a category.
    """

    def __init__(self, whole: Region, limits: Limits, known: Points) -> None:
        self._whole, self._limits, self._known = whole, limits, known

    def go(self, points: Points, rng: np.random.Generator, *, steps: int) -> Points:
        """Where walks from points (n x d) that keep the constraints end."""
        points = points.copy()
        for step in range(steps):
            points = self._jump(points, rng) if step % 3 == 2 else self._along_lines(points, rng, far=step % 3 == 0)
        return points

    def _along_lines(self, points: Points, rng: np.random.Generator, *, far: bool) -> Points:
        count, dimension = points.shape
        directions = rng.standard_normal((count, dimension))
        if far:
            pairs = rng.integers(len(self._known), size=(2, count))
            between = self._known[pairs[0]] - self._known[pairs[1]]
            same = (between == 0).all(axis=1, keepdims=True)
            directions = np.where(same, directions, between)
        directions[:, list(self._whole.encoding.categorical)] = 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            to_ends = np.stack([-points / directions, (1.0 - points) / directions])
        to_ends[:, directions == 0.0] = np.nan
        low = np.fmax.reduce(np.fmin(to_ends[0], to_ends[1]), axis=1, initial=-np.inf)
        high = np.fmin.reduce(np.fmax(to_ends[0], to_ends[1]), axis=1, initial=np.inf)
        moving = np.isfinite(low) & np.isfinite(high)
        moved = points.copy()
        for _ in range(_SHRINKS):
            at = np.flatnonzero(moving)
            if not len(at):
                break
            length = low[at] + (high[at] - low[at]) * rng.random(len(at))
            ends = self._whole.repair(points[at] + length[:, None] * directions[at])
            kept = self._limits.kept(ends)
            moved[at[kept]] = ends[kept]
            moving[at[kept]] = False
            low[at] = np.where(length < 0, length, low[at])
            high[at] = np.where(length > 0, length, high[at])
        return moved

    def _jump(self, points: Points, rng: np.random.Generator) -> Points:
        """Another value of one column; what exists only beside it lies anywhere."""
        encoding = self._whole.encoding
        anywhere = encoding.spread(rng.random(points.shape))
        column = rng.integers(points.shape[1], size=len(points))
        chosen: npt.NDArray[np.bool_] = np.arange(points.shape[1]) == column[:, None]
        moved = self._whole.repair(np.where(chosen | ~encoding.active(points), anywhere, points))
        return np.where(self._limits.kept(moved)[:, None], moved, points)
