"""Ask: hands out trials. Concurrent asks on one study are answered by one joint batch.

One round of a study's batch: read what changed, take back lapsed leases, end the study if a rule holds, give queued
trials out first, let the engine suggest the rest, commit each ask on its own. Nothing is held while a model
computes; a commit that lost a race takes part in the next round.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
from collections.abc import Sequence

from asktell_server.domain.algorithm import Manual
from asktell_server.domain.errors import (
    AsktellError,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
    contention,
)
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import FinishReason, Study, StudyState
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.problem import Suggester, Suggestion, SuggestTask
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion, study_complete
from asktell_server.service.problems import problem_of
from asktell_server.service.provenance import with_provenance
from asktell_server.service.sharing import AskJob, Capacity, share_queue, share_suggestions
from asktell_server.service.views import StudyView, Views
from asktell_server.store.protocol import (
    Commit,
    Conflict,
    Guard,
    Ledger,
    Request,
    StudyDelta,
    TrialRecord,
    TrialWrite,
    WarmStart,
)

log = logging.getLogger(__name__)

MAX_ASK_COUNT = 1000
MAX_WORKER_ID = 256
MAX_ROUNDS = 20
"""Lost races after which an ask gives up with ABORTED; each round somebody else made progress."""
RETRY_AFTER_S = 1.0
"""How long a worker should wait for a trial that may come back; sooner when a lease ends sooner."""
MIN_RETRY_AFTER_S = 0.1


class AskTrials:
    """The use case Ask."""

    def __init__(
        self, ledger: Ledger, views: Views, suggester: Suggester, completion: Completion, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._suggester = suggester
        self._completion = completion
        self._clock = clock
        self._waiting: dict[StudyName, list[AskJob]] = {}
        self._batches: dict[StudyName, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()

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
        await asyncio.gather(*self._batches.values(), *self._background, return_exceptions=True)

    async def _run(self, name: StudyName) -> None:
        try:
            while jobs := [job for job in self._waiting.pop(name, []) if not job.answer.done()]:
                try:
                    again = await self._round(name, jobs)
                except Exception as error:  # noqa: BLE001  # whatever it is, the callers get it
                    _fail(jobs, error)
                    continue
                self._waiting.setdefault(name, [])[:0] = again
        finally:
            del self._batches[name]
            # Nothing can have been added since the last check: there is no await in between.
            _fail(self._waiting.pop(name, []), RuntimeError("the batch ended early"))

    async def _round(self, name: StudyName, jobs: list[AskJob]) -> list[AskJob]:
        """Serves the jobs once; returns those that lost a race and go on."""
        view, delta = await self._views.refresh(name)
        if delta.lapsed and await self._take_back(name, view, delta.lapsed):
            view, delta = await self._views.refresh(name)
        study = await self._completion.settle(view, now=delta.now)
        _require_active(study)
        # What the answer is built on; the view itself may move on while a model computes.
        guard = Guard(
            epoch=view.head.epoch,
            study_revision=study.revision,
            max_running=study.max_running_trials or None,
            known_number=view.head.last_number,
        )
        capacity = Capacity(view)
        unserved = share_queue(jobs, view.queued(), capacity)
        wanted = sum(unserved.values())
        if wanted and not isinstance(study.algorithm, Manual):
            room = min(wanted, capacity.new)
            suggestions = await self._suggest(view, room)
            share_suggestions(unserved, suggestions)
            # Not while points are out, those of this round included: their trials may come back to be run again.
            if room and not suggestions and not capacity.open:
                study = await self._completion.finish(view, FinishReason.EXHAUSTED)
        served = [job for job in jobs if job.queued or job.fresh]
        for job in jobs:
            if job not in served:
                _fail([job], _nothing_now(study, view, delta))
        outcomes = await asyncio.gather(*(self._commit(view, guard, job) for job in served))
        return [job for job, done in zip(served, outcomes, strict=True) if not done]

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

    async def _suggest(self, view: StudyView, count: int) -> Sequence[Suggestion]:
        if count <= 0:
            return ()
        study = view.study
        if view.warm_start is None:
            stored = await self._ledger.read_warm_start(study.name)
            view.warm_start = stored.payload if stored else b""
        sequence = view.sequence  # the view may move on while the model computes
        task = SuggestTask(
            problem=problem_of(study),
            observations=view.observations(),
            pending=view.pending(),
            count=count,
            seed=study.seed,
            warm_start=view.warm_start,
        )
        result = await self._suggester.suggest(task)
        if result.fallback_reason:
            log.warning("model of %s fell back: %s", study.name, result.fallback_reason)
        if result.warm_start and result.warm_start != view.warm_start:
            view.warm_start = result.warm_start
            self._keep(study.name, WarmStart(sequence=view.sequence, payload=result.warm_start))
        return with_provenance(task, result, sequence=sequence)

    def _keep(self, name: StudyName, warm_start: WarmStart) -> None:
        """Stores model hyperparameters behind the answer: they only make the next fit of another server faster."""

        async def write() -> None:
            try:
                await self._ledger.write_warm_start(name, warm_start)
            except AsktellError as error:
                log.warning("warm start of %s not stored: %s", name, error)

        task = asyncio.create_task(write())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def _commit(self, view: StudyView, guard: Guard, job: AskJob) -> bool:
        """Writes one job's trials and answers it; False when it lost a race and should go round again."""
        if job.answer.done():  # its caller is gone: do not start a trial for nobody
            return True
        study = view.study
        writes = self._writes(view, job)
        if job.fresh:
            guard = dataclasses.replace(
                guard,
                max_charged=study.stopping.max_trials,
                # Where everything has been tried and replicates are wanted, something is tried again.
                known_number=guard.known_number if _must_differ(study, len(view.trials) + len(job.fresh)) else None,
            )
        try:
            committed = await self._ledger.commit(study.name, Commit(writes=writes, guard=guard, request=job.request))
        except Conflict as conflict:
            job.rounds += 1
            if job.rounds < MAX_ROUNDS:
                log.debug("ask on %s lost a race: %s", study.name, conflict.kind.name)
                return False
            _fail([job], contention(str(study.name)))
            return True
        except Exception as error:  # noqa: BLE001
            _fail([job], error)
            return True
        if not committed.replayed:
            for record in committed.records:
                view.put(record.trial)
        if not job.answer.done():
            job.answer.set_result(committed.records)
        return True

    def _writes(self, view: StudyView, job: AskJob) -> list[TrialWrite]:
        study = view.study
        now = self._clock()
        lease_s = study.lease.duration_s
        writes = [
            TrialWrite(
                trial=trial.start(lease_id=_new_lease_id(), worker_id=job.worker_id, now=now),
                expected_revision=trial.revision,
                lease_s=lease_s,
            )
            for trial in job.queued
        ]
        # Two running trials may share a configuration only where replicates are wanted and the space has no other left.
        unique = _must_differ(study, len(view.pending()) + len(job.fresh))
        for suggestion in job.fresh:
            queued = Trial(
                state=TrialState.QUEUED,
                parameters=suggestion.parameters,
                origin=suggestion.origin,
                prediction=suggestion.prediction,
                provenance=suggestion.provenance,
                create_time=now,
            )
            started = queued.start(lease_id=_new_lease_id(), worker_id=job.worker_id, now=now)
            writes.append(TrialWrite(trial=started, lease_s=lease_s, only_if_unique=unique))
        return writes


def _must_differ(study: Study, count: int) -> bool:
    """Whether no two of so many trials may share a configuration: only replicates may, and only where there is no other."""
    cardinality = study.space.cardinality
    return study.replicates == 1 or cardinality is None or cardinality >= count


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
    if isinstance(study.algorithm, Manual) and not limited:
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


def _fail(jobs: Sequence[AskJob], error: Exception) -> None:
    for job in jobs:
        if not job.answer.done():
            job.answer.set_exception(error)


def _new_lease_id() -> str:
    return secrets.token_hex(8)
