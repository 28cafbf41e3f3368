"""Studies: specification, state and the checks of both."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from asktell_server.domain.algorithm import Algorithm, Auto
from asktell_server.domain.early_stopping import StoppingRule
from asktell_server.domain.early_stopping.checks import validate_early_stopping
from asktell_server.domain.errors import ErrorReason, InvalidArgument, ResourceExhausted
from asktell_server.domain.goal_rules import validate_goals, validate_targets
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import TrackedMetric, validate_metric_name
from asktell_server.domain.names import StudyName
from asktell_server.domain.parents import ParentStudy, validate_parents
from asktell_server.domain.reopening import MAX_REOPENINGS, Reopening, group_count, validate_decay
from asktell_server.domain.space import MAX_EXACT_INT, SearchSpace

MAX_TRACKED_METRICS = 100
DEFAULT_LEASE_S = 60.0
MAX_LEASE_S = 7 * 24 * 3600.0
DEFAULT_MAX_ATTEMPTS = 3
MAX_STALENESS = 1000
MAX_REPLICATES = 1000
MAX_LABELS = 64
MAX_ANNOTATIONS_BYTES = 64 * 1024
MAX_NOTE_BYTES = 16 * 1024
GAIN_TRIALS = 10
"""Further trials that `StoppingRules.min_expected_gain` is about."""


class StudyState(enum.StrEnum):
    """Where a study stands."""

    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"


class FinishReason(enum.StrEnum):
    """Why a study is finished."""

    REQUESTED = "REQUESTED"
    MAX_TRIALS = "MAX_TRIALS"
    TARGET = "TARGET"
    PATIENCE = "PATIENCE"
    DEADLINE = "DEADLINE"
    EXHAUSTED = "EXHAUSTED"
    LITTLE_TO_GAIN = "LITTLE_TO_GAIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoppingRules:
    """When a study ends; None = that rule is off.

    `target_value` is a value of the objective, with several objectives a hypervolume. `target_values`, by objective, are values
    that one trial has to reach. `min_expected_gain`, in the objective's unit, is what the next `GAIN_TRIALS` trials have to promise.
    """

    max_trials: int | None = None
    target_value: float | None = None
    target_values: Mapping[str, float] = field(default_factory=dict)
    patience_trials: int | None = None
    deadline: datetime | None = None
    min_expected_gain: float | None = None

    def validate(self, where: str) -> None:
        """Raises InvalidArgument naming the rule that is out of range."""
        for name, count in (("max_trials", self.max_trials), ("patience_trials", self.patience_trials)):
            if count is not None and count < 1:
                raise InvalidArgument(f"{where}.{name}", f"must be at least 1, got {count}")
        if self.target_value is not None and not math.isfinite(self.target_value):
            raise InvalidArgument(
                f"{where}.target_value",
                f"must be finite, got {self.target_value}",
                reason=ErrorReason.NOT_FINITE,
            )
        if (gain := self.min_expected_gain) is not None and not (math.isfinite(gain) and gain > 0):
            raise InvalidArgument(
                f"{where}.min_expected_gain",
                f"must be finite and above 0, in the objective's unit, got {gain}",
                reason=ErrorReason.INVALID_FIELD if math.isfinite(gain) else ErrorReason.NOT_FINITE,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePolicy:
    """What happens to trials of workers that die. `duration_s` 0 = leases never end."""

    duration_s: float = DEFAULT_LEASE_S
    max_attempts: int = DEFAULT_MAX_ATTEMPTS

    def validate(self, where: str) -> None:
        """Raises InvalidArgument naming the setting that is out of range."""
        if self.duration_s != 0 and not 1 <= self.duration_s <= MAX_LEASE_S:
            raise InvalidArgument(
                f"{where}.lease_duration", f"must be 0 s (no end) or 1 s to 7 days, got {self.duration_s} s"
            )
        if not 1 <= self.max_attempts <= 100:
            raise InvalidArgument(f"{where}.max_attempts", f"must be 1 to 100, got {self.max_attempts}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study. `revision` counts its own changes (not those of its trials) and becomes the etag.

    Each configuration may be tried `replicates` times.

    `baseline_trial` is the trial that relative outcome constraints refer to; None = the first imported one that has their
    metrics.

    `early_stopping` are the rules by which running trials are stopped: the first that holds does it.

    `max_staleness` is how many trials may end between the making of a suggestion and its start; None = decided by
    how many trials run and how surprising their results are.

    `parents` are earlier studies whose results inform its suggestions. `reopenings` have begun its data epochs after the first.
    """

    name: StudyName
    space: SearchSpace
    goals: Goals
    seed: int
    display_name: str = ""
    tracked_metrics: tuple[TrackedMetric, ...] = ()
    algorithm: Algorithm = field(default_factory=Auto)
    stopping: StoppingRules = field(default_factory=StoppingRules)
    lease: LeasePolicy = field(default_factory=LeasePolicy)
    max_running_trials: int = 0
    replicates: int = 1
    max_staleness: int | None = None
    baseline_trial: int | None = None
    early_stopping: tuple[StoppingRule, ...] = ()
    # What it has taken over of them is long.
    parents: tuple[ParentStudy, ...] = field(default=(), repr=False)
    reopenings: tuple[Reopening, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    state: StudyState = StudyState.ACTIVE
    finish_reason: FinishReason | None = None
    create_time: datetime
    update_time: datetime
    finish_time: datetime | None = None
    revision: int = 0

    @property
    def data_epoch(self) -> int:
        """The present data epoch, from 1 on."""
        return len(self.reopenings) + 1

    @property
    def former_groups(self) -> int:
        """How many groups of data epochs there are whose results count less than those of the present one."""
        return group_count(self.reopenings)

    @property
    def declared_metrics(self) -> frozenset[str]:
        """The names of all metrics that trials may report."""
        cost = [self.goals.cost_metric] if self.goals.cost_metric else []
        return frozenset((*self.goals.metrics, *(tracked.metric for tracked in self.tracked_metrics), *cost))

    def validate(self, where: str = "study") -> None:
        """Checks everything a caller may set.

        Raises:
            InvalidArgument: a field is out of its range, an objective on test data, a grid too large.
        """
        if len(self.display_name) > 256:
            raise InvalidArgument(
                f"{where}.display_name", f"must have at most 256 characters, got {len(self.display_name)}"
            )
        self.space.validate(f"{where}.search_space")
        validate_goals(self.goals, where)
        self._validate_tracked(where)
        self.algorithm.validate(self.space, f"{where}.algorithm.{self.algorithm.kind}")
        self.stopping.validate(f"{where}.stopping_rules")
        validate_targets(self.goals, self.stopping.target_value, self.stopping.target_values, where)
        self._validate_worth(f"{where}.stopping_rules.min_expected_gain")
        self._validate_baseline(f"{where}.baseline_trial")
        validate_early_stopping(self.early_stopping, self.goals, self.tracked_metrics, where)
        self.lease.validate(f"{where}.lease_policy")
        if len(self.reopenings) > MAX_REOPENINGS:
            raise ResourceExhausted(
                f"the study has been reopened {MAX_REOPENINGS} times: create another one with this one as its parent",
                reason=ErrorReason.LIMIT_EXCEEDED,
                metadata={"limit": str(MAX_REOPENINGS), "field": "reopenings"},
            )
        for reopening in self.reopenings:
            validate_decay(reopening.decay, "decay")
        validate_parents(self.parents, study_id=self.name.study_id, where=f"{where}.parents")
        if self.max_running_trials < 0:
            raise InvalidArgument(f"{where}.max_running_trials", f"must be at least 0, got {self.max_running_trials}")
        validate_replicates(self.replicates, where)
        if self.max_staleness is not None and not 0 <= self.max_staleness <= MAX_STALENESS:
            raise InvalidArgument(f"{where}.max_staleness", f"must be 0 to {MAX_STALENESS}, got {self.max_staleness}")
        if not 0 <= self.seed < MAX_EXACT_INT:
            raise InvalidArgument(f"{where}.seed", f"must be 0 to 2^53 - 1, got {self.seed}")
        validate_labels(self.labels, f"{where}.labels")
        validate_annotations(self.annotations, f"{where}.annotations")
        validate_note(self.note, f"{where}.note")

    def _validate_baseline(self, where: str) -> None:
        if self.baseline_trial is None:
            return
        if self.baseline_trial < 1:
            raise InvalidArgument(where, f"must be the number of a trial, at least 1, got {self.baseline_trial}")
        if not self.goals.is_relative:
            raise InvalidArgument(where, "must be unset: no outcome constraint is relative to a baseline")

    def _validate_worth(self, where: str) -> None:
        if self.stopping.min_expected_gain is None:
            return
        if len(self.goals.objectives) > 1:
            raise InvalidArgument(where, "must be unset with several objectives: it is in the unit of one objective")
        if not self.algorithm.uses_model:
            raise InvalidArgument(
                where, f"needs the algorithm auto or bayesian: {self.algorithm.kind} has no model that expects anything"
            )
        if any(parameter.context for parameter in self.space.parameters):
            raise InvalidArgument(
                where, "must be unset where a parameter is a context: each context has a best of its own"
            )
        if self.space.fidelity is not None:
            raise InvalidArgument(
                where,
                f"must be unset where a parameter is the fidelity ({self.space.fidelity.name}): trials differ in how much they run",
            )

    def _validate_tracked(self, where: str) -> None:
        if len(self.tracked_metrics) > MAX_TRACKED_METRICS:
            raise InvalidArgument(
                f"{where}.tracked_metrics", f"must hold at most {MAX_TRACKED_METRICS}, got {len(self.tracked_metrics)}"
            )
        seen = set(self.goals.metrics)
        for index, tracked in enumerate(self.tracked_metrics):
            entry = f"{where}.tracked_metrics[{index}].metric"
            validate_metric_name(tracked.metric, entry)
            if tracked.metric in seen:
                raise InvalidArgument(
                    entry,
                    f"must be unique among objectives, outcome constraints and tracked metrics, got {tracked.metric!r} again",
                )
            seen.add(tracked.metric)


def validate_replicates(replicates: int, where: str) -> None:
    """Raises InvalidArgument when the number is out of range."""
    if not 1 <= replicates <= MAX_REPLICATES:
        raise InvalidArgument(f"{where}.replicates", f"must be 1 to {MAX_REPLICATES}, got {replicates}")


def validate_labels(labels: Mapping[str, str], where: str) -> None:
    """Raises InvalidArgument when there are too many labels or one is too long."""
    if len(labels) > MAX_LABELS:
        raise InvalidArgument(where, f"must hold at most {MAX_LABELS} labels, got {len(labels)}")
    for key, value in labels.items():
        if not 1 <= len(key) <= 63:
            raise InvalidArgument(f"{where}[{key[:63]}]", f"a key must have 1 to 63 characters, got {len(key)}")
        if len(value) > 256:
            raise InvalidArgument(f"{where}[{key}]", f"a value must have at most 256 characters, got {len(value)}")


def validate_annotations(annotations: Mapping[str, str], where: str) -> None:
    """Raises InvalidArgument when keys and values together are above 64 KiB."""
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > MAX_ANNOTATIONS_BYTES:
        raise InvalidArgument(where, f"must have at most {MAX_ANNOTATIONS_BYTES} bytes in all, got {size}")


def validate_note(note: str, where: str) -> None:
    """Raises InvalidArgument when a note is above 16 KiB."""
    size = len(note.encode())
    if size > MAX_NOTE_BYTES:
        raise InvalidArgument(where, f"must have at most {MAX_NOTE_BYTES} bytes, got {size}")
