"""What a store must do. `redis_ledger` and `memory` implement it; one contract suite checks both.

The store keeps studies, trials and their log. It decides nothing about tuning: the domain computes a transition on a
trial as it was read, and `commit` applies it only if the trial's revision has not moved since (optimistic
concurrency). A commit is one atomic step: it checks first and writes last, and either all of it happens or none.

`Ledger` is everything; `parts` has its parts. A use case depends on the parts that it needs.
"""

from asktell_server.store.protocol.commits import Commit, Committed, Guard, TrialRecord, TrialWrite
from asktell_server.store.protocol.conflicts import Conflict, ConflictKind
from asktell_server.store.protocol.log import (
    Change,
    LogEntry,
    MeasurementReported,
    StudyChanged,
    StudyDelta,
    StudyHead,
    TrialChanged,
    TrialDeleted,
)
from asktell_server.store.protocol.parts import (
    Ledger,
    LogStore,
    MeasurementStore,
    PreparedStore,
    RequestStore,
    SnapshotStore,
    StudyStore,
    TrialStore,
    WarmStartStore,
)
from asktell_server.store.protocol.prepared import (
    MAX_READY,
    UP_TO_DATE,
    EndedPreparing,
    Prepared,
    Progress,
    StalenessLimit,
)
from asktell_server.store.protocol.reports import MAX_MEASUREMENTS, CurvePart, Point, Reported
from asktell_server.store.protocol.requests import REQUEST_TTL_S, Request
from asktell_server.store.protocol.snapshots import MAX_PIECE_BYTES, Snapshot
from asktell_server.store.protocol.warm_starts import WarmStart

__all__ = [
    "MAX_MEASUREMENTS",
    "MAX_PIECE_BYTES",
    "MAX_READY",
    "REQUEST_TTL_S",
    "UP_TO_DATE",
    "Change",
    "Commit",
    "Committed",
    "Conflict",
    "ConflictKind",
    "CurvePart",
    "EndedPreparing",
    "Guard",
    "Ledger",
    "LogEntry",
    "LogStore",
    "MeasurementReported",
    "MeasurementStore",
    "Point",
    "Prepared",
    "PreparedStore",
    "Progress",
    "Reported",
    "Request",
    "RequestStore",
    "Snapshot",
    "SnapshotStore",
    "StalenessLimit",
    "StudyChanged",
    "StudyDelta",
    "StudyHead",
    "StudyStore",
    "TrialChanged",
    "TrialDeleted",
    "TrialRecord",
    "TrialStore",
    "TrialWrite",
    "WarmStart",
    "WarmStartStore",
]
