"""How one round of asks shares what there is: queued trials first, then what is prepared, then suggestions, fairly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.problem import Suggestion
from asktell_server.service.views import StudyView
from asktell_server.store.protocol import Prepared, Request, TrialRecord

T = TypeVar("T")

UNLIMITED = 1_000_000_000


@dataclass(slots=True, kw_only=True, eq=False)
class AskJob:
    """One ask that waits for its answer."""

    count: int
    worker_id: str
    request: Request | None
    answer: asyncio.Future[Sequence[TrialRecord]]
    rounds: int = 0
    joined: bool = False
    queued: list[Trial] = field(default_factory=list)
    ready: list[Prepared] = field(default_factory=list)
    fresh: list[Suggestion] = field(default_factory=list)

    @property
    def given(self) -> int:
        """How many trials there are for it."""
        return len(self.queued) + len(self.ready) + len(self.fresh)


class Capacity:
    """How many trials a study may start now: of those that are queued, and new ones."""

    def __init__(self, view: StudyView) -> None:
        counts = view.head.counts
        running = counts.get(TrialState.RUNNING, 0)
        self.open = running + counts.get(TrialState.QUEUED, 0)
        limit = view.study.max_running_trials
        self.starts = limit - running if limit else UNLIMITED
        budget = view.study.stopping.max_trials
        self._new = UNLIMITED if budget is None else budget - view.head.charged

    @property
    def new(self) -> int:
        """New trials that may still be created and started."""
        return max(0, min(self.starts, self._new))

    def take_new(self, count: int) -> None:
        """So many new trials are given out."""
        self.starts -= count
        self._new -= count


def share_queue(jobs: Sequence[AskJob], queue: Sequence[Trial], capacity: Capacity) -> dict[AskJob, int]:
    """Gives the jobs queued trials in turn, one each before any gets a second; returns how many each still wants."""
    unserved = {job: job.count for job in jobs}
    for job in jobs:
        job.queued, job.ready, job.fresh = [], [], []
    taken = _deal(queue[: max(0, capacity.starts)], unserved, lambda job, trial: job.queued.append(trial))
    capacity.starts -= taken
    return unserved


def share_ready(unserved: dict[AskJob, int], ready: Sequence[Prepared], capacity: Capacity) -> None:
    """Gives the jobs prepared suggestions in turn, like queued trials."""
    capacity.take_new(_deal(ready[: capacity.new], unserved, lambda job, prepared: job.ready.append(prepared)))


def share_suggestions(unserved: dict[AskJob, int], suggestions: Sequence[Suggestion]) -> None:
    """Gives each job one suggestion before any gets a second: a large ask must not starve the others."""
    _deal(suggestions, unserved, lambda job, suggestion: job.fresh.append(suggestion))


def _deal(items: Sequence[T], unserved: dict[AskJob, int], give: Callable[[AskJob, T], None]) -> int:
    """Deals `items` in turn until none is left or no job wants more; returns how many were taken."""
    rest = iter(items)
    taken = 0
    while unserved:
        for job in list(unserved):
            try:
                item = next(rest)
            except StopIteration:
                return taken
            give(job, item)
            taken += 1
            unserved[job] -= 1
            if not unserved[job]:
                del unserved[job]
    return taken
