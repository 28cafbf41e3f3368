"""Points that are not to be found again."""

from __future__ import annotations

import numpy as np

from asktell_server.engine.space.warp import Points


class Taken:
    """A set of points (d)."""

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


def _keys(points: Points) -> list[bytes]:
    # Rounding: the same level may come from two formulas. Adding 0.0 turns -0.0 into 0.0.
    return [point.tobytes() for point in np.round(points, 12) + 0.0]
