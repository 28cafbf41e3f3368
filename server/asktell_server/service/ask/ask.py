"""The use case Ask. Concurrent asks on one study are answered by one joint batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.service.ask.round import Rounds
from asktell_server.service.ask.sharing import AskJob
from asktell_server.store.protocol import Request, RequestStore, TrialRecord

MAX_ASK_COUNT = 1000
MAX_WORKER_ID = 256


class AskTrials:
    """Hands out trials."""

    def __init__(self, ledger: RequestStore, rounds: Rounds) -> None:
        self._ledger = ledger
        self._rounds = rounds
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
        """Waits for the asks that are being answered."""
        await asyncio.gather(*self._batches.values(), return_exceptions=True)

    async def _run(self, name: StudyName) -> None:
        """Serves those who wait for the study, and all who come meanwhile."""
        try:
            while jobs := [job for job in self._waiting.pop(name, []) if not job.answer.done()]:
                try:
                    again = await self._rounds.serve(name, jobs)
                except Exception as error:  # noqa: BLE001  # whatever it is, the callers get it
                    _fail(jobs, error)
                else:
                    self._waiting.setdefault(name, [])[:0] = again
        finally:
            del self._batches[name]
            # Nothing can have been added since the last check: there is no await in between.
            _fail(self._waiting.pop(name, []), RuntimeError("the batch ended early"))


def _fail(jobs: Sequence[AskJob], error: Exception) -> None:
    for job in jobs:
        job.fail(error)
