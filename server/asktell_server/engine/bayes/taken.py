"""Points that are not to be found again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from asktell_server.engine.space.encoding import Encoding
from asktell_server.engine.space.warp import Points

NEAR = 0.002
"""How far two points have to differ in some numeric column, as a part of its range, to be worth a trial each. A model that is
sure of its best region would else spend trial after trial on a third decimal there and not look elsewhere again."""
_DISTANCES = (1.01, 1.5, 2.0, 3.0, 4.0)
"""How far a point is moved away from its neighbours before it is given up, as multiples of `NEAR`."""


class Taken:
    """A set of points (d), and what is `near` them."""

    def __init__(self, points: Points, encoding: Encoding, *, near: float = NEAR) -> None:
        self._keys = set(_keys(points))
        self._points = points
        self._continuous = list(encoding.continuous)
        # Categories are names: two of them differ, however close their numbers are.
        self._reach = np.full(encoding.dimension, near)
        self._reach[list(encoding.categorical)] = min(near, 1e-9)

    def free(self, points: Points) -> Points:
        """Those of the points (n x d) that are not taken, each once."""
        free = {key: index for index, key in enumerate(_keys(points)) if key not in self._keys}
        return points[sorted(free.values())]

    def apart(self, points: Points) -> Iterator[int]:
        """Which of the points (n x d) are near to none that is taken: their places in turn."""
        return (index for index, point in enumerate(points) if not self.near(point))

    def near(self, point: Points) -> bool:
        """A taken point differs from this one by no more than `NEAR` in every column."""
        return bool(self._close(point).any())

    def cleared(self, point: Points) -> Points:
        """A point near to no taken one, some steps along the continuous columns away from those that this one is near to.

        It may be near to one all the same: where there is no such column, or no room.
        """
        close = self._points[self._close(point)]
        columns = self._continuous
        if not len(close) or not columns:
            return point
        middle = close[:, columns].mean(axis=0)
        away = point[columns] - middle
        size = np.abs(away).max()
        if size == 0.0:
            return point
        cleared = point.copy()
        for distance in _DISTANCES:
            cleared[columns] = np.clip(middle + away * (distance * NEAR / size), 0.0, 1.0)
            if not self.near(cleared):
                break
        return cleared

    def add(self, point: Points) -> None:
        """Takes one more."""
        self._keys.update(_keys(point[None, :]))
        self._points = np.concatenate([self._points, point[None, :]])

    def _close(self, point: Points) -> npt.NDArray[np.bool_]:
        return np.asarray((np.abs(self._points - point) <= self._reach).all(axis=1))


def _keys(points: Points) -> list[bytes]:
    # Rounding: the same level may come from two formulas. Adding 0.0 turns -0.0 into 0.0.
    return [point.tobytes() for point in np.round(points, 12) + 0.0]
