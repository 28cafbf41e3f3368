"""How one round of asks shares what there is: queued trials first, then what is prepared, then suggestions, fairly."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from asktell_server.domain.fixing import fixed_values, has_values
from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.domain.trial import Trial
from asktell_server.engine.problem import Suggestion
from asktell_server.service.ask.offer import Offer, serves
from asktell_server.store.protocol import Prepared, Request, TrialRecord

T = TypeVar("T")


@dataclass(slots=True, kw_only=True, eq=False)
class AskJob:
    """One ask that waits for its answer, and what it has been given in this round.

    `continue_from`: the trial that its trials are to go on from; 0 = none, or as queued trials say. `asked_fixed` are the fixed values as they came, `fixed` as the study has them, once `fix` has looked. `cost_aware`: it wants
    improvement per cost. `undelivered`: trials that were started for it when its caller had already gone.
    """

    count: int
    worker_id: str
    request: Request | None
    answer: asyncio.Future[Sequence[TrialRecord]]
    cost_aware: bool = False
    continue_from: int = 0
    asked_fixed: Configuration = field(default_factory=dict)
    fixed: Configuration = field(default_factory=dict)
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

    def fix(self, space: SearchSpace) -> None:
        """Reads the fixed values. Raises InvalidArgument."""
        self.fixed = fixed_values(space, self.asked_fixed, field="fixed_parameters")

    def takes(self, queued: Trial) -> bool:
        """Whether it may have a queued trial."""
        return has_values(queued.parameters, self.fixed) and self.continue_from in (0, queued.continue_from)

    def wants_the_same(self, other: AskJob) -> bool:
        """Whatever one of the two may have, the other may have."""
        return self.fixed == other.fixed and self.continue_from == other.continue_from

    @property
    def configurations(self) -> Sequence[Configuration]:
        """Of the trials that there are for it."""
        trials = [*self.queued, *(prepared.trial for prepared in self.ready)]
        return [*(trial.parameters for trial in trials), *(suggestion.parameters for suggestion in self.fresh)]

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
    """Gives each job one of a kind before any gets a second: a large ask must not starve the others. Nor does a job without fixed
    values take what another one of the round could run alone.

    Attributes:
        unserved: how many trials each job still wants; jobs that want none are left out.
    """

    def __init__(self, jobs: Sequence[AskJob], offer: Offer, queue: Sequence[Trial]) -> None:
        self.unserved = {job: job.count for job in jobs}
        for job in jobs:
            job.begin()
        startable = max(0, offer.startable)
        startable -= self._deal(
            queue,
            lambda job, trial: job.queued.append(trial),
            fits=lambda job, trial: job.takes(trial),
            most=startable,
        )
        new = max(0, min(startable, offer.budget))
        new -= self._deal(
            offer.ready,
            lambda job, prepared: job.ready.append(prepared),
            fits=lambda job, prepared: serves(prepared, job.fixed),
            most=new,
        )
        self._new = new

    @property
    def room(self) -> int:
        """How many new suggestions can be given."""
        return min(sum(self.unserved.values()), self._new)

    def shortages(self) -> Iterator[tuple[Configuration, int]]:
        """The fixed values of jobs that still want some, group after group, and how many suggestions a group may have.

        Those with the least choice come first. What one group does not get, by `deal`, is left for the next ones.
        """
        waiting = sorted(self.unserved, key=lambda job: -len(job.fixed))
        while waiting:
            shares = self._shares(waiting)
            fixed = waiting[0].fixed
            count = sum(share for job, share in shares.items() if job.fixed == fixed)
            waiting = [job for job in waiting if job.fixed != fixed]
            if count:
                yield fixed, count

    def deal(self, suggestions: Sequence[Suggestion], fixed: Configuration) -> None:
        """Gives suggestions to the jobs with these fixed values that still want some."""
        self._new -= self._deal(
            suggestions,
            lambda job, suggestion: job.fresh.append(suggestion),
            fits=lambda job, _: job.fixed == fixed,
            most=self._new,
        )

    def _shares(self, jobs: Sequence[AskJob]) -> dict[AskJob, int]:
        """How much of the room each of the jobs may have."""
        shares, left = dict.fromkeys(jobs, 0), self._new
        wanting = list(jobs)
        while wanting and left:
            for job in wanting[:left]:
                shares[job] += 1
            left -= min(left, len(wanting))
            wanting = [job for job in wanting if shares[job] < self.unserved[job]]
        return shares

    def _deal(
        self,
        items: Sequence[T],
        give: Callable[[AskJob, T], None],
        *,
        fits: Callable[[AskJob, T], bool],
        most: int,
    ) -> int:
        """Deals in turn until nothing is left or no job wants more of what is; returns how many were taken, at most `most`."""
        rest, wanting = _Rest(items, self.unserved, fits), list(self.unserved)
        taken = 0
        while wanting and rest:
            for job in list(wanting):
                if taken >= most:
                    return taken
                item = rest.take(job)
                if item is None:
                    wanting.remove(job)
                    continue
                give(job, item)
                taken += 1
                self.unserved[job] -= 1
                if not self.unserved[job]:
                    del self.unserved[job]
                    wanting.remove(job)
        return taken


class _Rest(Generic[T]):
    """What is left to deal. Jobs that want the same are of one kind; items that fit the same kinds lie together."""

    def __init__(self, items: Sequence[T], wanted: Mapping[AskJob, int], fits: Callable[[AskJob, T], bool]) -> None:
        kinds: list[AskJob] = []  # the first job of each
        self._kind_of: dict[AskJob, int] = {}
        self._demand: list[int] = []
        for job, count in wanted.items():
            kind = next((kind for kind, other in enumerate(kinds) if job.wants_the_same(other)), len(kinds))
            if kind == len(kinds):
                kinds.append(job)
                self._demand.append(0)
            self._kind_of[job] = kind
            self._demand[kind] += count
        self._supply = [0] * len(kinds)
        self._piles: dict[frozenset[int], deque[tuple[int, T]]] = {}
        for place, item in enumerate(items):
            fitting = frozenset(kind for kind, first in enumerate(kinds) if fits(first, item))
            if fitting:
                self._piles.setdefault(fitting, deque()).append((place, item))
            for kind in fitting:
                self._supply[kind] += 1

    def __bool__(self) -> bool:
        """There is something left."""
        return bool(self._piles)

    def take(self, job: AskJob) -> T | None:
        """The first item for the job, if possible one that jobs of no other kind will lack; None where none fits."""
        mine = self._kind_of[job]
        piles = [fitting for fitting in self._piles if mine in fitting]
        if not piles:
            return None

        def loss(fitting: frozenset[int]) -> tuple[int, int]:
            lacking = sum(kind != mine and self._supply[kind] <= self._demand[kind] for kind in fitting)
            return lacking, self._piles[fitting][0][0]

        chosen = min(piles, key=loss)
        _, item = self._piles[chosen].popleft()
        if not self._piles[chosen]:
            del self._piles[chosen]
        for kind in chosen:
            self._supply[kind] -= 1
        self._demand[mine] -= 1
        return item
