"""The parts of a ledger, and all of them together.

Every method raises `domain.errors.Unavailable` when the store is away or not durable, `NotFound` for a missing study
(and trial, where one is named), and `InvalidArgument` (REQUEST_ID_REUSED) for a request id that came with another body
before. What else one raises is said with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study
from asktell_server.store.protocol.commits import Commit, Committed, TrialRecord
from asktell_server.store.protocol.log import LogEntry, StudyDelta, StudyHead
from asktell_server.store.protocol.prepared import EndedPreparing, Prepared, StalenessLimit
from asktell_server.store.protocol.reports import CurvePart, Reported
from asktell_server.store.protocol.requests import Request
from asktell_server.store.protocol.snapshots import Snapshot
from asktell_server.store.protocol.warm_starts import WarmStart


class StudyStore(Protocol):
    """Studies without their trials."""

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

    async def read_heads(self, names: Sequence[StudyName]) -> Sequence[StudyHead | None]:
        """Reads many studies in one round trip, in the order of their names; None where there is no such study."""
        ...


class TrialStore(Protocol):
    """Trials: reads by number, and all changes."""

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """Reads trials by number; None where there is none."""
        ...

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """Applies a commit, or answers a repeated request again. Raises Conflict; then nothing was written."""
        ...


class RequestStore(Protocol):
    """Answers that were given before."""

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """The answer once given to a request of `commit` or `report`; None when it is not known."""
        ...


class LogStore(Protocol):
    """A study's log, from a position on."""

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """One round trip: head, log entries after a sequence (at most `limit`), lapsed leases, the store's clock.

        Prepared suggestions come only if `ready`.
        """
        ...

    def watch(self, name: StudyName, *, after: int) -> AsyncIterator[LogEntry]:
        """Log entries after a sequence, for ever; wakes on changes without polling per watcher.

        Raises NotFound when the study is or gets deleted.
        """
        ...


class MeasurementStore(Protocol):
    """What running trials report."""

    async def report(
        self,
        name: StudyName,
        number: int,
        *,
        lease_id: str,
        lease_s: float,
        measurement: Measurement | None,
        request: Request | None,
        stop_reason: str = "",
    ) -> Reported:
        """Renews a lease and appends a measurement, in one step.

        With a `stop_reason` and a measurement that is appended, the decision that the trial is to stop is kept with it. The first
        one stays, for all attempts of the trial.

        A lease that does not hold any more changes nothing and answers `lease_valid=False`. A lapsed one that nobody
        took is renewed. A repeated request appends nothing. `lease_s` 0 = the lease has no end.

        Raises:
            NotFound: no such trial.
            ResourceExhausted: the trial has 10,000 measurements (LIMIT_EXCEEDED).
        """
        ...

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """A trial's measurements from index `first` on, in order of arrival."""
        ...

    def read_curves(self, name: StudyName, *, numbers: Sequence[int], most: int) -> AsyncIterator[CurvePart]:
        """The measurements of many trials, trial by trial in the order of `numbers`; a long one in several parts.

        Of each trial at most `most` (at least 2): the first, the last, and others spread evenly in between. Takes as few
        round trips as a bound on the bytes of each allows. Trials that are not there, or have reported nothing, are left
        out.
        """
        ...


class WarmStartStore(Protocol):
    """Fitted hyperparameters, from one fit of a study's model to the next."""

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        """The newest stored model hyperparameters."""
        ...

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """Keeps model hyperparameters, unless newer ones are stored or the study is gone."""
        ...


class PreparedStore(Protocol):
    """Suggestions that are prepared for the next asks. `LogStore.read_delta` reads them, `TrialStore.commit` uses them."""

    async def begin_preparing(
        self, name: StudyName, *, token: str, depth: int, staleness: StalenessLimit, lock_s: float
    ) -> bool:
        """Locks the preparation of a study's next suggestion under `token` (one word), for at most `lock_s` seconds.

        False when somebody else has the lock, or when `depth` prepared suggestions are no staler than `staleness`
        allows. The lock saves work and guarantees nothing: asks never wait for it. A change that the suggestion cannot
        know of breaks it: a new trial that uses up no prepared suggestion, and all that drops prepared suggestions.
        """
        ...

    async def end_preparing(
        self, name: StudyName, *, token: str, prepared: Prepared | None, staleness: StalenessLimit
    ) -> EndedPreparing:
        """Gives the lock back and keeps what was prepared under it (`ready_id` = `token`), if the lock still holds.

        Prepared suggestions staler than `staleness` allows are dropped. At most MAX_READY are kept.
        """
        ...


class SnapshotStore(Protocol):
    """A study's snapshot: at most one, in pieces. Nothing is lost with it, and nobody waits for it to be written."""

    async def read_snapshot(self, name: StudyName) -> Snapshot | None:
        """The snapshot of the study.

        None when there is none, and when it does not fit the log: its position is not in the log, or another entry
        stands there than when it was kept (a store that was restored from a backup in parts).
        """
        ...

    async def read_pieces(self, name: StudyName, pieces: Sequence[str]) -> Sequence[bytes | None]:
        """Pieces by name, in one round trip; None for one that is not there."""
        ...

    async def write_piece(self, name: StudyName, *, epoch: str, piece: str, data: bytes) -> None:
        """Stores a piece of at most MAX_PIECE_BYTES for a snapshot to come, unless the study is gone."""
        ...

    async def keep_snapshot(self, name: StudyName, snapshot: Snapshot) -> bool:
        """Makes this the study's snapshot, and drops all pieces that it does not name.

        False, and nothing happens, when one of its pieces is not there, a later one is kept, its position is not in the
        log, or the study is gone.
        """
        ...


class Ledger(
    StudyStore,
    TrialStore,
    RequestStore,
    LogStore,
    MeasurementStore,
    WarmStartStore,
    PreparedStore,
    SnapshotStore,
    Protocol,
):
    """A store of studies and trials."""

    async def check(self) -> None:
        """Raises Unavailable when the store is away or does not keep what it acknowledges (durability gate)."""
        ...

    async def close(self) -> None:
        """Releases connections and background tasks. The ledger cannot be used afterwards."""
        ...
