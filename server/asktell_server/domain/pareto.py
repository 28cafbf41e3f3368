"""Trade-offs between several costs: dominance, the Pareto front and the hypervolume that it dominates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

Costs = npt.NDArray[np.float64]

_NADIR_MARGIN = 0.1
_LEAST_RANGE = 1e-7


def front(costs: Costs) -> npt.NDArray[np.int64]:
    """Which rows of costs (n x m, lower is better) no other row dominates, in their order; of equal rows all."""
    if not len(costs):
        return np.empty(0, dtype=np.int64)
    unique, places = np.unique(costs, axis=0, return_inverse=True)  # sorted: no row dominates one above it
    if costs.shape[1] == 2:
        before = np.minimum.accumulate(np.concatenate([[np.inf], unique[:-1, 1]]))
        return np.flatnonzero((unique[:, 1] < before)[places.ravel()])
    left = np.arange(len(unique))
    kept: list[int] = []
    while len(left):
        first, left = left[0], left[1:]
        kept.append(first)
        left = left[(unique[left] < unique[first]).any(axis=1)]
    return np.flatnonzero(np.isin(places.ravel(), kept))


def dominates(ours: Sequence[float], theirs: Sequence[float]) -> bool:
    """Whether costs are at most as high everywhere; equal ones dominate each other."""
    return all(mine <= other for mine, other in zip(ours, theirs, strict=True))


def inferred_reference(costs: Costs) -> Costs:
    """Costs (m) a little worse than the worst of a Pareto front (n x m): beyond it by a tenth of its range.

    The rule of BoTorch's `infer_reference_point` (Ishibuchi et al. 2011).
    """
    worst = costs.max(axis=0)
    ranges = np.abs(costs[0]) if len(costs) == 1 else worst - costs.min(axis=0)
    reference: Costs = worst + _NADIR_MARGIN * np.maximum(ranges, _LEAST_RANGE)
    return reference


def hypervolume(costs: Costs, reference: Costs) -> float:
    """The volume between the reference (m) and what at least one row of costs (n x m) dominates.

    Exact: the area under a staircase for two costs, a sweep for three, the recursion of While et al. (2012) for more, which
    takes 0.7 s for 100 rows of six costs that trade off against each other.
    """
    inside = costs[(costs < reference).all(axis=1)]
    return _volume(inside[front(inside)], reference)


def growth(costs: Costs, reference: Costs) -> Iterator[float]:
    """The hypervolume after each of the rows (n x m), in their order."""
    volume, known = 0.0, np.empty((0, len(reference)))
    for row in costs:
        if (row < reference).all() and not (known <= row).all(axis=1).any():
            limited = np.maximum(known, row)
            volume += float(np.prod(reference - row)) - _volume(limited[front(limited)], reference)
            known = np.concatenate([known[~(row <= known).all(axis=1)], row[None, :]])
        yield volume


def contributions(costs: Costs, reference: Costs) -> Costs:
    """What each of the rows (n x m) alone adds to the hypervolume (n): nothing, where another one dominates or equals it."""
    alone = np.zeros(len(costs))
    for place, row in enumerate(costs):
        if (row < reference).all():
            limited = np.maximum(np.delete(costs, place, axis=0), row)
            alone[place] = float(np.prod(reference - row)) - hypervolume(limited, reference)
    return np.maximum(alone, 0.0)


def _volume(costs: Costs, reference: Costs) -> float:
    """The hypervolume of costs that do not dominate each other and are all better than the reference."""
    if not len(costs):
        return 0.0
    if len(costs) == 1:
        return float(np.prod(reference - costs[0]))
    match len(reference):
        case 1:
            return float(reference[0] - costs.min())
        case 2:
            return _area(costs, reference)
        case 3:
            return _sweep(costs, reference)
        case _:
            return _recursion(costs, reference)


def _area(costs: Costs, reference: Costs) -> float:
    costs = costs[np.lexsort((costs[:, 1], costs[:, 0]))]
    lowest = np.minimum.accumulate(costs[:, 1])
    above = np.concatenate([reference[1:], lowest[:-1]])
    return float((reference[0] - costs[:, 0]) @ (above - lowest))


def _sweep(costs: Costs, reference: Costs) -> float:
    """Areas of the slices along the third cost. For each slice the lowest second cost at each first cost."""
    costs = costs[np.argsort(costs[:, 2], kind="stable")]
    edges = np.unique(costs[:, 0])
    heights = np.where(costs[:, :1] <= edges, costs[:, 1:2], reference[1])
    areas = (reference[1] - np.minimum.accumulate(heights, axis=0)) @ np.diff(edges, append=reference[0])
    return float(areas @ np.diff(costs[:, 2], append=reference[2]))


def _recursion(costs: Costs, reference: Costs) -> float:
    """What each row dominates and none of the later ones does, the worst last cost first: one cost fewer in the recursion."""
    costs = costs[np.argsort(-costs[:, -1], kind="stable")]
    volume = 0.0
    for place, row in enumerate(costs):
        limited = np.maximum(costs[place + 1 :, :-1], row[:-1])
        shared = _volume(limited[front(limited)], reference[:-1])
        volume += float(np.prod(reference - row)) - float(reference[-1] - row[-1]) * shared
    return volume
