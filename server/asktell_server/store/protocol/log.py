"""A study's head, its log, and what one incremental read brings of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asktell_server.domain.metrics import Measurement
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.protocol.prepared import Prepared


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

    Attributes:
        epoch: differs between two studies of the same name, one of which was deleted. Cursors and caches of one are
            worthless for the other.
        sequence: the position of the last log entry.
        last_number: the trial number given out last.
        counts: trials by state; a state that no trial is in may be missing.
        charged: trials that count toward the budget.
        surprise: the sum over the trials that have ended, in thousandths of a result (`domain/surprise.py`).
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyDelta:
    """A study's head and what its log holds after a sequence.

    Attributes:
        entries: complete unless `more`.
        lapsed: numbers of RUNNING trials whose lease has run out, the longest lapsed first, at most the limit asked for.
        next_lapse_s: how long the next lease still lasts, in seconds; None without any.
        now: the store's clock.
        ready: the prepared suggestions, the oldest first, stale ones included; empty unless they were asked for.
    """

    head: StudyHead
    entries: Sequence[LogEntry]
    more: bool
    lapsed: Sequence[int]
    next_lapse_s: float | None
    now: datetime
    ready: Sequence[Prepared] = ()
