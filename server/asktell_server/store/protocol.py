"""What a store must do. `redis_ledger` and `memory` implement it; one contract suite checks both.

The store keeps studies, trials and their log. It decides nothing about tuning: transitions are computed by the
domain on a trial as it was read, and `commit` applies them only if the trial's revision has not moved since
(optimistic concurrency). A commit is one atomic step: it checks first and writes last, and either all of it
happens or none.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study
from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import Trial, TrialState

MAX_MEASUREMENTS = 10_000
"""Most measurements that a trial keeps."""

MAX_READY = 8
"""Most suggestions that are kept prepared for a study."""

REQUEST_TTL_S = 48 * 3600
"""How long an answer can be given again for the same request id (at least 24 h are promised)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A caller's request id and a digest of method and body: the same id must come with the same body."""

    request_id: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyChanged:
    """The study itself, after the change."""

    study: Study


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialChanged:
    """A trial, after the change."""

    trial: Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialDeleted:
    """A tombstone."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementReported:
    """A running trial reported; `index` counts its measurements from 0."""

    number: int
    index: int
    measurement: Measurement


Change = StudyChanged | TrialChanged | TrialDeleted | MeasurementReported


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of a study's log. Sequences rise by 1 from 1."""

    sequence: int
    change: Change


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyHead:
    """What a store knows about a study besides its trials.

    `epoch` differs between two studies of the same name (after a delete): cursors and caches of one are worthless for
    the other. `counts` are trials by state, `charged` those that count toward the budget, `last_number` the number
    given out last, `surprise` the sum of the surprises of all trials that have ended (domain/surprise.py).
    """

    study: Study
    epoch: str
    sequence: int
    last_number: int
    counts: Mapping[TrialState, int]
    charged: int
    surprise: int = 0

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        return sum(count for state, count in self.counts.items() if not state.is_open)


