"""Ask: hands out trials. Concurrent asks on one study are answered by one joint batch.

What this server knows to be prepared goes out at once, in one round trip: the commit itself checks that nothing has
come between. Everything else takes a round: read what changed, take back lapsed leases, end the study if a rule holds,
give queued trials out first, then what is prepared, let the engine suggest the rest, commit each ask on its own. Nothing
is held while a model computes; a commit that lost a race takes part in the next round.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

from asktell_server.domain.errors import (
    AsktellError,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
)
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import FinishReason, Study, StudyState
from asktell_server.domain.trial import TrialState
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion, study_complete
from asktell_server.service.modelling import Modelling
from asktell_server.service.preparing import Preparer
from asktell_server.service.readiness import can_skip_reading, staleness_limit, usable
from asktell_server.service.sharing import AskJob, Capacity, share_queue, share_ready, share_suggestions
from asktell_server.service.starting import Starting, fail
from asktell_server.service.views import StudyView, Views
from asktell_server.store.protocol import (
    Commit,
    Conflict,
    Guard,
    Ledger,
    Request,
    StalenessLimit,
    StudyDelta,
    TrialRecord,
    TrialWrite,
)

log = logging.getLogger(__name__)

MAX_ASK_COUNT = 1000
MAX_WORKER_ID = 256
RETRY_AFTER_S = 1.0
"""How long a worker should wait for a trial that may come back; sooner when a lease ends sooner."""
MIN_RETRY_AFTER_S = 0.1


class AskTrials:
    """The use case Ask."""

    def __init__(
        self,
        ledger: Ledger,
        views: Views,
        modelling: Modelling,
        preparer: Preparer,
        completion: Completion,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._modelling = modelling
        self._preparer = preparer
        self._completion = completion
        self._clock = clock
        self._starting = Starting(ledger, clock)
        self._waiting: dict[StudyName, list[AskJob]] = {}
        self._batches: dict[StudyName, asyncio.Task[None]] = {}

    async def ask(
        self, name: StudyName, *, count: int, worker_id: str, request: Request | None
    ) -> Sequence[TrialRecord]:
        """At least one and at most `count` trials, RUNNING, with leases.

        Raises:
            InvalidArgument: `count` or `worker_id` is out of range; the request id came with another body.
            NotFound: no such study.
            FailedPrecondition: STUDY_COMPLETE, STUDY_PAUSED or QUEUE_EMPTY.
            ResourceExhausted: NO_TRIAL_AVAILABLE; one may come back.
            Aborted: CONTENTION.
        """
        if not 1 <= count <= MAX_ASK_COUNT:
            raise InvalidArgument("count", f"must be 1 to {MAX_ASK_COUNT}, got {count}")
        if len(worker_id) > MAX_WORKER_ID:
            raise InvalidArgument("worker_id", f"must have at most {MAX_WORKER_ID} characters, got {len(worker_id)}")
        job = AskJob(
            count=count, worker_id=worker_id, request=request, answer=asyncio.get_running_loop().create_future()
        )
        self._waiting.setdefault(name, []).append(job)
        if name not in self._batches:
            # A task of its own: a caller that goes away must not take the others' answers with it.
            self._batches[name] = asyncio.create_task(self._run(name), name=f"ask {name}")
        try:
            return await job.answer
        except AsktellError:
            # The answer of a repeated request comes before whatever has become of the study since.
            if request is not None and (before := await self._ledger.recall(name, request)) is not None:
                return before.records
            raise

    async def close(self) -> None:
        """Waits for what is still being written."""
        await asyncio.gather(*self._batches.values(), return_exceptions=True)
        await self._preparer.close()
        await self._modelling.close()

    async def _run(self, name: StudyName) -> None:
        try:
            while jobs := [job for job in self._waiting.pop(name, []) if not job.answer.done()]:
                try:
                    again = await self._at_once(name, jobs)
                    if again:
                        with self._preparer.held(name):
                            again = await self._round(name, again)
                except Exception as error:  # noqa: BLE001  # whatever it is, the callers get it
                    fail(jobs, error)
                    continue
                self._waiting.setdefault(name, [])[:0] = again
        finally:
            del self._batches[name]
            # Nothing can have been added since the last check: there is no await in between.
            fail(self._waiting.pop(name, []), RuntimeError("the batch ended early"))

    async def _at_once(self, name: StudyName, jobs: list[AskJob]) -> list[AskJob]:
        """Serves jobs with what is known to be prepared, without a read; returns those that need a round."""
        view = self._views.peek(name)
        if view is None or not view.ready or not can_skip_reading(view.study):
            return jobs
        limit = staleness_limit(view)
        ready = usable(view, limit)
        served = []
        for job in jobs:
            if job.count <= len(ready):
                job.queued, job.ready, job.fresh = [], ready[: job.count], []
                del ready[: job.count]
                served.append(job)
        if not served:
            return jobs
        view.ready = ready
        guard = Guard(
            epoch=view.head.epoch,
            study_revision=view.study.revision,
            max_running=view.study.max_running_trials or None,
            nothing_waits=True,
            staleness=limit,
        )
        lost = await self._start(view, guard, served)
        return [job for job in jobs if job in lost or job not in served]

    async def _join(self, name: StudyName, view: StudyView, unserved: Iterable[AskJob], limit: StalenessLimit) -> bool:
        """Waits, once for each job, for what this very server is preparing instead of computing it twice."""
        waiting = [job for job in unserved if not job.joined]
        for job in waiting:
            job.joined = True
        return bool(waiting) and await self._preparer.join(name, view, limit)

    async def _round(self, name: StudyName, jobs: list[AskJob]) -> list[AskJob]:
        """Serves the jobs once; returns those that lost a race and go on."""
        view, delta = await self._views.refresh(name)
        if delta.lapsed and await self._take_back(name, view, delta.lapsed):
            view, delta = await self._views.refresh(name)
        study = await self._completion.settle(view, now=delta.now)
        _require_active(study)
        limit = staleness_limit(view)
        # What the answer is built on; the view itself may move on while a model computes.
        guard = Guard(
            epoch=view.head.epoch,
            study_revision=study.revision,
            max_running=study.max_running_trials or None,
            known_number=view.head.last_number,
            staleness=limit,
        )
        capacity = Capacity(view)
        unserved = share_queue(jobs, view.queued(), capacity)
        share_ready(unserved, usable(view, limit), capacity)
        given_ready = [prepared for job in jobs for prepared in job.ready]
        known_ready = frozenset(prepared.ready_id for prepared in given_ready)
        room = min(sum(unserved.values()), capacity.new)
        if room and study.algorithm.suggests:
            if at_once := [job for job in jobs if job not in unserved]:  # they need not wait for the model
                return [*await self._start(view, guard, at_once), *unserved]
            if await self._join(name, view, unserved, limit):
                return list(jobs)
            suggestions = await self._modelling.suggest(
                view, room, also_pending=[prepared.trial.parameters for prepared in given_ready]
            )
            share_suggestions(unserved, suggestions)
            # Not while points are out, those of this round included: their trials may come back to be run again.
            if not suggestions and not given_ready and not capacity.open:
                study = await self._completion.finish(view, FinishReason.EXHAUSTED)
        served = [job for job in jobs if job.given]
        for job in jobs:
            if job not in served:
                fail([job], _nothing_now(study, view, delta))
        return await self._start(view, guard, served, known_ready=known_ready)

    async def _take_back(self, name: StudyName, view: StudyView, lapsed: Sequence[int]) -> bool:
        """Requeues (or abandons) trials whose lease has run out; True when anything changed."""
        now = self._clock()
        changed = False
        for number in lapsed:
            trial = view.trials.get(number)
            if trial is None or trial.state is not TrialState.RUNNING:
                continue
            back = trial.expire(max_attempts=view.study.lease.max_attempts, now=now)
            write = TrialWrite(trial=back, expected_revision=trial.revision, only_if_lapsed=True)
            try:
                await self._ledger.commit(name, Commit(writes=[write], guard=Guard(epoch=view.head.epoch)))
            except Conflict:
                continue  # its worker came back, or another server was faster
            log.info("lease of %s ran out: %s", name.trial(number), back.state.value)
            changed = True
        return changed

    async def _start(
        self, view: StudyView, guard: Guard, jobs: Sequence[AskJob], *, known_ready: frozenset[str] | None = None
    ) -> list[AskJob]:
        """Commits what the jobs have been given; returns those that lost a race."""
        outcomes = await asyncio.gather(
            *(self._starting.start(view, guard, job, known_ready=known_ready) for job in jobs)
        )
        lost = [job for job, done in zip(jobs, outcomes, strict=True) if not done]
        served = [job for job in jobs if job not in lost]
        if served:
            used = [prepared.ready_id for job in served for prepared in job.ready]
            self._preparer.asked(view.study.name, sum(job.given for job in served), used=used)
        return lost


def _require_active(study: Study) -> None:
    if study.state is StudyState.FINISHED:
        raise study_complete(study)
    if study.state is StudyState.PAUSED:
        raise FailedPrecondition(
            f"study {study.name} is paused", reason=ErrorReason.STUDY_PAUSED, metadata={"name": str(study.name)}
        )


def _nothing_now(study: Study, view: StudyView, delta: StudyDelta) -> AsktellError:
    """Why an active study has no trial for this ask."""
    if study.state is StudyState.FINISHED:
        return study_complete(study)
    name = str(study.name)
    running = view.head.counts.get(TrialState.RUNNING, 0)
    limited = study.max_running_trials and running >= study.max_running_trials
    if not study.algorithm.suggests and not limited:
        return FailedPrecondition(
            f"study {name} uses manual search and no trial is enqueued",
            reason=ErrorReason.QUEUE_EMPTY,
            metadata={"name": name},
        )
    why = (
        f"{running} trials are running, the most that are allowed at once"
        if limited
        else f"everything there is to try is handed out and {running} still run"
    )
    wait_s = RETRY_AFTER_S if delta.next_lapse_s is None else min(RETRY_AFTER_S, delta.next_lapse_s)
    return ResourceExhausted(
        f"study {name} has no trial to hand out now: {why}",
        reason=ErrorReason.NO_TRIAL_AVAILABLE,
        metadata={"name": name, "running": str(running)},
        retry_after_s=max(MIN_RETRY_AFTER_S, wait_s),
    )
