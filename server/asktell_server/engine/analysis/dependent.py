"""Sobol indices over a region whose constraints make the parameters depend on each other (see `importances.py`).

From a sample of configurations that keep the constraints: what explains a function along a parameter is the variance between groups
of equal or similar values, less what chance alone would give (Plischke, Borgonovo & Smith 2013).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from asktell_server.engine.analysis.importances import Indices
from asktell_server.engine.filling import sobol_blocks
from asktell_server.engine.space.region import Region
from asktell_server.engine.space.warp import Points

Matrix = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_GROUPS, _GROUPS_OF_PAIRS = 16, 6
"""Groups along one parameter, alone and beside another one."""
_TIMES = 4
"""As many configurations as a design of independent parameters has points: each is used once, not in 2d + 2 places."""
_TRIES = 16
"""Other values of a parameter that are tried in a configuration, until one keeps the constraints."""


def dependent_indices(
    functions: Callable[[Points], Matrix], region: Region, size: int, rng: np.random.Generator
) -> Indices:
    """The indices of F functions (m x d points to m x F values) over a region: (d x F), (d x F) and (d x d x F)."""
    dimension = region.encoding.dimension
    points = region.sample(next(sobol_blocks(dimension, rng, size=_TIMES * size)))
    values = functions(points)
    fine = [_groups(points[:, column], _GROUPS) for column in range(dimension)]
    coarse = [_groups(points[:, column], _GROUPS_OF_PAIRS) for column in range(dimension)]
    alone = [_explained(values, groups) for groups in coarse]
    pairs = np.zeros((dimension, dimension, values.shape[1]))
    for one in range(dimension):
        for other in range(one + 1, dimension):
            together = _explained(values, coarse[one] * _GROUPS_OF_PAIRS + coarse[other])
            pairs[one, other] = together - alone[one] - alone[other]
    some = points[:size]
    moved = [functions(_moved(region, some, column, rng)) for column in range(dimension)]
    return Indices.of(
        first=np.stack([_explained(values, groups) for groups in fine]),
        total=np.stack([((values[: len(some)] - each) ** 2).mean(axis=0) / 2 for each in moved]),
        pairs=pairs,
        variance=values.var(axis=0),
    )


def _groups(column: Points, most: int) -> Places:
    """At most `most` groups, from 0 on, of equal values, or of as many neighbouring ones each."""
    values, places = np.unique(column, return_inverse=True)
    if len(values) <= most:
        return places.astype(np.int64)
    order = np.argsort(column, kind="stable")
    groups = np.empty(len(column), dtype=np.int64)
    groups[order] = np.arange(len(column)) * most // len(column)
    return groups


def _explained(values: Matrix, groups: Places) -> Matrix:
    """The variance (F) of values (m x F) between groups (m), less what groups by chance would have."""
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, groups, values)
    within = ((values - (sums / counts[:, None])[groups]) ** 2).sum(axis=0)
    left = len(values) - len(counts)
    explained: Matrix = values.var(axis=0) - (within / left if left > 0 else 0.0)
    return explained


def _moved(region: Region, points: Points, column: int, rng: np.random.Generator) -> Points:
    """The configurations (m x d), each with another value along a column that keeps the constraints; as they are where none does.

    What exists beside the other value alone gets values of its own.
    """
    encoding = region.encoding
    moved, left = points.copy(), np.arange(len(points))
    for _ in range(_TRIES):
        new = encoding.spread(rng.random((len(left), points.shape[1])))
        tried = np.where(encoding.active(points[left]), points[left], new)
        tried[:, column] = new[:, column]
        if encoding.activity is not None:
            tried = encoding.activity.canonical(tried)
        kept = region.contains(tried)
        moved[left[kept]] = tried[kept]
        left = left[~kept]
    return moved
