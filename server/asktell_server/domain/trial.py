"""Trials and their legal transitions.

    QUEUED → RUNNING → SUCCEEDED | STOPPED | FAILED | INFEASIBLE | CANCELLED
    RUNNING → QUEUED when its lease runs out (at most `max_attempts` starts, then ABANDONED) or is given back
    QUEUED → CANCELLED;  QUEUED (given back) and ABANDONED take a late first result

Every transition is a method that returns the new trial; this module is the only place that knows the rules.
"""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from asktell_server.domain.errors import (
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    ResourceExhausted,
)
from asktell_server.domain.metrics import Metric, Metrics
from asktell_server.domain.provenance import Provenance
from asktell_server.domain.space import Configuration

MAX_AMENDMENTS = 100
MAX_SUPERSEDED = 100
MAX_PAST_LEASES = 200


class TrialState(enum.StrEnum):
    """Where a trial stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    INFEASIBLE = "INFEASIBLE"
    CANCELLED = "CANCELLED"
    ABANDONED = "ABANDONED"

    @property
    def is_open(self) -> bool:
        """Still to be run or running."""
        return self in (TrialState.QUEUED, TrialState.RUNNING)

    @property
    def has_result(self) -> bool:
        """Ended by a worker's word."""
        return self in RESULT_STATES


RESULT_STATES = frozenset({TrialState.SUCCEEDED, TrialState.STOPPED, TrialState.FAILED, TrialState.INFEASIBLE})


class Origin(enum.StrEnum):
    """Where a configuration came from."""

    START = "START"
    MODEL = "MODEL"
    FALLBACK = "FALLBACK"
    PERSON = "PERSON"
    IMPORT = "IMPORT"
    SAMPLER = "SAMPLER"
    PROMOTION = "PROMOTION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a trial ended: one of the result states, its metrics and, where it did not succeed, why."""

    state: TrialState
    metrics: Metrics = field(default_factory=dict)
    reason: str = ""

    def expecting(self, metrics: Metrics) -> Result:
        """The result with these metrics in place of those that were told."""
        return dataclasses.replace(self, metrics={**self.metrics, **metrics}) if metrics else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What the model believed about one metric of a configuration, in the metric's unit."""

    mean: float
    standard_deviation: float


