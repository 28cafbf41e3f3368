"""One suggestion after the other, each believing in those before it."""

from __future__ import annotations

from functools import partial

import numpy as np

from asktell_server.engine.bayes.acquisition import Scorer
from asktell_server.engine.bayes.batch import greedy
from asktell_server.engine.bayes.prior import space_prior
from asktell_server.engine.bayes.pursuit import Pursuit
from asktell_server.engine.bayes.raw_points import raw_points
from asktell_server.engine.bayes.search import Found, Search
from asktell_server.engine.bayes.surrogates import Surrogates
from asktell_server.engine.bayes.taken import NEAR, Taken
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.seeding import generator, seed_of
from asktell_server.engine.space.region import Region
from asktell_server.engine.space.warp import Points

REFINED = 8
"""Suggestions of one task that are searched for one by one; further ones are taken from one set of scored points."""

MOST_BELIEVED = 500
"""Configurations tried at lower fidelities only that are believed in at the highest one: the latest."""


class Finder:
    """Finds what to try next in pursuit of a task's goals.

    Trials that are running are believed to give the surrogates' means (kriging believer). That measured better than
    fantasies, than liars and than leaving them out, and is exact for what expected improvement needs of a pending point,
    its variance. So are configurations that have only been tried at lower fidelities, at the highest one, where new ones are wanted: whether to
    go on with these is for promotions to say.
    """

    def __init__(self, task: StudyTask, region: Region, pursuit: Pursuit) -> None:
        self._task = task
        self._region = region
        self._acquisition = pursuit.acquisition
        self._prior = space_prior(task, region.encoding, pursuit.centres)
        self._search = Search(region)
        self._rng = generator(task, "search")
        self._novelty = Novelty(task, region)
        spent = region.encoding.encode_keys(self._novelty.spent())
        running = region.encoding.encode_keys(self._novelty.running)
        near = NEAR if task.problem.replicates == 1 else 0.0
        self._taken = Taken(np.concatenate([spent, running]), region.encoding, near=near)
        self._spent = Taken(spent, region.encoding, near=0.0)
        self._centres = pursuit.centres
        self._believing = pursuit.surrogates
        self._unbelieved = [region.encoding.encode(task.pending)]
        if task.begin_at:
            self._unbelieved.append(region.encoding.encode_keys(self._novelty.moved[-MOST_BELIEVED:]))

    def find(self, count: int) -> list[Found]:
        """`count` points, the most promising first, none of them spent; the space must have room for as many."""
        found = [self._one() for _ in range(min(count, REFINED))]
        if count > REFINED:
            found += self._many(count - REFINED)
        return found

    def _one(self) -> Found:
        raw = self._raw()
        believer = self._believer()
        scorer = Scorer(believer, self._acquisition, self._prior)
        found = self._search.maximize(scorer, raw, self._taken)
        if found is None and self._task.problem.replicates > 1:  # what is running may run twice
            found = self._search.maximize(scorer, raw, self._spent)
        if found is None:
            point = self._left_over(raw)
            found = Found(point=point, value=float(scorer.scores(point[None, :])[0]))
        self._take(found.point)
        return found

    def _many(self, count: int) -> list[Found]:
        raw = self._raw(least=2 * count)
        free = self._taken.free(raw)
        free = free[[*self._taken.apart(free)]]
        believer = self._believer()
        found = list(greedy(believer, self._acquisition, free, most=count, prior=self._prior)) if len(free) else []
        for one in found:
            self._take(one.point)
        return found + [self._one() for _ in range(count - len(found))]

    def _raw(self, *, least: int = 0) -> Points:
        return raw_points(self._region, self._rng, centres=self._centres, least=least)

    def _left_over(self, raw: Points) -> Points:
        """A point when all that were looked at are taken."""
        encoding = self._region.encoding
        chosen = self._novelty.find(map(encoding.decode, raw), seed=seed_of(self._task))
        assert chosen is not None, "the task asks for no more than the space has room for"
        return encoding.encode([chosen])[0]

    def _take(self, point: Points) -> None:
        self._taken.add(point)
        if self._novelty.add(self._region.encoding.decode(point)):
            self._spent.add(point)
        self._unbelieved.append(point[None, :])

    def _believer(self) -> Surrogates:
        """The surrogates that believe in all trials that are running or chosen, and so does the acquisition function from then
        on; brought up to date only when asked for.
        """
        points = np.concatenate(self._unbelieved)
        if len(points):
            self._acquisition = self._acquisition.believing(partial(self._believing.moments, points))
        self._believing = self._believing.believe(points)
        self._unbelieved = [np.empty((0, self._region.encoding.dimension))]
        return self._believing
