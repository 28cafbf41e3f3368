"""The use case Ask. Concurrent asks on one study are answered by one joint batch.

The caller of an ask may go away while its trials are being started. They are given back at once, as if the caller had
released them, unless the ask has a request id: then they are the answer to its repetition, which may reach another server,
and only their lease says that nobody came for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from functools import partial

from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Trial
from asktell_server.service.ask.round import Rounds
from asktell_server.service.ask.sharing import AskJob
from asktell_server.service.changing import TrialChanges
from asktell_server.store.protocol import Request, RequestStore, TrialRecord

log = logging.getLogger(__name__)

MAX_ASK_COUNT = 1000
MAX_WORKER_ID = 256


class AskTrials:
    """Hands out trials."""

    def __init__(self, ledger: RequestStore, rounds: Rounds, changes: TrialChanges) -> None:
        self._ledger = ledger
        self._rounds = rounds
        self._changes = changes
        self._waiting: dict[StudyName, list[AskJob]] = {}
        self._batches: dict[StudyName, asyncio.Task[None]] = {}
        self._giving_back: set[asyncio.Task[None]] = set()

    async def ask(
        self,
        name: StudyName,
        *,
        count: int,
        worker_id: str,
        request: Request | None,
        cost_aware: bool = False,
        fixed: Configuration | None = None,
        continue_from: int = 0,
    ) -> Sequence[TrialRecord]:
        """At least one and at most `count` trials with the `fixed` values, RUNNING, with leases; with `cost_aware` for
        improvement per cost; going on from the trial with the number `continue_from`, if it is not 0.

        Raises:
            InvalidArgument: `count` or `worker_id` is out of range; a fixed value is none of the space, or a context parameter has
                none; the study has no cost metric to be aware of, or no ended trial to go on from; the request id came with another body.
            NotFound: no such study.
            FailedPrecondition: STUDY_COMPLETE, STUDY_PAUSED, QUEUE_EMPTY or FIXED_EXHAUSTED.
            ResourceExhausted: NO_TRIAL_AVAILABLE; one may come back.
            Aborted: CONTENTION.
        """
        if not 1 <= count <= MAX_ASK_COUNT:
            raise InvalidArgument("count", f"must be 1 to {MAX_ASK_COUNT}, got {count}")
        if len(worker_id) > MAX_WORKER_ID:
            raise InvalidArgument("worker_id", f"must have at most {MAX_WORKER_ID} characters, got {len(worker_id)}")
        job = AskJob(
            count=count,
            worker_id=worker_id,
            request=request,
            cost_aware=cost_aware,
            continue_from=continue_from,
            asked_fixed=fixed or {},
            answer=asyncio.get_running_loop().create_future(),
        )
        self._waiting.setdefault(name, []).append(job)
        if name not in self._batches:
            # A task of its own: a caller that goes away must not take the others' answers with it.
            self._batches[name] = asyncio.create_task(self._run(name), name=f"ask {name}")
        try:
            return await job.answer
        except asyncio.CancelledError:
            if not job.answer.cancelled() and job.answer.exception() is None:  # it came just before
                job.undelivered = job.answer.result()
                self._give_back(name, job)
            raise
        except AsktellError:
            # The answer of a repeated request comes before whatever has become of the study since.
            if request is not None and (before := await self._ledger.recall(name, request)) is not None:
                return before.records
            raise

    async def close(self) -> None:
        """Waits for the asks that are being answered."""
        await asyncio.gather(*self._batches.values(), return_exceptions=True)
        await asyncio.gather(*self._giving_back, return_exceptions=True)

    async def _run(self, name: StudyName) -> None:
        """Serves those who wait for the study, and all who come meanwhile."""
        try:
            while jobs := [job for job in self._waiting.pop(name, []) if not job.answer.done()]:
                for alike in _alike(jobs):
                    try:
                        again = await self._rounds.serve(name, alike)
                    except Exception as error:  # noqa: BLE001  # whatever it is, the callers get it
                        _fail(alike, error)
                    else:
                        for job in alike:
                            self._give_back(name, job)
                        self._waiting.setdefault(name, [])[:0] = again
        finally:
            del self._batches[name]
            # Nothing can have been added since the last check: there is no await in between.
            _fail(self._waiting.pop(name, []), RuntimeError("the batch ended early"))

    def _give_back(self, name: StudyName, job: AskJob) -> None:
        """Releases the trials that nobody waits for, beside what else is done."""
        if job.request is not None or not job.undelivered:
            return
        task = asyncio.create_task(self._release(name, job.undelivered), name=f"give back {name}")
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def _release(self, name: StudyName, records: Sequence[TrialRecord]) -> None:
        for record in records:
            trial = record.trial
            try:
                await self._changes.apply(
                    name.trial(trial.number), partial(Trial.release, lease_id=trial.lease_id), None
                )
            except AsktellError as error:  # its lease ends all the same
                log.warning("cannot give back %s, whose caller is gone: %s", name.trial(trial.number), error)
            else:
                log.debug("gave back %s: its caller is gone", name.trial(trial.number))


def _alike(jobs: Sequence[AskJob]) -> Iterator[Sequence[AskJob]]:
    """The jobs in groups that one task of the engine can serve."""
    for cost_aware in (False, True):
        if alike := [job for job in jobs if job.cost_aware is cost_aware]:
            yield alike


def _fail(jobs: Sequence[AskJob], error: Exception) -> None:
    for job in jobs:
        job.fail(error)
