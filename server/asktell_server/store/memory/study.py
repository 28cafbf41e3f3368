"""One study of the in-memory ledger: its trials, its log and how a commit changes them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from asktell_server.domain.metrics import Measurement
from asktell_server.domain.space import configuration_digest
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.protocol import (
    Change,
    Commit,
    Conflict,
    ConflictKind,
    Guard,
    LogEntry,
    Prepared,
    Snapshot,
    StudyHead,
    TrialChanged,
    TrialDeleted,
    TrialRecord,
    TrialWrite,
    WarmStart,
)


@dataclass(slots=True)
class StudyInMemory:
    """A study with all that belongs to it. Times are given by the caller, who has the clock."""

    study: Study
    epoch: str
    log: list[LogEntry] = field(default_factory=list)
    trials: dict[int, Trial] = field(default_factory=dict)
    surprises: dict[int, int] = field(default_factory=dict)
    """What each trial adds to the surprise of the study."""
    leases: dict[int, datetime] = field(default_factory=dict)
    imports: dict[str, int] = field(default_factory=dict)
    measurements: dict[int, list[Measurement]] = field(default_factory=dict)
    stop_reasons: dict[int, str] = field(default_factory=dict)
    last_number: int = 0
    warm_start: WarmStart | None = None
    ready: list[Prepared] = field(default_factory=list)
    preparing: tuple[str, datetime] | None = None
    """Who prepares, and until when its lock holds."""
    snapshot: Snapshot | None = None
    pieces: dict[str, bytes] = field(default_factory=dict)
    """Of the snapshot, and of one to come."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def head(self) -> StudyHead:
        """As a reader sees it."""
        return StudyHead(
            study=self.study,
            epoch=self.epoch,
            sequence=len(self.log),
            last_number=self.last_number,
            counts=Counter(trial.state for trial in self.trials.values()),
            charged=sum(trial.counts_toward_budget for trial in self.trials.values()),
            surprise=sum(self.surprises.values()),
        )

    def append(self, change: Change) -> None:
        """Logs a change."""
        self.log.append(LogEntry(sequence=len(self.log) + 1, change=change))
        self.wake()

    def wake(self) -> None:
        """Wakes all who wait on `changed`."""
        self.changed.set()
        self.changed = asyncio.Event()

    def forget_ready(self) -> None:
        """Drops what is prepared and breaks the lock of whoever prepares."""
        self.ready = []
        self.preparing = None

    def record(self, trial: Trial, *, leased: bool = True) -> TrialRecord:
        """A trial's record; without its lease if not `leased`."""
        return TrialRecord(
            trial=trial,
            measurement_count=len(self.measurements.get(trial.number, ())),
            lease_expire_time=self.leases.get(trial.number) if leased else None,
        )

    def lease(self, number: int, lease_s: float, now: datetime) -> None:
        """Starts a lease; 0 s = without end."""
        self.leases.pop(number, None)
        if lease_s > 0:
            self.leases[number] = now + timedelta(seconds=lease_s)

    def apply(self, commit: Commit, now: datetime) -> tuple[Sequence[TrialRecord], int]:
        """Does all of a commit or, raising Conflict, nothing: the records of its writes, and how many are new."""
        created = 0
        forgets = commit.forgets_ready
        records: list[TrialRecord] = []
        for write, trial in zip(commit.writes, self._checked(commit, now), strict=True):
            if write.delete:
                forgets = True
                records.append(self.record(trial))
                self._delete(trial)
                continue
            known = self.trials.get(trial.number)
            if known is not trial:
                created += known is None
                forgets |= known is not None and not known.state.is_open and known.state is not trial.state
                self._put(write, trial, now)
            records.append(self.record(trial))
        if forgets:
            self.forget_ready()
        else:
            self._use_ready(commit, created)
        return records, created

    def _use_ready(self, commit: Commit, created: int) -> None:
        used = {write.ready_id for write in commit.writes if write.ready_id}
        self.ready = [prepared for prepared in self.ready if prepared.ready_id not in used]
        if created > len(used):
            self.preparing = None  # whoever prepares does not know of these trials
            if commit.known_ready is not None:
                self.ready = [prepared for prepared in self.ready if prepared.ready_id in commit.known_ready]

    def _checked(self, commit: Commit, now: datetime) -> list[Trial]:
        """The trials after the commit, in the order of its writes; writes nothing."""
        guard = commit.guard
        if guard.epoch not in (None, self.epoch) or guard.study_revision not in (None, self.study.revision):
            raise Conflict(ConflictKind.STUDY_CHANGED)
        if guard.nothing_waits and self._something_waits(now):
            raise Conflict(ConflictKind.SOMETHING_WAITS)
        head = self.head
        fresh = {prepared.ready_id for prepared in self.ready if guard.staleness.allows(prepared, head)}
        trials = dict(self.trials)
        imports = dict(self.imports)
        last_number = self.last_number
        after: list[Trial] = []
        for index, write in enumerate(commit.writes):
            number = write.trial.number
            key = write.trial.import_key
            if number == 0:
                if key and key in imports:
                    after.append(trials[imports[key]])
                    continue
                if write.ready_id and write.ready_id not in fresh:
                    raise Conflict(ConflictKind.READY_GONE, index=index)
                last_number += 1
                number = last_number
                if key:
                    imports[key] = number
            else:
                self._require_current(write, index, now)
                if write.delete:
                    imports.pop(key, None)
                    after.append(trials.pop(number))
                    continue
            trial = dataclasses.replace(write.trial, number=number, revision=write.expected_revision + 1)
            trials[number] = trial
            if write.only_if_unique and (
                (trial.state.is_open and _holders(trials, trial) > 1)
                or (write.trial.number == 0 and self._made_meanwhile(trial, guard))
            ):
                raise Conflict(ConflictKind.DUPLICATE, index=index, current=self.trials.get(number))
            after.append(trial)
        running = sum(trial.state is TrialState.RUNNING for trial in trials.values())
        if guard.max_running is not None and running > guard.max_running:
            raise Conflict(ConflictKind.TOO_MANY_RUNNING)
        charged = sum(trial.counts_toward_budget for trial in trials.values())
        if guard.max_charged is not None and charged > guard.max_charged:
            raise Conflict(ConflictKind.BUDGET_SPENT)
        return after

    def _something_waits(self, now: datetime) -> bool:
        return any(trial.state is TrialState.QUEUED for trial in self.trials.values()) or any(
            deadline <= now for deadline in self.leases.values()
        )

    def _made_meanwhile(self, trial: Trial, guard: Guard) -> bool:
        if guard.known_number is None:
            return False
        meanwhile = range(guard.known_number + 1, self.last_number + 1)
        digest = configuration_digest(trial.parameters)
        return any(
            number in self.trials and configuration_digest(self.trials[number].parameters) == digest
            for number in meanwhile
        )

    def _require_current(self, write: TrialWrite, index: int, now: datetime) -> None:
        number = write.trial.number
        present = self.trials.get(number)
        if present is None or present.revision != write.expected_revision:
            raise Conflict(ConflictKind.TRIAL_CHANGED, index=index, current=present)
        if write.only_if_lapsed and (number not in self.leases or self.leases[number] > now):
            raise Conflict(ConflictKind.LEASE_RENEWED, index=index, current=present)

    def _put(self, write: TrialWrite, trial: Trial, now: datetime) -> None:
        self.trials[trial.number] = trial
        self.surprises[trial.number] = write.counted_surprise
        self.last_number = max(self.last_number, trial.number)
        if trial.import_key:
            self.imports.setdefault(trial.import_key, trial.number)
        if trial.state is not TrialState.RUNNING:
            self.leases.pop(trial.number, None)
        elif write.lease_s is not None:
            self.lease(trial.number, write.lease_s, now)
        self.append(TrialChanged(trial=trial))

    def _delete(self, trial: Trial) -> None:
        del self.trials[trial.number], self.surprises[trial.number]
        self.leases.pop(trial.number, None)
        self.measurements.pop(trial.number, None)
        self.stop_reasons.pop(trial.number, None)
        self.imports.pop(trial.import_key, None)
        self.append(TrialDeleted(number=trial.number))


def _holders(trials: Mapping[int, Trial], trial: Trial) -> int:
    digest = configuration_digest(trial.parameters)
    return sum(other.state.is_open and configuration_digest(other.parameters) == digest for other in trials.values())
