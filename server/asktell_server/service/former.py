"""What a view knows of results that were found before the study's data changed: by groups of data epochs, the oldest first."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from asktell_server.domain.goals import Goals
from asktell_server.domain.standings import Standings
from asktell_server.domain.trial import Trial
from asktell_server.engine.earlier import Earlier, informative
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation
from asktell_server.service.ranking import Ranking

MOST_RESULTS = 100
"""Of all groups, that the engine is given."""
MOST_GROUPS = 25
"""That the engine is given results of, the newest ones: at least 4 of each that has as many."""
DOUBT = 0.3
"""How far a result that counts half may be from what it would be today: a variance, where that of all results is about 1."""
_LEAST_WEIGHT = 1e-6
"""A result that counts less teaches nothing either; and the product of many decays may be too small for a double."""


class Former:
    """Groups of results. Each has the numbers of its trials, rising, their history in this order, and their ranking."""

    def __init__(self) -> None:
        self._groups: list[tuple[list[int], History]] = []
        self._rankings: list[Ranking] = []
        self._chosen: list[tuple[int, History] | None] = []
        """What the engine is given of each group, and of at most how many results that was chosen."""

    def __len__(self) -> int:
        return len(self._groups)

    @property
    def results(self) -> int:
        """How many there are in all groups."""
        return sum(len(numbers) for numbers, _ in self._groups)

    @property
    def histories(self) -> Sequence[History]:
        """Those of the groups."""
        return [history for _, history in self._groups]

    @property
    def standings(self) -> Standings | None:
        """Those of the newest group that has a result; None where there is none."""
        known = (ranking.standings for ranking in reversed(self._rankings))
        return next((standings for standings in known if standings.best(1)), None)

    def push(self, numbers: list[int], history: History, ranking: Ranking) -> None:
        """Takes over what has been the present group."""
        self._groups.append((numbers, history))
        self._rankings.append(ranking)
        self._chosen.append(None)

    def insert(self, group: int, trial: Trial, observation: Observation) -> None:
        """Takes in a result of a group."""
        numbers, history = self._groups[group]
        place = bisect_left(numbers, trial.number)
        numbers.insert(place, trial.number)
        history.insert(place, observation)
        self._rankings[group].put(trial)
        self._chosen[group] = None

    def remove(self, number: int) -> None:
        """Forgets the result of a trial, which must be here."""
        for group, (numbers, history) in enumerate(self._groups):
            place = bisect_left(numbers, number)
            if numbers[place : place + 1] == [number]:
                del numbers[place]
                history.remove(place)
                self._rankings[group].remove(number)
                self._chosen[group] = None
                return
        raise KeyError(number)

    def earlier(self, goals: Goals, weights: Sequence[float]) -> list[Earlier]:
        """What the engine is given, where a result of each group counts so much of one of the present.

        The groups share `MOST_RESULTS`; what newer ones do not need is for older ones.
        """
        found = []
        groups = [group for group, (numbers, _) in enumerate(self._groups) if numbers][-MOST_GROUPS:]
        left = MOST_RESULTS
        while groups:
            most = left // len(groups)
            group = groups.pop()
            chosen = self._choose(group, goals, most=most)
            left -= len(chosen)
            doubt = DOUBT * (1.0 / max(weights[group], _LEAST_WEIGHT) - 1.0)
            found.append(Earlier(history=chosen, doubt=doubt))
        return found[::-1]

    def _choose(self, group: int, goals: Goals, *, most: int) -> History:
        known = self._chosen[group]
        if known is not None and known[0] == most:
            return known[1]
        history = self._groups[group][1]
        rows = informative(history, goals, most=most)
        chosen = History.of(history.space, (history[row] for row in rows), metrics=history.metrics)
        self._chosen[group] = (most, chosen)
        return chosen


def cost_of(histories: Sequence[History]) -> float:
    """The sum of the last metric, where it is known."""
    return float(sum(np.nansum(history.values[:, -1]) for history in histories))
