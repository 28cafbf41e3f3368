"""The Hartmann function of six variables: smooth, several minima, global minimum -3.32237 (Dixon & Szegö 1978)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

DIMENSION = 6

Point: TypeAlias = Sequence[float]

_WEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_STEEPNESS = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(point: Point) -> float:
    """The value at a point of the unit cube."""
    exponents = (_STEEPNESS * (np.asarray(point) - _CENTRES) ** 2).sum(axis=1)
    return -float(_WEIGHTS @ np.exp(-exponents))


def random_results(count: int, seed: int) -> Iterator[tuple[Point, float]]:
    """Points drawn uniformly, with their values."""
    for row in np.random.default_rng(seed).random((count, DIMENSION)).tolist():
        yield row, hartmann6(row)
