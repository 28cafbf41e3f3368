"""Starts the trials of one ask: one commit, answered once."""

from __future__ import annotations

import dataclasses
import logging
import secrets

from asktell_server.domain.errors import contention
from asktell_server.domain.trial import Trial
from asktell_server.service.ask.offer import Offer
from asktell_server.service.ask.sharing import AskJob
from asktell_server.service.clock import Clock
from asktell_server.service.modelling import new_trial
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import Commit, Conflict, Guard, TrialStore, TrialWrite

log = logging.getLogger(__name__)

MAX_ROUNDS = 20
"""Lost races after which an ask gives up with ABORTED; each round somebody else made progress."""


class Starting:
    """Hands trials to workers."""

    def __init__(self, ledger: TrialStore, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def start(
        self,
        view: StudyView,
        offer: Offer,
        job: AskJob,
        *,
        nothing_waits: bool = False,
        known_ready: frozenset[str] | None = None,
    ) -> bool:
        """Writes what the job has been given of the offer and answers it; False when it lost a race and should go on.

        `nothing_waits`: nothing may be queued or lapsed, for nobody has looked. `known_ready` are all prepared suggestions
        that were pending when the fresh ones were chosen.
        """
        if job.answer.done():  # its caller is gone: do not start a trial for nobody
            return True
        name = offer.study.name
        commit = Commit(
            writes=self._writes(offer, job),
            guard=_guard(offer, job, nothing_waits=nothing_waits),
            request=job.request,
            known_ready=known_ready if job.fresh else None,
        )
        try:
            committed = await self._ledger.commit(name, commit)
        except Conflict as conflict:
            job.lost_races += 1
            if job.lost_races < MAX_ROUNDS:
                log.debug("ask on %s lost a race: %s", name, conflict.kind.name)
                return False
            job.fail(contention(str(name)))
            return True
        except Exception as error:  # noqa: BLE001
            job.fail(error)
            return True
        if not committed.replayed:
            for record in committed.records:
                view.put(record.trial)
        job.succeed(committed.records)
        return True

    def _writes(self, offer: Offer, job: AskJob) -> list[TrialWrite]:
        now = self._clock()
        study = offer.study
        lease_s = study.lease.duration_s

        def started(trial: Trial) -> Trial:
            return trial.start(
                lease_id=secrets.token_hex(8), worker_id=job.worker_id, now=now, data_epoch=study.data_epoch
            )

        def new(trial: Trial) -> Trial:
            return started(dataclasses.replace(trial, continue_from=job.continue_from or trial.continue_from))

        writes = [
            TrialWrite(trial=started(trial), expected_revision=trial.revision, lease_s=lease_s) for trial in job.queued
        ]
        # Two running trials may share a configuration only where replicates are wanted and the space has no other left.
        unique = offer.study.replicates == 1 or len(job.ready) + len(job.fresh) <= offer.unoccupied(job.fixed)
        for prepared in job.ready:
            trial = new(dataclasses.replace(prepared.trial, create_time=now))
            writes.append(TrialWrite(trial=trial, lease_s=lease_s, only_if_unique=unique, ready_id=prepared.ready_id))
        for suggestion in job.fresh:
            trial = new(new_trial(offer.study.space, suggestion, now))
            writes.append(TrialWrite(trial=trial, lease_s=lease_s, only_if_unique=unique))
        return writes


def _guard(offer: Offer, job: AskJob, *, nothing_waits: bool) -> Guard:
    """The conditions under which the job may have what it has been given."""
    study = offer.study
    known = [prepared.known_number for prepared in job.ready]
    if job.fresh:
        known.append(offer.known_number)
    new = len(job.ready) + len(job.fresh)
    # Where everything has been tried and replicates are wanted, something is tried again.
    differ = study.replicates == 1 or new <= offer.untried(job.fixed)
    return Guard(
        epoch=offer.epoch,
        study_revision=study.revision,
        max_running=study.max_running_trials or None,
        max_charged=study.stopping.max_trials if new else None,
        known_number=min(known) if new and differ else None,
        nothing_waits=nothing_waits,
        staleness=offer.limit,
    )
