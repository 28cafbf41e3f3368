"""The points that are scored before any is refined."""

from __future__ import annotations

import numpy as np

from asktell_server.engine.encoding import Categories, Encoding, Levels, Points
from asktell_server.engine.filling import sobol_points

SPACE_FILLING = 512
AROUND_BEST = 128
CENTRES = 4
EXHAUSTIVE = 1024
"""Finite spaces up to this size are scored in full."""


def raw_points(
    encoding: Encoding, rng: np.random.Generator, *, cardinality: int | None, centres: Points, least: int = 0
) -> Points:
    """Configurations (n x d) all over the space, and more of them around `centres` (the best means, m x d).

    512 points of a freshly scrambled Sobol sequence (`least`, if that is more) and 128 at distances of 1e-3 to 0.1.
    """
    if cardinality is not None and cardinality <= EXHAUSTIVE:
        return _all_points(encoding)
    count = max(SPACE_FILLING, least)
    sequence = sobol_points(encoding.dimension, rng)
    everywhere = encoding.spread(np.array([next(sequence) for _ in range(count)]))
    return np.concatenate([everywhere, _around(encoding, rng, centres)])


def _around(encoding: Encoding, rng: np.random.Generator, centres: Points) -> Points:
    """Normal steps around each centre; a category, or a step too short to reach the next level, may jump instead."""
    start = np.repeat(centres, AROUND_BEST // len(centres), axis=0)
    width = 10.0 ** rng.uniform(-3, -1, size=(len(start), 1))
    points = start + width * rng.standard_normal(start.shape)
    elsewhere = encoding.spread(rng.random(start.shape))
    jumps = rng.random(start.shape) < 1.0 / encoding.dimension
    for index, column in enumerate(encoding.columns):
        if isinstance(column, Categories):
            points[:, index] = np.where(jumps[:, index], elsewhere[:, index], start[:, index])
        elif isinstance(column, Levels):
            points[:, index] = np.where(jumps[:, index], elsewhere[:, index], points[:, index])
    return encoding.snap(points)


def _all_points(encoding: Encoding) -> Points:
    axes = []
    for column in encoding.columns:
        assert isinstance(column, Levels | Categories)
        axes.append(column.coordinates(np.arange(column.count)))
    return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
