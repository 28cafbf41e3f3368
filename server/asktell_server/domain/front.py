"""How results of several objectives stand among each other: the Pareto front, kept up to date trial by trial."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import inf

import numpy as np

from asktell_server.domain import pareto
from asktell_server.domain.goals import Goals, Rank
from asktell_server.domain.standings import Row, Standing, Standings, TotalOrder, best_first, merged, turn_of


def standings_of(goals: Goals) -> Standings:
    """Empty standings for a study with these goals."""
    return TotalOrder() if len(goals.objectives) == 1 else ParetoOrder(goals.references)


class Dominated:
    """What a Pareto front dominates: the front as it was, to be measured once, in any thread.

    Attributes:
        reference: the costs (m) that its hypervolume is measured from: declared ones, or inferred from the front.
    """

    def __init__(self, front: Sequence[tuple[Rank, int]], references: Sequence[float | None]) -> None:
        self._costs: pareto.Costs = np.array([rank[1:] for rank, _ in front])
        inferred = pareto.inferred_reference(self._costs).tolist()
        self.reference: pareto.Costs = np.array(
            [cost if given is None else given for given, cost in zip(references, inferred, strict=True)]
        )

    @cached_property
    def hypervolume(self) -> float:
        """Its volume."""
        return pareto.hypervolume(self._costs, self.reference)


class ParetoOrder:
    """Standings of results of several objectives.

    A new trial is compared with the front alone, unless it ended before others that are known. A trial of the front that goes
    away has the front found anew. `references` are the objectives' declared references, as costs; None = to be inferred.
    """

    def __init__(self, references: Sequence[float | None]) -> None:
        self._references = references
        self._standings: dict[int, Standing] = {}
        self._measured: list[tuple[Rank, int]] = []
        """By rank and number: feasible ones first, those in the order of the first objective."""
        self._turns: list[Row] = []
        """The turns of all trials; a turn ends with the number."""
        self._front: list[tuple[Rank, int]] | None = []
        """None = to be found again."""
        self._dominated: Dominated | None = None
        self._run: int | None = 0
        """See `run_without_gain`; None = to be counted again."""

    def put(self, number: int, standing: Standing) -> None:
        """See Standings."""
        turn = turn_of(number, standing)
        if self._run is not None and (not self._turns or turn > self._turns[-1]):
            gain = standing.rank is not None and self._is_gain(standing.rank)
            self._run = 0 if gain else self._run + (not standing.imported)
        else:
            self._run = None
        self._standings[number] = standing
        insort(self._turns, turn)
        if standing.rank is None:
            return
        insort(self._measured, (standing.rank, number))
        if not standing.rank[0] and self._front is not None:
            self._join(standing.rank, number)

    def extend(self, standings: Mapping[int, Standing]) -> None:
        """See Standings."""
        self._standings |= standings
        self._measured = merged(self._measured, [(row[:-1], int(row[-1])) for row in best_first(standings)])
        self._turns = sorted([*self._turns, *(turn_of(*each) for each in standings.items())])
        self._front, self._dominated, self._run = None, None, None

    def remove(self, number: int) -> None:
        """See Standings."""
        standing = self._standings.pop(number, None)
        if standing is None:
            return
        del self._turns[bisect_left(self._turns, turn_of(number, standing))]
        self._run = None
        if standing.rank is None:
            return
        del self._measured[bisect_left(self._measured, (standing.rank, number))]
        if self._front is not None and (standing.rank, number) in self._front:
            self._front, self._dominated = None, None

    def of(self, number: int) -> Standing | None:
        """See Standings."""
        return self._standings.get(number)

    def best(self, count: int) -> Sequence[int]:
        """See Standings."""
        return [number for _, number in (self.front if self._feasible_count else self._measured[:count])]

    @property
    def feasible(self) -> bool:
        """See Standings."""
        return not self._measured or self._feasible_count > 0

    @property
    def _feasible_count(self) -> int:
        return bisect_left(self._measured, ((0.0, inf), 0))

    @property
    def front(self) -> Sequence[tuple[Rank, int]]:
        """Ranks and numbers of the feasible trials that none dominates, in the order of the first objective."""
        if self._front is None:
            feasible = self._measured[: self._feasible_count]
            places = pareto.front(np.array([rank[1:] for rank, _ in feasible]).reshape(-1, len(self._references)))
            self._front = [feasible[place] for place in places]
        return self._front

    def reaches(self, rank: Rank) -> bool:
        """See Standings."""
        return any(pareto.dominates(known, rank) for known, _ in self.front)

    @property
    def hypervolume(self) -> float | None:
        """See Standings."""
        return None if self.dominated is None else self.dominated.hypervolume

    @property
    def dominated(self) -> Dominated | None:
        """What the front dominates; None while no trial is feasible."""
        if self._dominated is None and self.front:
            self._dominated = Dominated(self.front, self._references)
        return self._dominated

    def in_turn(self) -> Iterator[tuple[int, Rank | None]]:
        """Numbers and ranks of all trials, in the order in which they ended."""
        numbers = (int(turn[-1]) for turn in self._turns)
        return ((number, self._standings[number].rank) for number in numbers)

    @property
    def run_without_gain(self) -> int:
        """See Standings. A feasible result is a gain where it adds to the hypervolume; before there is any, a lower violation is."""
        if self._run is None:
            last = self._last_gain()
            after = 0 if last is None else bisect_right(self._turns, last)
            self._run = sum(bool(turn[0]) for turn in self._turns[after:])
        return self._run

    def _last_gain(self) -> Row | None:
        """The turn of the last gain; None = there was none.

        Whatever is no longer of the front is dominated by one that is, so after the last of the front nothing was a gain. Of equal
        ones the first was.
        """
        firsts: dict[Rank, Row] = {}
        for rank, number in self.front:
            if self._is_inside(rank):
                turn = turn_of(number, self._standings[number])
                firsts[rank] = min(turn, firsts.get(rank, turn))
        if firsts:
            return max(firsts.values())
        last: Row | None = None
        lowest = inf
        for turn in self._turns:  # nothing is within the references
            known = self._standings[int(turn[-1])].rank
            if known is not None and not known[0]:
                break
            if known is not None and known[0] < lowest:
                lowest, last = known[0], turn
        return last

    def _is_inside(self, rank: Rank) -> bool:
        """Whether a result betters the declared references."""
        limits = zip(rank[1:], self._references, strict=True)
        return all(limit is None or cost < limit for cost, limit in limits)

    def _is_gain(self, rank: Rank) -> bool:
        """Whether a result betters all that are known."""
        if rank[0]:
            return not self._measured or rank[0] < self._measured[0][0][0]
        return self._is_inside(rank) and not any(pareto.dominates(known, rank) for known, _ in self.front)

    def _join(self, rank: Rank, number: int) -> None:
        """Puts a feasible result into the front, or leaves it out where it is dominated; equal ones stay side by side."""
        assert self._front is not None, "the caller has looked"
        if any(known != rank and pareto.dominates(known, rank) for known, _ in self._front):
            return
        self._front = [one for one in self._front if one[0] == rank or not pareto.dominates(rank, one[0])]
        insort(self._front, (rank, number))
        self._dominated = None
