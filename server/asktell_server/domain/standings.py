"""How the results of a study stand among each other, kept up to date trial by trial.

A study of 100,000 trials answers "which are the best?" and "has the last thousand brought a gain?" without a walk through
them. `Goals` says how good a single result is; a `Standings` keeps many of them in order. Where results have a total order
that is `TotalOrder`; results of which neither is better (a Pareto front) are another implementation of the same protocol.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol, TypeVar

from asktell_server.domain.goals import Goals, Rank
from asktell_server.domain.trial import Origin, Trial, TrialState

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Turn = tuple[bool, int, int]
"""Where a trial stands in the order of the ends: all imported ones first, then by time and number."""


class Standing(NamedTuple):
    """What counts of a trial that has ended. Plain values: standings are part of a view's snapshot.

    Attributes:
        rank: how good its result is; None when it is not feasible.
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
    end = ((trial.finish_time or trial.create_time) - _EPOCH) // _MICROSECOND
    return Standing(goals.rank(trial.result), trial.origin is Origin.IMPORT, end)


class Standings(Protocol):
    """The standings of a study's trials by their numbers."""

    def put(self, number: int, standing: Standing) -> None:
        """Takes in a trial that is not among them."""
        ...

    def remove(self, number: int) -> None:
        """Forgets a trial, if it is among them."""
        ...

    def of(self, number: int) -> Standing | None:
        """The standing of a trial; None when it is not among them."""
        ...

    def best(self, count: int) -> Sequence[int]:
        """The numbers of at most `count` trials with a feasible result, the best first; equally good ones by number."""
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


def standings_of(goals: Goals) -> Standings:  # noqa: ARG001  one objective has a total order, whichever it is
    """Empty standings for a study with these goals."""
    return TotalOrder()


class TotalOrder:
    """Standings of results of which one is always better, or both are equally good.

    Sorted lists: a trial takes a few comparisons and a move of memory (40 µs among 100,000), the best `k` are a slice.
    """

    def __init__(self) -> None:
        self._standings: dict[int, Standing] = {}
        self._best: list[tuple[Rank, int]] = []
        """The feasible ones, by rank and number."""
        self._first: list[tuple[Rank, Turn]] = []
        """The same, by rank and turn: the first of them brought the last gain."""
        self._turns: list[Turn] = []
        """Those that are not imported, by turn."""

    def put(self, number: int, standing: Standing) -> None:
        """See Standings."""
        self._standings[number] = standing
        turn = _turn(number, standing)
        if standing.rank is not None:
            insort(self._best, (standing.rank, number))
            insort(self._first, (standing.rank, turn))
        if not standing.imported:
            insort(self._turns, turn)

    def remove(self, number: int) -> None:
        """See Standings."""
        standing = self._standings.pop(number, None)
        if standing is None:
            return
        turn = _turn(number, standing)
        if standing.rank is not None:
            _take_out(self._best, (standing.rank, number))
            _take_out(self._first, (standing.rank, turn))
        if not standing.imported:
            _take_out(self._turns, turn)

    def of(self, number: int) -> Standing | None:
        """See Standings."""
        return self._standings.get(number)

    def best(self, count: int) -> Sequence[int]:
        """See Standings."""
        return [number for _, number in self._best[:count]]

    def reaches(self, rank: Rank) -> bool:
        """See Standings."""
        return bool(self._best) and self._best[0][0] <= rank

    @property
    def run_without_gain(self) -> int:
        """See Standings."""
        last_gain = bisect_right(self._turns, self._first[0][1]) if self._first else 0
        return len(self._turns) - last_gain


def _turn(number: int, standing: Standing) -> Turn:
    return not standing.imported, standing.end, number


_Row = TypeVar("_Row", tuple[Rank, int], tuple[Rank, Turn], Turn)


def _take_out(rows: list[_Row], row: _Row) -> None:
    del rows[bisect_left(rows, row)]
