"""How one round of asks shares what there is: queued trials first, then what is prepared, then suggestions, fairly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from asktell_server.domain.trial import Trial
from asktell_server.engine.problem import Suggestion
from asktell_server.service.ask.offer import Offer
from asktell_server.store.protocol import Prepared, Request, TrialRecord

T = TypeVar("T")


@dataclass(slots=True, kw_only=True, eq=False)
class AskJob:
    """One ask that waits for its answer, and what it has been given in this round.

    `cost_aware`: it wants improvement per cost. `undelivered`: trials that were started for it when its caller had already gone.
    """

    count: int
    worker_id: str
    request: Request | None
    answer: asyncio.Future[Sequence[TrialRecord]]
    cost_aware: bool = False
    lost_races: int = 0
    joined: bool = False
    queued: list[Trial] = field(default_factory=list)
    ready: list[Prepared] = field(default_factory=list)
    fresh: list[Suggestion] = field(default_factory=list)
    undelivered: Sequence[TrialRecord] = ()

    @property
    def given(self) -> int:
        """How many trials there are for it."""
        return len(self.queued) + len(self.ready) + len(self.fresh)

    def begin(self) -> None:
        """Takes back what a former round has given."""
        self.queued, self.ready, self.fresh = [], [], []

    def succeed(self, records: Sequence[TrialRecord]) -> None:
        """Answers with started trials, or keeps them when nobody waits for them."""
        if self.answer.done():
            self.undelivered = records
        else:
            self.answer.set_result(records)

    def fail(self, error: Exception) -> None:
        """Answers with an error, if there is no answer yet."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Shares:
    """Gives each job one of a kind before any gets a second: a large ask must not starve the others.

    Attributes:
        unserved: how many trials each job still wants; jobs that want none are left out.
        prepared: the prepared suggestions that have been given.
        room: how many new suggestions can be given.
    """

    def __init__(self, jobs: Sequence[AskJob], offer: Offer, queue: Sequence[Trial]) -> None:
        self.unserved = {job: job.count for job in jobs}
        for job in jobs:
            job.begin()
        startable = max(0, offer.startable)
        startable -= self._deal(queue[:startable], lambda job, trial: job.queued.append(trial))
        new = max(0, min(startable, offer.budget))
        new -= self._deal(offer.ready[:new], lambda job, prepared: job.ready.append(prepared))
        self.prepared = [prepared for job in jobs for prepared in job.ready]
        self.room = min(sum(self.unserved.values()), new)

    def deal(self, suggestions: Sequence[Suggestion]) -> None:
        """Gives suggestions to the jobs that still want some."""
        self._deal(suggestions, lambda job, suggestion: job.fresh.append(suggestion))

    def _deal(self, items: Sequence[T], give: Callable[[AskJob, T], None]) -> int:
        """Deals in turn until nothing is left or no job wants more; returns how many were taken."""
        rest = iter(items)
        taken = 0
        while self.unserved:
            for job in list(self.unserved):
                try:
                    item = next(rest)
                except StopIteration:
                    return taken
                give(job, item)
                taken += 1
                self.unserved[job] -= 1
                if not self.unserved[job]:
                    del self.unserved[job]
        return taken
