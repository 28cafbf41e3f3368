"""Starts the trials of one ask: one commit, answered once."""

from __future__ import annotations

import dataclasses
import logging
import secrets
from collections.abc import Sequence

from asktell_server.domain.errors import contention
from asktell_server.domain.trial import Trial
from asktell_server.service.clock import Clock
from asktell_server.service.modelling import new_trial
from asktell_server.service.readiness import must_differ
from asktell_server.service.sharing import AskJob
from asktell_server.service.views import StudyView
from asktell_server.store.protocol import Commit, Conflict, Guard, Ledger, TrialWrite

log = logging.getLogger(__name__)

MAX_ROUNDS = 20
"""Lost races after which an ask gives up with ABORTED; each round somebody else made progress."""


class Starting:
    """Hands trials to workers."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def start(
        self, view: StudyView, guard: Guard, job: AskJob, *, known_ready: frozenset[str] | None = None
    ) -> bool:
        """Writes what the job has been given and answers it; False when it lost a race and should go round again.

        `known_ready` are all prepared suggestions that were pending when the fresh ones were chosen.
        """
        if job.answer.done():  # its caller is gone: do not start a trial for nobody
            return True
        study = view.study
        commit = Commit(
            writes=self._writes(view, job),
            guard=self._guard(view, guard, job),
            request=job.request,
            known_ready=known_ready if job.fresh else None,
        )
        try:
            committed = await self._ledger.commit(study.name, commit)
        except Conflict as conflict:
            job.rounds += 1
            if job.rounds < MAX_ROUNDS:
                log.debug("ask on %s lost a race: %s", study.name, conflict.kind.name)
                return False
            fail([job], contention(str(study.name)))
            return True
        except Exception as error:  # noqa: BLE001
            fail([job], error)
            return True
        if not committed.replayed:
            for record in committed.records:
                view.put(record.trial)
        if not job.answer.done():
            job.answer.set_result(committed.records)
        return True

    def _guard(self, view: StudyView, guard: Guard, job: AskJob) -> Guard:
        count = len(job.fresh) + len(job.ready)
        if not count:
            return guard
        study = view.study
        known = [prepared.known_number for prepared in job.ready]
        if guard.known_number is not None and job.fresh:
            known.append(guard.known_number)
        return dataclasses.replace(
            guard,
            max_charged=study.stopping.max_trials,
            # Where everything has been tried and replicates are wanted, something is tried again.
            known_number=min(known, default=None) if must_differ(study, len(view.trials) + count) else None,
        )

    def _writes(self, view: StudyView, job: AskJob) -> list[TrialWrite]:
        study = view.study
        now = self._clock()
        lease_s = study.lease.duration_s

        def started(trial: Trial) -> Trial:
            return trial.start(lease_id=secrets.token_hex(8), worker_id=job.worker_id, now=now)

        writes = [
            TrialWrite(trial=started(trial), expected_revision=trial.revision, lease_s=lease_s) for trial in job.queued
        ]
        # Two running trials may share a configuration only where replicates are wanted and the space has no other left.
        unique = must_differ(study, len(view.pending()) + len(job.ready) + len(job.fresh))
        for prepared in job.ready:
            trial = started(dataclasses.replace(prepared.trial, create_time=now))
            writes.append(TrialWrite(trial=trial, lease_s=lease_s, only_if_unique=unique, ready_id=prepared.ready_id))
        for suggestion in job.fresh:
            trial = started(new_trial(suggestion, now))
            writes.append(TrialWrite(trial=trial, lease_s=lease_s, only_if_unique=unique))
        return writes


def fail(jobs: Sequence[AskJob], error: Exception) -> None:
    """Answers the jobs that wait with an error."""
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)
