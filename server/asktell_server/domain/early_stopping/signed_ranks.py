"""Wilcoxon's signed-rank test, one-sided."""

from __future__ import annotations

import math
from collections.abc import Sequence

_MOST_EXACT = 30
"""Differences up to which the distribution is exact. Beyond, the normal approximation is as good to two digits."""


def chance_of_ranks(differences: Sequence[float]) -> float:
    """The chance that the ranks of positive differences add up to as much as they do or more, were signs left to chance.

    Differences of 0 are left out, and equal ones share their ranks (Wilcoxon 1945). This is `scipy.stats.wilcoxon` with
    `alternative="greater"`, exact with ties as well; importing that takes a server half a second in which it answers nobody.
    """
    kept = sorted((difference for difference in differences if difference), key=abs)
    if not kept:
        return 1.0
    ranks = _doubled_ranks([abs(difference) for difference in kept])
    positive = sum(rank for rank, difference in zip(ranks, kept, strict=True) if difference > 0)
    return _exact(ranks, positive) if len(ranks) <= _MOST_EXACT else _normal(ranks, positive)


def _doubled_ranks(rising: Sequence[float]) -> list[int]:
    """Twice the ranks, which are whole then: equal sizes share the mean of their places."""
    ranks: list[int] = []
    while len(ranks) < len(rising):
        first = len(ranks)
        equal = sum(size == rising[first] for size in rising[first:])
        ranks += [2 * first + equal + 1] * equal
    return ranks


def _exact(ranks: Sequence[int], positive: int) -> float:
    ways = [1] + [0] * sum(ranks)
    """In how many ways of choosing signs the positive ranks add up to a number."""
    for rank in ranks:
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    return sum(ways[positive:]) / (1 << len(ranks))


def _normal(ranks: Sequence[int], positive: int) -> float:
    deviation = math.sqrt(sum(rank**2 for rank in ranks) / 4)
    return 0.5 * math.erfc((positive - sum(ranks) / 2) / deviation / math.sqrt(2))
