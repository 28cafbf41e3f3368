"""How the results of a study stand among each other, kept up to date trial by trial.

A study of 100,000 trials answers "which are the best?" and "has the last thousand brought a gain?" without a walk through
them. `Goals` says how good a single result is; a `Standings` keeps many of them in order. Where results have a total order
that is `TotalOrder`; results of which neither is better are another implementation of the same protocol (`front.py`).
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from asktell_server.domain.goals import Goals, Rank
from asktell_server.domain.times import to_microseconds
from asktell_server.domain.trial import Origin, Trial, TrialState

T = TypeVar("T")
_BLOCK = 10_000
"""Rows that are made within a millisecond."""

Row = tuple[float, ...]
"""What is sorted: plain tuples of numbers, which compare fast."""


class Standing(NamedTuple):
    """What counts of a trial that has ended. Plain values: standings are part of a view's snapshot.

    Attributes:
        rank: how good its result is; None when it was not measured.
        imported: it sets the mark to beat, and is no trial without a gain itself.
        end: when it ended, in microseconds since 1970 UTC.
    """

    rank: Rank | None
    imported: bool
    end: int


def standing_of(trial: Trial, goals: Goals) -> Standing | None:
    """The standing of a trial; None for one that is open or was cancelled, which takes no part."""
    if trial.state.is_open or trial.state is TrialState.CANCELLED:
        return None
    end = to_microseconds(trial.finish_time or trial.create_time)
    return Standing(goals.rank(trial.result), trial.origin is Origin.IMPORT, end)


class Standings(Protocol):
    """The standings of a study's trials by their numbers."""

    def put(self, number: int, standing: Standing) -> None:
        """Takes in a trial that is not among them."""
        ...

    def extend(self, standings: Mapping[int, Standing]) -> None:
        """Takes in many trials that are not among them, faster than one by one."""
        ...

    def remove(self, number: int) -> None:
        """Forgets a trial, if it is among them."""
        ...

    def of(self, number: int) -> Standing | None:
        """The standing of a trial; None when it is not among them."""
        ...

    def best(self, count: int) -> Sequence[int]:
        """The numbers of at most `count` of the best trials, the best first; equally good ones by number.

        Where some trial is feasible, only such. Otherwise those that violate the outcome constraints least. With several
        objectives: the whole Pareto front, in the order of the first objective.
        """
        ...

    @property
    def feasible(self) -> bool:
        """Whether the best keep the outcome constraints; they do while there are none."""
        ...

    @property
    def hypervolume(self) -> float | None:
        """With several objectives what the front dominates, up to the reference; None while no trial is feasible."""
        ...

    def reaches(self, rank: Rank) -> bool:
        """Whether some feasible result is at least as good as the rank."""
        ...

    @property
    def run_without_gain(self) -> int:
        """How many trials in a row, up to the last one that ended, were not better than the best one before them.

        Imported trials set the mark to beat and are not counted.
        """
        ...


_BEST_INFEASIBLE: Row = (0.0, inf)
"""Rows of feasible trials are below, others above."""


class TotalOrder:
    """Standings of results of which one is always better, or both are equally good.

    Sorted lists: a trial takes a few comparisons and a move of memory (40 µs among 100,000), the best `k` are a slice.
    """

    def __init__(self) -> None:
        self._standings: dict[int, Standing] = {}
        self._best: list[Row] = []
        """Those that were measured: rank, number."""
        self._turns: list[Row] = []
        """The turns of those that are not imported."""
        self._last_gain: Row | None = None
        """The first turn among those with the best rank."""

    def put(self, number: int, standing: Standing) -> None:
        """See Standings."""
        self._standings[number] = standing
        turn = turn_of(number, standing)
        if (rank := standing.rank) is not None:
            best = self._best[0][:-1] if self._best else None
            if self._last_gain is None or best is None or rank < best:
                self._last_gain = turn
            elif rank == best:
                self._last_gain = min(turn, self._last_gain)
            insort(self._best, (*rank, number))
        if not standing.imported:
            insort(self._turns, turn)

    def extend(self, standings: Mapping[int, Standing]) -> None:
        """See Standings."""
        self._standings |= standings
        self._best = merged(self._best, best_first(standings))
        self._turns += [(True, end, number) for number, (_, imported, end) in standings.items() if not imported]
        self._turns.sort()  # nearly in order
        self._find_last_gain()

    def remove(self, number: int) -> None:
        """See Standings."""
        standing = self._standings.pop(number, None)
        if standing is None:
            return
        turn = turn_of(number, standing)
        if standing.rank is not None:
            _take_out(self._best, (*standing.rank, number))
            if turn == self._last_gain:
                self._find_last_gain()
        if not standing.imported:
            _take_out(self._turns, turn)

    def _find_last_gain(self) -> None:
        """Looks at all with the best rank: a few, or the result that everybody reaches; and this is done seldom."""
        best = self._best[0][:-1] if self._best else None
        equals = itertools.takewhile(lambda row: row[:-1] == best, self._best)
        numbers = (int(row[-1]) for row in equals)
        self._last_gain = min((turn_of(number, self._standings[number]) for number in numbers), default=None)

    def of(self, number: int) -> Standing | None:
        """See Standings."""
        return self._standings.get(number)

    def best(self, count: int) -> Sequence[int]:
        """See Standings."""
        feasible = bisect_left(self._best, _BEST_INFEASIBLE) or len(self._best)
        return [int(row[-1]) for row in self._best[: min(count, feasible)]]

    @property
    def feasible(self) -> bool:
        """See Standings."""
        return not self._best or not self._best[0][0]

    @property
    def hypervolume(self) -> None:
        """See Standings: one objective has none."""
        return

    def reaches(self, rank: Rank) -> bool:
        """See Standings."""
        return bool(self._best) and self._best[0][:-1] <= rank

    @property
    def run_without_gain(self) -> int:
        """See Standings."""
        before = 0 if self._last_gain is None else bisect_right(self._turns, self._last_gain)
        return len(self._turns) - before


def turn_of(number: int, standing: Standing) -> Row:
    """Where a trial stands in the order of the ends: all imported ones first, then by time and number."""
    return not standing.imported, standing.end, number


def best_first(standings: Mapping[int, Standing]) -> list[Row]:
    """Rank and number of those that were measured, sorted. NumPy sorts many times faster, and lets other threads run meanwhile."""
    known = [rank for rank, _, _ in standings.values() if rank is not None]
    if not known:
        return []
    numbers = np.array([number for number, (rank, _, _) in standings.items() if rank is not None])
    values = np.fromiter(itertools.chain.from_iterable(known), np.float64, len(known) * len(known[0]))
    ranks = values.reshape(len(known), -1)
    order = np.lexsort((numbers, *ranks.T[::-1]))
    columns = [column.tolist() for column in (*ranks[order].T, numbers[order])]
    rows: list[Row] = []
    for start in range(0, len(known), _BLOCK):  # Python has the interpreter to itself in each
        rows += zip(*(column[start : start + _BLOCK] for column in columns), strict=True)
    return rows


def merged(first: list[T], second: list[T]) -> list[T]:
    """Two sorted lists as one."""
    return sorted([*first, *second]) if first else second  # type: ignore[type-var]


def _take_out(rows: list[Row], row: Row) -> None:
    del rows[bisect_left(rows, row)]
