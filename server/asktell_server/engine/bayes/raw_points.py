"""The points that are scored before any is refined."""

from __future__ import annotations

import numpy as np

from asktell_server.engine.filling import sobol_blocks
from asktell_server.engine.space.region import Region
from asktell_server.engine.space.warp import Points

SPACE_FILLING = 512
AROUND_BEST = 128
CENTRES = 4
FAVOURED = 128
"""Points that follow the priors of the space, where it has some."""
EXHAUSTIVE = 1024
"""Finite spaces up to this size are scored in full."""


def raw_points(region: Region, rng: np.random.Generator, *, centres: Points, least: int = 0) -> Points:
    """Configurations (n x d) all over the region, and more of them around `centres` (the best means, m x d).

    512 points of a freshly scrambled Sobol sequence (`least`, if that is more) and 128 at distances of 1e-3 to 0.1. Where the
    space has priors, 128 of the sequence's points come again in the shares that these give.
    """
    if region.count is not None and region.count <= EXHAUSTIVE:
        return region.everything()
    count = max(SPACE_FILLING, least)
    blocks = sobol_blocks(region.encoding.dimension, rng, size=SPACE_FILLING)
    first = next(blocks)
    filling = [region.sample(first)]
    while sum(map(len, filling)) < count:  # at once, where all of a block is in the region and no more is asked for
        filling.append(region.sample(next(blocks)))
    favoured = [region.sample(region.encoding.favouring(first[:FAVOURED]))] if region.encoding.priors else []
    return np.concatenate([np.concatenate(filling)[:count], _around(region, rng, centres), *favoured])


def _around(region: Region, rng: np.random.Generator, centres: Points) -> Points:
    """Normal steps around each centre; a category, or a step too short to reach the next level, may jump instead."""
    encoding = region.encoding
    start = np.repeat(centres, AROUND_BEST // len(centres), axis=0)
    width = 10.0 ** rng.uniform(-3, -1, size=(len(start), 1))
    points = start + width * rng.standard_normal(start.shape)
    elsewhere = encoding.spread(rng.random(start.shape))
    jumps = rng.random(start.shape) < 1.0 / encoding.dimension
    names = list(encoding.categorical)
    points[:, names] = start[:, names]
    may_jump = np.isin(np.arange(encoding.dimension), encoding.discrete)
    # A jump may lead to parameters that do not exist where it begins: these lie anywhere.
    return region.repair(np.where(jumps & may_jump | ~encoding.active(start), elsewhere, points))
