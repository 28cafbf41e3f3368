"""Replies of the scripts as domain values. The order of fields is that of `lua/common.lua`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from asktell_server.domain.times import from_microseconds
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.codec import (
    CodecError,
    decode_measurement,
    decode_study,
    decode_trial,
)
from asktell_server.store.protocol import (
    Change,
    LogEntry,
    MeasurementReported,
    Prepared,
    StudyChanged,
    StudyHead,
    TrialChanged,
    TrialDeleted,
    TrialRecord,
)

_STATES = (
    TrialState.QUEUED,
    TrialState.RUNNING,
    TrialState.SUCCEEDED,
    TrialState.STOPPED,
    TrialState.FAILED,
    TrialState.INFEASIBLE,
    TrialState.CANCELLED,
    TrialState.ABANDONED,
)


_READY_WORDS = 5


def read_head(fields: Sequence[Any]) -> StudyHead:
    """A study's head from the reply of Lua's `read_head`."""
    epoch, study, revision, sequence, number, charged, surprise, *counts = fields
    return StudyHead(
        study=decode_study(study, revision=int(revision)),
        epoch=epoch.decode(),
        sequence=int(sequence),
        last_number=int(number),
        counts={state: int(count) for state, count in zip(_STATES, counts, strict=True) if count and int(count)},
        charged=int(charged),
        surprise=int(surprise or 0),
    )


def read_trial(number: int, value: bytes) -> Trial:
    """A trial from what is stored of it: the line that scripts read, and the blob."""
    header, _, blob = value.partition(b"\n")
    return decode_trial(blob, number=number, revision=int(header[: header.index(b" ")]))


def read_row(row: Sequence[Any], trial: Trial | None = None) -> TrialRecord:
    """A trial's record from Lua's `row`; `trial` is given when the caller has just written it."""
    number, value, count, deadline_ms = row
    return TrialRecord(
        trial=trial if trial is not None else read_trial(number, value),
        measurement_count=count,
        lease_expire_time=read_deadline(deadline_ms),
    )


def read_prepared(element: bytes) -> Prepared | None:
    """A prepared suggestion from what is stored of it: the line that scripts read, and the blob. None: an older server's."""
    header, _, blob = element.partition(b"\n")
    words = header.split(b" ")
    if len(words) != _READY_WORDS:
        return None
    ready_id, _, ended, surprise, known_number = words
    return Prepared(
        ready_id=ready_id.decode(),
        trial=decode_trial(blob, number=0, revision=0),
        ended=int(ended),
        surprise=int(surprise),
        known_number=int(known_number),
    )


def read_deadline(milliseconds: int) -> datetime | None:
    """The end of a lease; -1 = none."""
    return None if milliseconds < 0 else from_microseconds(milliseconds * 1000)


def read_entry(entry: Sequence[Any]) -> LogEntry:
    """One entry of a study's log from the stream."""
    identifier, fields = entry
    return LogEntry(sequence=int(identifier.partition(b"-")[0]), change=_change(fields[1], int(fields[3]), fields[5]))


def _change(kind: bytes, number: int, value: bytes) -> Change:
    if kind == b"T":
        return TrialChanged(trial=read_trial(number, value))
    if kind == b"M":
        index, _, blob = value.partition(b"\n")
        return MeasurementReported(number=number, index=int(index), measurement=decode_measurement(blob))
    if kind == b"S":
        revision, _, blob = value.partition(b"\n")
        return StudyChanged(study=decode_study(blob, revision=int(revision)))
    if kind == b"D":
        return TrialDeleted(number=number)
    raise CodecError(f"the log holds an entry of unknown kind {kind!r}")