class Progress(Protocol):
    """How far a study has come, or had come when something was computed."""

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        ...

    @property
    def surprise(self) -> int:
        """The sum of their surprises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StalenessLimit:
    """How stale a prepared suggestion may be; None = any.

    `ended`: how many trials may have ended since it was computed. `surprise`: the most that their surprises may add up to.
    """

    ended: int | None = None
    surprise: int | None = None

    @property
    def results(self) -> int:
        """How many results that nobody predicted may be missing."""
        whole = self.surprise and self.surprise // WHOLE_SURPRISE
        limits = [limit for limit in (self.ended, whole) if limit is not None]
        return min(limits, default=MAX_READY)

    def allows(self, made: Progress, now: Progress) -> bool:
        """Whether what was computed at `made` still serves at `now`. It never does where `made` is ahead of `now`."""
        ended, surprise = now.ended - made.ended, now.surprise - made.surprise
        return (
            ended >= 0
            and (self.ended is None or ended <= self.ended)
            and (self.surprise is None or 0 <= surprise <= self.surprise)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A suggestion made before anybody asked for it: a QUEUED trial that has no number yet.

    `ended` and `surprise` are those of the study's head when it was computed, `known_number` the last trial known then.
    """

    ready_id: str
    trial: Trial
    ended: int
    surprise: int
    known_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyDelta:
    """A study's head and what its log holds after a sequence.

    `entries` are complete unless `more`. `lapsed` are the numbers of RUNNING trials whose lease has run out (the
    longest lapsed first, at most the limit asked for); `next_lapse_s` is how long the next lease still has, in seconds,
    None without any; `now` is the store's clock. `ready` is what has been prepared, the oldest first, stale or not.
    """

    head: StudyHead
    entries: Sequence[LogEntry]
    more: bool
    lapsed: Sequence[int]
    next_lapse_s: float | None
    now: datetime
    ready: Sequence[Prepared] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """A stored trial, how many measurements it has, and when its lease ends (RUNNING with a finite lease only)."""

    trial: Trial
    measurement_count: int = 0
    lease_expire_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialWrite:
    """One trial's part of a commit.

    `trial` is the new state; its `revision` is ignored (the store sets `expected_revision + 1`), and number 0 lets the
    store give the next one. `expected_revision` 0 = the trial is new. `lease_s` starts a lease of that many seconds for a
    RUNNING trial (0 = without end; None = the present lease stays as it is). `only_if_lapsed`: the present lease must
    have run out by the store's clock. `only_if_unique`: no other QUEUED or RUNNING trial may hold the same configuration.
    `delete` removes the trial and leaves a tombstone; the answer holds it as it was. A new trial with an `import_key` that
    the study already has is skipped, and the answer holds the stored one; deleting a trial frees its key. `ready_id`
    names the prepared suggestion that a new trial uses up: it must be there, and no staler than `guard.staleness` allows.
    `surprise` is that of a trial that has ended; None = a whole one.
    """

    trial: Trial
    expected_revision: int = 0
    lease_s: float | None = None
    only_if_lapsed: bool = False
    only_if_unique: bool = False
    delete: bool = False
    ready_id: str = ""
    surprise: int | None = None

    @property
    def counted_surprise(self) -> int:
        """What the trial adds to the surprise of its study."""
        if self.trial.state.is_open:
            return 0
        return WHOLE_SURPRISE if self.surprise is None else self.surprise


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Conditions on the study under which a commit may happen; None = no condition.

    `epoch`: it is still the same study, not another of the same name (revisions of its trials could match by chance).
    `study_revision`: the study is unchanged. `max_running`, `max_charged`: after the commit at most so many trials are
    RUNNING, or count toward the budget. `known_number`: the last trial that the caller knew when it chose the
    configurations of its new trials; those with `only_if_unique` may not repeat one of a later trial, ended or not.
    `nothing_waits`: no trial is QUEUED and no lease has run out. `staleness`: how stale the prepared suggestions
    may be that the commit uses.
    """

    epoch: str | None = None
    study_revision: int | None = None
    max_running: int | None = None
    max_charged: int | None = None
    known_number: int | None = None
    nothing_waits: bool = False
    staleness: StalenessLimit = StalenessLimit(ended=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One atomic change of a study's trials, remembered under `request` for REQUEST_TTL_S.

    The writes apply in their order; no two name the same trial. Without writes it changes nothing, and its answer
    still means that all earlier changes of the study are as durable as this one would have been.

    Of prepared suggestions, those outlive the commit that still fit it. A new trial that uses none up was unknown to
    whoever is preparing now: that preparation will be refused. `known_ready` are the prepared suggestions that were
    pending when the new trials were chosen; all others are dropped (None = none are). A commit that changes what is known
    of an ended trial (`forgets_ready`, or a delete) drops everything prepared.

    Raises:
        ValueError: the writes contradict that, or a new trial has a number or revision, or is to be deleted.
    """

    writes: Sequence[TrialWrite]
    guard: Guard = field(default_factory=Guard)
    request: Request | None = None
    known_ready: frozenset[str] | None = None
    forgets_ready: bool = False

    def __post_init__(self) -> None:
        used = [write.ready_id for write in self.writes if write.ready_id]
        if len(set(used)) < len(used) or any(write.ready_id and write.trial.number for write in self.writes):
            raise ValueError("a prepared suggestion becomes one new trial")
        seen: set[int] = set()
        for write in self.writes:
            number = write.trial.number
            if (number == 0) != (write.expected_revision == 0) or (number == 0 and write.delete):
                raise ValueError(f"a write of trial {number} cannot expect revision {write.expected_revision}")
            if number and number in seen:
                raise ValueError(f"two writes of trial {number} in one commit")
            seen.add(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a commit did, in the order of its writes.

    `replayed`: the request had been done before, and these are the trials as they were then (leases: as they are
    now). `created` is how many trials are new (imports that were there already are not). `sequence` is the log position
    after the commit.
    """

    records: Sequence[TrialRecord]
    sequence: int
    created: int = 0
    replayed: bool = False


class ConflictKind(enum.Enum):
    """Why nothing was written."""

    TRIAL_CHANGED = enum.auto()
    """A trial's revision moved, or it is gone; `current` holds it (None = gone)."""
    LEASE_RENEWED = enum.auto()
    """`only_if_lapsed` failed: the worker came back."""
    STUDY_CHANGED = enum.auto()
    """`guard.epoch`, `guard.study_revision` or the expected revision of `update_study` failed."""
    DUPLICATE = enum.auto()
    """`only_if_unique` failed."""
    TOO_MANY_RUNNING = enum.auto()
    """`guard.max_running` failed."""
    BUDGET_SPENT = enum.auto()
    """`guard.max_charged` failed."""
    SOMETHING_WAITS = enum.auto()
    """`guard.nothing_waits` failed."""
    READY_GONE = enum.auto()
    """A prepared suggestion has been used, dropped, or is too stale."""


class Conflict(Exception):
    """Somebody else was faster; nothing was written. The caller reads again and decides anew.

    Never reaches a client: services retry, and give up with Aborted (CONTENTION).
    """

    def __init__(self, kind: ConflictKind, *, index: int | None = None, current: Trial | None = None) -> None:
        super().__init__(kind.name)
        self.kind = kind
        self.index = index
        self.current = current


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Answer of `report`: whether the lease still holds, when it now ends (None = never), the trial's state."""

    lease_valid: bool
    lease_expire_time: datetime | None
    trial_state: TrialState
    study_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """Fitted model hyperparameters (opaque) and the log position they were fitted at."""

    sequence: int
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedPreparing:
    """Whether the suggestion was kept, and how many were dropped because they had become too stale."""

    kept: bool
    stale: int


class Ledger(Protocol):
    """A store of studies and trials.

    Every method raises `domain.errors.Unavailable` when the store is away or not durable, `NotFound` for a missing
    study (and trial, where one is named), and `InvalidArgument` (REQUEST_ID_REUSED) for a request id that came with
    another body before.
    """

    async def create_study(self, study: Study, *, request: Request | None) -> StudyHead:
        """Stores a new study (its revision becomes 1). Raises AlreadyExists (STUDY_EXISTS)."""
        ...

    async def update_study(self, study: Study, *, expected_revision: int, request: Request | None) -> StudyHead:
        """Replaces a study. Raises Conflict (STUDY_CHANGED) when its revision has moved."""
        ...

    async def delete_study(self, name: StudyName, *, expected_revision: int | None, request: Request | None) -> None:
        """Deletes a study with all its keys; a replay of the same request is OK. Raises Conflict (STUDY_CHANGED)."""
        ...

    async def list_studies(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """Names of a project's studies in rising order of id, from behind `after` on ("" = from the first)."""
        ...

    async def read_head(self, name: StudyName) -> StudyHead:
        """Reads a study without its trials."""
        ...

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """One round trip: head, log entries after a sequence (at most `limit`), lapsed leases, the store's clock.

        What is prepared comes only if `ready`.
        """
        ...

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """Reads trials by number; None where there is none."""
        ...

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """A trial's measurements from index `first` on, in order of arrival."""
        ...

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """Applies a commit, or answers a repeated request again. Raises Conflict; then nothing was written."""
        ...

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """The answer once given to a request of `commit` or `report`; None when it is not known."""
        ...

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
        """Renews a lease and appends a measurement, in one step.

        A lease that does not hold any more changes nothing and answers `lease_valid=False`. A lapsed one that nobody
        took is renewed. A repeated request appends nothing. `lease_s` 0 = the lease has no end.

        Raises:
            NotFound: no such trial.
            ResourceExhausted: the trial has 10,000 measurements (LIMIT_EXCEEDED).
        """
        ...

    def watch(self, name: StudyName, *, after: int) -> AsyncIterator[LogEntry]:
        """Log entries after a sequence, for ever; wakes on changes without polling per watcher.

        Raises NotFound when the study is or gets deleted.
        """
        ...

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        """The newest stored model hyperparameters."""
        ...

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """Keeps model hyperparameters, unless newer ones are stored or the study is gone."""
        ...

    async def begin_preparing(
        self, name: StudyName, *, token: str, depth: int, staleness: StalenessLimit, lock_s: float
    ) -> bool:
        """Locks the preparation of a study's next suggestion under `token` (one word), for at most `lock_s` seconds.

        False when somebody else has it, or when `depth` prepared suggestions are no staler than `staleness` allows. The
        lock guards work, not correctness: asks never wait for it. Changes that a suggestion in the making does not know
        of break it: a new trial that nobody had prepared, and all that drops what is prepared.
        """
        ...

    async def end_preparing(
        self, name: StudyName, *, token: str, prepared: Prepared | None, staleness: StalenessLimit
    ) -> EndedPreparing:
        """Gives the lock back and keeps what was prepared under it (`ready_id` = `token`), if the lock still holds.

        Prepared suggestions staler than `staleness` allows are dropped. At most MAX_READY are kept.
        """
        ...

    async def check(self) -> None:
        """Raises Unavailable when the store is away or does not keep what it acknowledges (durability gate)."""
        ...

    async def close(self) -> None:
        """Releases connections and background tasks. The ledger cannot be used afterwards."""
        ...
