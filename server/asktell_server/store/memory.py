"""A ledger in this process's memory, for tests only: it keeps nothing, and no other server can share it.

No method awaits between reading and writing, so each is atomic on its event loop.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asktell_server.domain.errors import (
    AlreadyExists,
    ErrorReason,
    InvalidArgument,
    ResourceExhausted,
    study_not_found,
    trial_not_found,
)
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study, StudyState
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.memory_study import StudyInMemory
from asktell_server.store.protocol import (
    MAX_MEASUREMENTS,
    MAX_READY,
    REQUEST_TTL_S,
    Commit,
    Committed,
    Conflict,
    ConflictKind,
    EndedPreparing,
    LogEntry,
    MeasurementReported,
    Prepared,
    Reported,
    Request,
    StalenessLimit,
    StudyChanged,
    StudyDelta,
    StudyHead,
    TrialRecord,
    WarmStart,
)


@dataclass(frozen=True, slots=True)
class _Memory:
    """What was answered to a request; `versions` are the trials as they were then."""

    fingerprint: str
    kind: str
    epoch: str
    expires: datetime
    head: StudyHead | None = None
    versions: tuple[Trial, ...] = ()
    sequence: int = 0
    created: int = 0


class MemoryLedger:
    """Implements `protocol.Ledger`; `clock` stands for the store's."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._studies: dict[StudyName, StudyInMemory] = {}
        self._requests: dict[tuple[StudyName, str], _Memory] = {}

    async def create_study(self, study: Study, *, request: Request | None) -> StudyHead:
        """See Ledger."""
        memory = self._remembered(study.name, request)
        if memory is not None and memory.kind == "create" and memory.head is not None:
            return memory.head
        if study.name in self._studies:
            raise AlreadyExists(
                f"study {study.name} exists already",
                reason=ErrorReason.STUDY_EXISTS,
                metadata={"name": str(study.name)},
            )
        stored = StudyInMemory(dataclasses.replace(study, revision=1), secrets.token_hex(8))
        stored.append(StudyChanged(study=stored.study))
        self._studies[study.name] = stored
        self._remember(stored, request, "create", head=stored.head)
        return stored.head

    async def update_study(self, study: Study, *, expected_revision: int, request: Request | None) -> StudyHead:
        """See Ledger."""
        stored = self._stored(study.name)
        memory = self._remembered_of(stored, request, "update")
        if memory is not None and memory.head is not None:
            return dataclasses.replace(stored.head, study=memory.head.study)
        if stored.study.revision != expected_revision:
            raise Conflict(ConflictKind.STUDY_CHANGED)
        stored.study = dataclasses.replace(study, revision=expected_revision + 1)
        stored.forget_ready()
        stored.append(StudyChanged(study=stored.study))
        self._remember(stored, request, "update", head=stored.head)
        return stored.head

    async def delete_study(self, name: StudyName, *, expected_revision: int | None, request: Request | None) -> None:
        """See Ledger."""
        memory = self._remembered(name, request)
        if memory is not None and memory.kind == "delete":
            return
        stored = self._stored(name)
        if expected_revision not in (None, stored.study.revision):
            raise Conflict(ConflictKind.STUDY_CHANGED)
        del self._studies[name]
        self._remember(stored, request, "delete")
        stored.wake()

    async def list_studies(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """See Ledger."""
        names = (name for name in self._studies if name.project == project and name.study_id > after)
        return sorted(names)[:limit]

    async def read_head(self, name: StudyName) -> StudyHead:
        """See Ledger."""
        return self._stored(name).head

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """See Ledger."""
        stored = self._stored(name)
        now = self._clock()
        entries = stored.log[after : after + limit]
        by_deadline = sorted(stored.leases, key=lambda number: stored.leases[number])
        lapsed = [number for number in by_deadline if stored.leases[number] <= now]
        held = by_deadline[len(lapsed) :]
        return StudyDelta(
            head=stored.head,
            entries=entries,
            more=after + len(entries) < len(stored.log),
            lapsed=lapsed[:lapsed_limit],
            next_lapse_s=(stored.leases[held[0]] - now).total_seconds() if held else None,
            now=now,
            ready=tuple(stored.ready) if ready else (),
        )

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """See Ledger."""
        stored = self._stored(name)
        return [stored.record(stored.trials[number]) if number in stored.trials else None for number in numbers]

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """See Ledger."""
        stored = self._stored(name)
        if number not in stored.trials:
            raise trial_not_found(str(name.trial(number)))
        return stored.measurements.get(number, [])[first : first + limit]

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """See Ledger."""
        stored = self._stored(name)
        memory = self._remembered_of(stored, commit.request, "commit")
        if memory is not None:
            return self._again(stored, memory)
        records, created = stored.apply(commit, self._clock())
        sequence = len(stored.log)
        versions = tuple(record.trial for record in records)
        self._remember(stored, commit.request, "commit", versions=versions, sequence=sequence, created=created)
        return Committed(records=records, sequence=sequence, created=created)

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """See Ledger."""
        stored = self._stored(name)
        memory = self._remembered(name, request)
        if memory is None or memory.epoch != stored.epoch:
            return None
        if memory.kind == "report":
            trials = tuple(stored.trials[v.number] for v in memory.versions if v.number in stored.trials)
            memory = dataclasses.replace(memory, versions=trials)
        return self._again(stored, memory)

    async def report(
        self,
        name: StudyName,
        number: int,
        *,
        lease_id: str,
        lease_s: float,
        measurement: Measurement | None,
        request: Request | None,
    ) -> Reported:
        """See Ledger."""
        stored = self._stored(name)
        memory = self._remembered_of(stored, request, "report")
        trial = stored.trials.get(number)
        if trial is None:
            raise trial_not_found(str(name.trial(number)))
        valid = trial.state is TrialState.RUNNING and trial.lease_id == lease_id
        if valid:
            measurements = stored.measurements.setdefault(number, [])
            if measurement is not None and memory is None:
                if len(measurements) >= MAX_MEASUREMENTS:
                    raise ResourceExhausted(
                        f"trial {number} has {MAX_MEASUREMENTS:,} measurements, the most that are kept",
                        reason=ErrorReason.LIMIT_EXCEEDED,
                        metadata={"limit": str(MAX_MEASUREMENTS), "field": "measurements"},
                    )
                measurements.append(measurement)
                index = len(measurements) - 1
                stored.append(MeasurementReported(number=number, index=index, measurement=measurement))
            stored.lease(number, lease_s, self._clock())
            self._remember(stored, request, "report", versions=(trial,))
        return Reported(
            lease_valid=valid,
            lease_expire_time=stored.leases.get(number) if valid else None,
            trial_state=trial.state,
            study_finished=stored.study.state is StudyState.FINISHED,
        )

    async def watch(self, name: StudyName, *, after: int) -> AsyncIterator[LogEntry]:
        """See Ledger."""
        stored = self._stored(name)
        while True:
            changed = stored.changed
            for entry in stored.log[after:]:
                yield entry
                after = entry.sequence
            if self._studies.get(name) is not stored:
                raise study_not_found(str(name))
            if after >= len(stored.log):
                await changed.wait()

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        """See Ledger."""
        return self._stored(name).warm_start

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """See Ledger."""
        stored = self._studies.get(name)
        if stored is None or warm_start.sequence > len(stored.log):
            return
        if stored.warm_start is None or warm_start.sequence >= stored.warm_start.sequence:
            stored.warm_start = warm_start

    async def begin_preparing(
        self, name: StudyName, *, token: str, depth: int, staleness: StalenessLimit, lock_s: float
    ) -> bool:
        """See Ledger."""
        stored = self._stored(name)
        now = self._clock()
        head = stored.head
        fresh = sum(staleness.allows(prepared, head) for prepared in stored.ready)
        if fresh >= depth or (stored.preparing is not None and stored.preparing[1] > now):
            return False
        stored.preparing = (token, now + timedelta(seconds=lock_s))
        return True

    async def end_preparing(
        self, name: StudyName, *, token: str, prepared: Prepared | None, staleness: StalenessLimit
    ) -> EndedPreparing:
        """See Ledger."""
        stored = self._stored(name)
        if stored.preparing is None or stored.preparing[0] != token or stored.preparing[1] <= self._clock():
            return EndedPreparing(kept=False, stale=0)
        stored.preparing = None
        offered = stored.ready if prepared is None else [*stored.ready, dataclasses.replace(prepared, ready_id=token)]
        head = stored.head
        fresh = [each for each in offered if staleness.allows(each, head)]
        stored.ready = fresh[:MAX_READY]
        return EndedPreparing(
            kept=any(each.ready_id == token for each in stored.ready), stale=len(offered) - len(fresh)
        )

    async def check(self) -> None:
        """See Ledger."""

    async def close(self) -> None:
        """See Ledger."""

    def _stored(self, name: StudyName) -> StudyInMemory:
        stored = self._studies.get(name)
        if stored is None:
            raise study_not_found(str(name))
        return stored

    def _again(self, stored: StudyInMemory, memory: _Memory) -> Committed:
        records = []
        for version in memory.versions:
            present = stored.trials.get(version.number)
            leased = present is not None and present.lease_id == version.lease_id
            records.append(stored.record(version, leased=leased))
        return Committed(records=records, sequence=memory.sequence, created=memory.created, replayed=True)

    def _remembered(self, name: StudyName, request: Request | None) -> _Memory | None:
        if request is None:
            return None
        memory = self._requests.get((name, request.request_id))
        if memory is None or memory.expires <= self._clock():
            return None
        if memory.fingerprint != request.fingerprint:
            raise InvalidArgument(
                "request_id", "was used for another request before", reason=ErrorReason.REQUEST_ID_REUSED
            )
        return memory

    def _remembered_of(self, stored: StudyInMemory, request: Request | None, kind: str) -> _Memory | None:
        memory = self._remembered(stored.study.name, request)
        return memory if memory is not None and (memory.kind, memory.epoch) == (kind, stored.epoch) else None

    def _remember(
        self,
        stored: StudyInMemory,
        request: Request | None,
        kind: str,
        *,
        head: StudyHead | None = None,
        versions: tuple[Trial, ...] = (),
        sequence: int = 0,
        created: int = 0,
    ) -> None:
        if request is not None:
            self._requests[stored.study.name, request.request_id] = _Memory(
                fingerprint=request.fingerprint,
                kind=kind,
                epoch=stored.epoch,
                expires=self._clock() + timedelta(seconds=REQUEST_TTL_S),
                head=head,
                versions=versions,
                sequence=sequence or len(stored.log),
                created=created,
            )
