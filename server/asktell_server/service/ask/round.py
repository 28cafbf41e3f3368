"""Serves the asks that wait for a study, all together.

What this server knows to be prepared goes out at once, in one round trip: the commit itself checks that nothing has
come in between. Everything else takes a round: read what changed, take back lapsed leases, end the study if a rule
says so, give queued trials out first, then prepared suggestions, let the engine suggest the rest, commit each ask on
its own. Nothing is locked while a model computes; an ask whose commit lost a race takes part in the next round.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TypeVar

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.fixing import has_values
from asktell_server.domain.goal_rules import require_cost_metric
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration
from asktell_server.domain.study import FinishReason, Study
from asktell_server.domain.trial import Trial
from asktell_server.service.ask.lapses import take_back
from asktell_server.service.ask.offer import Offer, serves
from asktell_server.service.ask.preparing import Preparer
from asktell_server.service.ask.refusals import nothing_now, require_active
from asktell_server.service.ask.sharing import AskJob, Shares
from asktell_server.service.ask.starting import Starting
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion
from asktell_server.service.continuing import require_ended, require_no_fidelity
from asktell_server.service.modelling import Modelling, task_of
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.service.worth import Worth
from asktell_server.store.protocol import StudyDelta, TrialStore


class Rounds:
    """Serves asks."""

    def __init__(
        self,
        ledger: TrialStore,
        views: Views,
        modelling: Modelling,
        preparer: Preparer,
        completion: Completion,
        worth: Worth,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._modelling = modelling
        self._preparer = preparer
        self._completion = completion
        self._worth = worth
        self._clock = clock
        self._starting = Starting(ledger, clock)

    async def serve(self, name: StudyName, jobs: Sequence[AskJob]) -> Sequence[AskJob]:
        """Answers jobs, all of them cost-aware or none; returns those that have to be served again: they lost a race, or others
        went first.
        """
        waiting = await self._serve_at_once(name, jobs)
        if not waiting:
            return waiting
        with self._preparer.paused(name):
            return await self._serve_in_a_round(name, waiting)

    async def _serve_at_once(self, name: StudyName, jobs: Sequence[AskJob]) -> Sequence[AskJob]:
        """Serves jobs with what is known to be prepared, without a read; returns those that need a round."""
        view = self._views.peek(name)
        if view is None or not view.ready or jobs[0].cost_aware:
            return jobs
        offer = Offer.of(view)
        if not offer.can_skip_reading:
            return jobs
        ready = list(offer.ready)
        served = []
        for job in jobs:
            if not _fits(job, view):
                continue
            mine = [prepared for prepared in ready if serves(prepared, job.fixed)][: job.count]
            if len(mine) == job.count:
                job.begin()
                given = {prepared.ready_id for prepared in mine}
                job.ready, ready = mine, [prepared for prepared in ready if prepared.ready_id not in given]
                served.append(job)
        if not served:
            return jobs
        view.ready = ready
        lost = await self._start(view, offer, served, nothing_waits=True)
        return [job for job in jobs if job in lost or job not in served]

    async def _serve_in_a_round(self, name: StudyName, jobs: Sequence[AskJob]) -> Sequence[AskJob]:
        view, delta, study = await self._read(name)
        require_active(study)
        jobs = [job for job in jobs if _fits(job, view, fail=True)]
        cost_aware = bool(jobs) and jobs[0].cost_aware
        if cost_aware:
            require_cost_metric(study.goals, "the study's cost_metric")
        everything = Offer.of(view)
        # What is prepared was looked for without a thought of costs: it is for others.
        offer = dataclasses.replace(everything, ready=()) if cost_aware else everything
        shares = Shares(jobs, offer, _queued(view, jobs))
        exhausted: list[Configuration] = []
        if shares.room and study.algorithm.suggests:
            if at_once := _without(jobs, shares.unserved):  # they need not wait for the model
                return [*await self._start(view, offer, at_once), *shares.unserved]
            if not cost_aware and await self._join(view, shares.unserved, offer):
                return jobs
            cost_exponent = _cost_exponent(everything) if cost_aware else 0.0
            exhausted = await self._suggest(view, everything, shares, cost_exponent)
            # Not while points are out, those of this round included: their trials may come back to be run again.
            empty = exhausted and not offer.open and not any(job.given for job in jobs)
            if empty and (not all(exhausted) or task_of(view, 1).is_exhausted()):
                study = await self._completion.finish(view, FinishReason.EXHAUSTED)
        served = [job for job in jobs if job.given]
        out = [*view.pending(), *chain.from_iterable(job.configurations for job in served)] if exhausted else []
        for job in _without(jobs, served):
            over = job.fixed in exhausted and not any(has_values(parameters, job.fixed) for parameters in out)
            job.fail(nothing_now(study, view.head, delta.next_lapse_s, fixed=job.fixed, exhausted=over))
        known_ready = frozenset(prepared.ready_id for prepared in everything.ready)
        return await self._start(view, offer, served, known_ready=known_ready)

    async def _suggest(
        self, view: StudyView, offer: Offer, shares: Shares, cost_exponent: float
    ) -> list[Configuration]:
        """Deals new suggestions, a group of jobs with the same fixed values after the other.

        Returns the fixed values with which there are none.
        """
        exhausted = []
        also_pending = [prepared.trial.parameters for prepared in offer.ready]
        for fixed, count in shares.shortages():
            suggestions = await self._modelling.suggest(
                view, count, fixed=fixed, also_pending=also_pending, cost_exponent=cost_exponent
            )
            shares.deal(suggestions, fixed)
            also_pending += [suggestion.parameters for suggestion in suggestions]
            if not suggestions:
                exhausted.append(fixed)
        return exhausted

    async def _read(self, name: StudyName) -> tuple[StudyView, StudyDelta, Study]:
        """The study as it is, with lapsed leases taken back and ended if a rule says so."""
        view, delta = await self._views.refresh(name)
        if delta.lapsed and await take_back(self._ledger, view, delta.lapsed, self._clock):
            view, delta = await self._views.refresh(name)
        await self._completion.settle(view, now=delta.now)
        return view, delta, await self._worth.settle(view)

    async def _join(self, view: StudyView, unserved: Iterable[AskJob], offer: Offer) -> bool:
        """Waits, once for each job, for what this very server is preparing instead of computing it twice."""
        waiting = [job for job in unserved if not job.joined]
        for job in waiting:
            job.joined = True
        return bool(waiting) and await self._preparer.join(view, offer.limit, [job.fixed for job in waiting])

    async def _start(
        self,
        view: StudyView,
        offer: Offer,
        jobs: Sequence[AskJob],
        *,
        nothing_waits: bool = False,
        known_ready: frozenset[str] | None = None,
    ) -> list[AskJob]:
        """Commits what the jobs have been given; returns those that lost a race."""
        outcomes = await asyncio.gather(
            *(
                self._starting.start(view, offer, job, nothing_waits=nothing_waits, known_ready=known_ready)
                for job in jobs
            )
        )
        lost = [job for job, done in zip(jobs, outcomes, strict=True) if not done]
        served = _without(jobs, lost)
        if served and not jobs[0].cost_aware:  # nothing is prepared for asks that mind the cost
            used = [prepared.ready_id for job in served for prepared in job.ready]
            self._preparer.asked(
                view.study.name,
                sum(job.given for job in served),
                used=used,
                fixed=served[-1].fixed,
                epoch=offer.epoch,
            )
        return lost


def _queued(view: StudyView, jobs: Sequence[AskJob]) -> Sequence[Trial]:
    """The queued trials that the jobs may share."""
    if any(job.continue_from for job in jobs):  # few of the queued ones may be for them
        return view.queued(view.open)
    return view.queued_with([job.fixed for job in jobs], sum(job.count for job in jobs))


def _cost_exponent(offer: Offer) -> float:
    """How much to mind the cost: the share of the budget that is left, all where there is none (cost cooling, Lee et al. 2020)."""
    budget = offer.study.stopping.max_trials
    return 1.0 if budget is None else min(1.0, max(0.0, offer.budget / budget))


def _fits(job: AskJob, view: StudyView, *, fail: bool = False) -> bool:
    """Whether the study has the job's fixed values and the trial to go on from; where `fail` says so, the job fails otherwise."""
    try:
        job.fix(view.study.space)
        require_no_fidelity(view.study.space, job.continue_from, "continue_from")
        require_ended(view, job.continue_from, "continue_from")
    except InvalidArgument as error:
        if fail:
            job.fail(error)
        return False
    return True


_T = TypeVar("_T")


def _without(items: Sequence[_T], others: Iterable[_T]) -> list[_T]:
    left_out = set(others)
    return [item for item in items if item not in left_out]
