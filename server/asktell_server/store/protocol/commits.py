"""Commits: atomic changes of a study's trials, the conditions they come with, and what they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import Trial
from asktell_server.store.protocol.prepared import UP_TO_DATE, StalenessLimit
from asktell_server.store.protocol.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """A stored trial, how many measurements it has, and when its lease ends (RUNNING with a finite lease only)."""

    trial: Trial
    measurement_count: int = 0
    lease_expire_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialWrite:
    """One trial's part of a commit.

    Attributes:
        trial: its new state. Its `revision` is ignored (the store sets `expected_revision + 1`), and number 0 lets the
            store give the next one. A new trial with an `import_key` that the study already has is skipped, and the
            answer has the stored one; deleting a trial frees its key.
        expected_revision: the revision that was read; 0 = the trial is new.
        lease_s: starts a lease of that many seconds for a RUNNING trial (0 = without end; None = the present lease
            stays as it is).
        only_if_lapsed: the present lease must have run out by the store's clock.
        only_if_unique: no other QUEUED or RUNNING trial may have the same configuration.
        delete: removes the trial and leaves a tombstone; the answer has the trial as it was.
        ready_id: the prepared suggestion that a new trial uses up. It must be there, and no staler than
            `guard.staleness` allows.
        surprise: of a trial that has ended, in thousandths of a result; None = as much as one can be.
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
        """The surprise that the trial adds to its study's, in thousandths of a result: 0 while it is open."""
        if self.trial.state.is_open:
            return 0
        return WHOLE_SURPRISE if self.surprise is None else self.surprise


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Conditions on the study under which a commit may happen; None = no condition.

    Attributes:
        epoch: it is still the same study, not another of the same name whose revisions match by chance.
        study_revision: the study is unchanged.
        max_running: most trials that may be RUNNING after the commit.
        max_charged: most trials that may count toward the budget after it.
        known_number: the last trial that the caller knew when it chose the configurations of its new trials. Those with
            `only_if_unique` may not repeat one of a later trial, ended or not.
        nothing_waits: no trial is QUEUED and no lease has run out.
        staleness: how far the study may have moved on since the prepared suggestions that are used were computed.
    """

    epoch: str | None = None
    study_revision: int | None = None
    max_running: int | None = None
    max_charged: int | None = None
    known_number: int | None = None
    nothing_waits: bool = False
    staleness: StalenessLimit = UP_TO_DATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One atomic change of a study's trials, remembered under `request` for REQUEST_TTL_S.

    The writes apply in their order; no two name the same trial. Without writes it changes nothing, and its answer
    still means that all earlier changes of the study are as durable as this one would have been.

    A commit can make prepared suggestions worthless, and it drops those:

    - A new trial that uses up no prepared suggestion was unknown to whoever is preparing one now. The store refuses that
      preparation when it is done. The commit also drops every prepared suggestion that is not in `known_ready`: the new
      trials were chosen without knowing of it and may repeat it (None = the commit drops none).
    - A commit that changes what is known of an ended trial (`forgets_ready`, or a delete) drops every prepared
      suggestion and refuses the preparation under way.

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

    Attributes:
        records: the trials after the commit. If `replayed`, as they were when the request was first done (their leases
            as they are now).
        sequence: the log position after the commit.
        created: how many trials are new; imports that were there already are not.
        replayed: the request had been done before.
    """

    records: Sequence[TrialRecord]
    sequence: int
    created: int = 0
    replayed: bool = False
