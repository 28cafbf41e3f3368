"""One suggestion after the other, each believing in those before it."""

from __future__ import annotations

import numpy as np

from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.batch import greedy
from asktell_server.engine.bayes.raw_points import CENTRES, raw_points
from asktell_server.engine.bayes.search import Found, Search, Taken
from asktell_server.engine.bayes.surrogate import Surrogate
from asktell_server.engine.encoding import Encoding, Points
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.problem import SuggestTask
from asktell_server.engine.seeding import generator

REFINED = 8
"""Suggestions of one task that are searched for one by one; the rest is taken from one set of scored points."""


class Finder:
    """Finds what to try next under a surrogate of a task's observations.

    Trials that are running are believed to give the model's mean (kriging believer): measured better than fantasies,
    than liars and than nothing, and exact for what expected improvement needs of a pending point, its variance.
    """

    def __init__(self, task: SuggestTask, encoding: Encoding, surrogate: Surrogate, *, best: float) -> None:
        self._task = task
        self._encoding = encoding
        self._search = Search(encoding)
        self._rng = generator(task, "search")
        self._best = best
        self._observed = surrogate
        self._novelty = Novelty(task, encoding)
        spent = encoding.encode(self._novelty.spent())
        running = encoding.encode(task.pending)
        self._taken = Taken(np.concatenate([spent, running]))
        self._spent = Taken(spent)
        self._believing = surrogate
        self._unbelieved = [running]
        self._centres = self._best_means()

    def find(self, count: int) -> list[Found]:
        """`count` points, the most promising first, none of them spent; the space must have room for as many."""
        found = [self._one() for _ in range(min(count, REFINED))]
        if count > REFINED:
            found += self._many(count - REFINED)
        return found

    def _one(self) -> Found:
        raw = self._raw()
        acquisition = Acquisition(self._believer(), self._best)
        found = self._search.maximize(acquisition, raw, self._taken)
        if found is None and self._task.problem.replicates > 1:  # what is running may run twice
            found = self._search.maximize(acquisition, raw, self._spent)
        if found is None:
            point = self._left_over(raw)
            found = Found(point=point, value=float(acquisition.scores(point[None, :])[0]))
        self._take(found.point)
        return found

    def _many(self, count: int) -> list[Found]:
        raw = self._raw(least=2 * count)
        free = self._taken.free(raw)
        found = list(greedy(self._believer(), self._best, free, most=count)) if len(free) else []
        for one in found:
            self._take(one.point)
        return found + [self._one() for _ in range(count - len(found))]

    def _raw(self, *, least: int = 0) -> Points:
        cardinality = self._task.problem.space.cardinality
        return raw_points(self._encoding, self._rng, cardinality=cardinality, centres=self._centres, least=least)

    def _left_over(self, raw: Points) -> Points:
        """A point when all that were looked at are taken."""
        seed = (self._task.seed, len(self._task.observations), len(self._task.pending))
        candidates = (self._encoding.decode(point) for point in raw)
        chosen = self._novelty.find(candidates, seed=seed)
        assert chosen is not None, "the task asks for no more than the space has room for"
        return self._encoding.encode([chosen])[0]

    def _take(self, point: Points) -> None:
        self._taken.add(point)
        if self._novelty.add(self._encoding.decode(point)):
            self._spent.add(point)
        self._unbelieved.append(point[None, :])

    def _believer(self) -> Surrogate:
        """The model that believes in all trials that are running or chosen; brought up to date only when asked for."""
        self._believing = self._believing.believe(np.concatenate(self._unbelieved))
        self._unbelieved = [self._encoding.encode([])]
        return self._believing

    def _best_means(self) -> Points:
        """The observed points (at most 4) with the lowest means."""
        order = np.argsort(self._observed.observed_means(), kind="stable")
        return self._observed.data.x[order[:CENTRES]]
