"""How one round of asks shares what there is: queued trials first, then suggestions, fairly."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.problem import Suggestion
from asktell_server.service.views import StudyView
from asktell_server.store.protocol import Request, TrialRecord

UNLIMITED = 1_000_000_000


@dataclass(slots=True, kw_only=True, eq=False)
class AskJob:
    """One ask that waits for its answer."""

    count: int
    worker_id: str
    request: Request | None
    answer: asyncio.Future[Sequence[TrialRecord]]
    rounds: int = 0
    queued: list[Trial] = field(default_factory=list)
    fresh: list[Suggestion] = field(default_factory=list)


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


def share_queue(jobs: list[AskJob], queue: list[Trial], capacity: Capacity) -> dict[AskJob, int]:
    """Gives queued trials to the jobs in turn; returns how many each still wants."""
    unserved: dict[AskJob, int] = {}
    for job in jobs:
        take = max(0, min(job.count, len(queue), capacity.starts))
        job.queued, job.fresh = queue[:take], []
        del queue[:take]
        capacity.starts -= take
        if job.count > take:
            unserved[job] = job.count - take
    return unserved


def share_suggestions(unserved: dict[AskJob, int], suggestions: Sequence[Suggestion]) -> None:
    """Gives each job one suggestion before any gets a second: a large ask must not starve the others."""
    rest = list(suggestions)
    while rest and unserved:
        for job in list(unserved):
            if not rest:
                return
            job.fresh.append(rest.pop(0))
            unserved[job] -= 1
            if not unserved[job]:
                del unserved[job]