UNNAMED_METRIC = ""
"""The metric of a belief that an older server stored: the one objective of its study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the model believed about a configuration: by metric, in the order of the study's goals, never empty."""

    beliefs: Mapping[str, Belief]
    acquisition_value: float

    def belief(self, metric: str) -> Belief | None:
        """The belief about a metric of the study's goals."""
        return self.beliefs.get(metric) or self.beliefs.get(UNNAMED_METRIC)

    @property
    def first_belief(self) -> Belief:
        """The belief about the first objective, for whoever has room for one."""
        return next(iter(self.beliefs.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A result that a correction replaced."""

    amend_time: datetime
    previous: Result
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersededResult:
    """A result that came after another attempt's had been taken."""

    tell_time: datetime
    lease_id: str
    result: Result


class Verdict(enum.Enum):
    """What became of a result."""

    ACCEPTED = enum.auto()
    REPEATED = enum.auto()
    SUPERSEDED = enum.auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One configuration and what became of it. `revision` counts its changes; `number` 0 = not stored yet.

    `provenance` is set when the engine suggested the configuration (trials of servers before it was kept have none).
    `derived` are the derived parameters, as the space gave them for the configuration: neither ever changes.
    `data_epoch` is the study's when it was last started or imported: the data that its result was measured on. `remeasures` is the number
    of the trial whose configuration it measures again on new data.
    `expected_metrics` are what a stopped trial was expected to come to, as reckoned when it was told: what the model learns of it.
    `continue_from` is the number of the trial whose checkpoint it goes on from; 0 = it begins anew.
    """

    number: int = 0
    state: TrialState
    parameters: Configuration
    derived: Configuration = field(default_factory=dict)
    origin: Origin
    attempt: int = 0
    lease_id: str = ""
    past_lease_ids: tuple[str, ...] = ()
    result_lease_id: str = ""
    worker_id: str = ""
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    reason: str = ""
    create_time: datetime
    start_time: datetime | None = None
    finish_time: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    prediction: Prediction | None = None
    provenance: Provenance | None = None
    amendments: tuple[Amendment, ...] = ()
    superseded_results: tuple[SupersededResult, ...] = ()
    import_key: str = ""
    data_epoch: int = 1
    remeasures: int | None = None
    expected_metrics: Metrics = field(default_factory=dict)
    continue_from: int = 0
    revision: int = 0

    @property
    def counts_toward_budget(self) -> bool:
        """Uses up one of the study's `max_trials`."""
        return self.origin is not Origin.IMPORT and self.state is not TrialState.CANCELLED

    @property
    def result(self) -> Result:
        """The result as it stands (meaningful in a result state)."""
        return Result(state=self.state, metrics=self.metrics, reason=self.reason)

    @property
    def lesson(self) -> Result:
        """The result as the model learns it: that of a stopped trial with the metrics that were expected in place of the last ones."""
        return self.result.expecting(self.expected_metrics)

    def start(self, *, lease_id: str, worker_id: str, now: datetime, data_epoch: int = 1) -> Trial:
        """Hands a queued trial to a worker."""
        self._require("start", TrialState.QUEUED)
        return dataclasses.replace(
            self,
            state=TrialState.RUNNING,
            attempt=self.attempt + 1,
            lease_id=lease_id,
            past_lease_ids=self._with_past_lease(),
            worker_id=worker_id,
            start_time=now,
            data_epoch=data_epoch,
        )

    def expire(self, *, max_attempts: int, now: datetime) -> Trial:
        """Takes a running trial from a worker whose lease has run out."""
        self._require("expire", TrialState.RUNNING)
        if self.attempt < max_attempts:
            return dataclasses.replace(self, state=TrialState.QUEUED)
        reason = f"its worker was lost {self.attempt} times"
        return dataclasses.replace(self, state=TrialState.ABANDONED, reason=reason, finish_time=now)

    def release(self, *, lease_id: str) -> Trial:
        """Gives a running trial back to the queue; the attempt does not count.

        Raises:
            FailedPrecondition: it is not running (ILLEGAL_TRANSITION) or another lease holds it (LEASE_LOST).
        """
        self._require("be released", TrialState.RUNNING)
        if lease_id != self.lease_id:
            raise FailedPrecondition(f"trial {self.number} is held by another lease", reason=ErrorReason.LEASE_LOST)
        return dataclasses.replace(self, state=TrialState.QUEUED, attempt=self.attempt - 1)

    def tell(
        self, result: Result, *, lease_id: str, now: datetime, annotations: Mapping[str, str] | None = None
    ) -> tuple[Trial, Verdict]:
        """Takes a worker's result; see design rules 2 and 3.

        `lease_id` names the attempt; empty = the present one, or the one whose result was taken. `annotations` are set with a
        result that is accepted, and with no other: they are no part of it, and a repeated tell must not undo what a person has
        changed since.

        Raises:
            InvalidArgument: `lease_id` never belonged to the trial.
            AlreadyExists: the attempt has told another result (RESULT_CONFLICT).
            FailedPrecondition: the trial is cancelled or has never been started (ILLEGAL_TRANSITION).
        """
        if lease_id and lease_id != self.lease_id and lease_id not in self.past_lease_ids:
            raise InvalidArgument("lease_id", f"is not a lease of trial {self.number}")
        if self.state.has_result:
            return self._tell_again(result, lease_id=lease_id, now=now)
        if self.state is TrialState.CANCELLED or not self.lease_id:  # no lease: never started
            raise self._illegal("take a result")
        stale = bool(lease_id) and lease_id != self.lease_id
        if stale and self.state is TrialState.RUNNING and result.state in (TrialState.FAILED, TrialState.STOPPED):
            # A worker that lost its lease often ends in an error; the attempt that runs now may still succeed.
            return self._supersede(result, lease_id=lease_id, now=now), Verdict.SUPERSEDED
        ended = dataclasses.replace(
            self,
            state=result.state,
            metrics=result.metrics,
            reason=result.reason,
            result_lease_id=lease_id or self.lease_id,
            finish_time=now,
            annotations={**self.annotations, **(annotations or {})},
        )
        return ended, Verdict.ACCEPTED

    def _tell_again(self, result: Result, *, lease_id: str, now: datetime) -> tuple[Trial, Verdict]:
        if lease_id and lease_id != self.result_lease_id:
            if any(late.lease_id == lease_id and late.result == result for late in self.superseded_results):
                return self, Verdict.SUPERSEDED
            return self._supersede(result, lease_id=lease_id, now=now), Verdict.SUPERSEDED
        # A retry may come after a correction: the result first told is still no conflict.
        if result == self.result or any(result == amendment.previous for amendment in self.amendments):
            return self, Verdict.REPEATED
        raise AlreadyExists(
            f"trial {self.number} already has another result; only an amendment corrects it",
            reason=ErrorReason.RESULT_CONFLICT,
            metadata={"state": self.state.value, "metrics": metrics_json(self.metrics)},
        )

    def _supersede(self, result: Result, *, lease_id: str, now: datetime) -> Trial:
        late = SupersededResult(tell_time=now, lease_id=lease_id, result=result)
        return dataclasses.replace(self, superseded_results=(*self.superseded_results, late)[-MAX_SUPERSEDED:])

    def amend(self, result: Result, *, reason: str, now: datetime) -> Trial:
        """Corrects the result; the former one stays in `amendments`.

        Raises:
            FailedPrecondition: the trial has no result (ILLEGAL_TRANSITION).
            ResourceExhausted: it has been amended 100 times (LIMIT_EXCEEDED).
        """
        if not self.state.has_result:
            raise self._illegal("be amended")
        if len(self.amendments) >= MAX_AMENDMENTS:
            raise ResourceExhausted(
                f"trial {self.number} has been amended {MAX_AMENDMENTS} times",
                reason=ErrorReason.LIMIT_EXCEEDED,
                metadata={"limit": str(MAX_AMENDMENTS), "field": "amendments"},
            )
        former = Amendment(amend_time=now, previous=self.result, reason=reason)
        return dataclasses.replace(
            self,
            state=result.state,
            metrics=result.metrics,
            reason=result.reason,
            expected_metrics={},
            amendments=(*self.amendments, former),
        )

    def cancel(self, *, reason: str, now: datetime) -> Trial:
        """Calls the trial off; a cancelled trial stays as it is.

        Raises:
            FailedPrecondition: it has ended otherwise (ILLEGAL_TRANSITION).
        """
        if self.state is TrialState.CANCELLED:
            return self
        if not self.state.is_open:
            raise self._illegal("be cancelled")
        return dataclasses.replace(self, state=TrialState.CANCELLED, reason=reason, finish_time=now)

    def require_deletable(self) -> None:
        """Raises FailedPrecondition when the trial is running: it must be cancelled first."""
        if self.state is TrialState.RUNNING:
            raise self._illegal("be deleted; cancel it first")

    def _require(self, action: str, state: TrialState) -> None:
        if self.state is not state:
            raise self._illegal(action)

    def _illegal(self, action: str) -> FailedPrecondition:
        return FailedPrecondition(
            f"trial {self.number} is {self.state.value} and cannot {action}",
            reason=ErrorReason.ILLEGAL_TRANSITION,
            metadata={"state": self.state.value},
        )

    def _with_past_lease(self) -> tuple[str, ...]:
        if not self.lease_id:
            return self.past_lease_ids
        return (*self.past_lease_ids, self.lease_id)[-MAX_PAST_LEASES:]


def metrics_json(metrics: Metrics) -> str:
    """Metric values as compact JSON, for error details (at most 1,000 characters)."""
    text = json.dumps({name: metric.value for name, metric in metrics.items()})
    return text if len(text) <= 1000 else text[:997] + "..."
