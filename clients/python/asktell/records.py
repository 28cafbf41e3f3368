"""What the server tells about studies and trials, as plain values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, SupportsFloat, TypeAlias, TypeVar

from asktell.spaces import ParameterValue

__all__ = [
    "Amendment",
    "Belief",
    "BestByModel",
    "FinishReason",
    "HypervolumePoint",
    "ImportedTrial",
    "Measurement",
    "MetricInput",
    "MetricValue",
    "Observation",
    "Origin",
    "Outcome",
    "Prediction",
    "StudyState",
    "StudyWarning",
    "Suggestion",
    "Suggestions",
    "SupersededResult",
    "TrialCounts",
    "TrialState",
]

TrialT = TypeVar("TrialT")


class StudyState(enum.StrEnum):
    """Where a study stands."""

    UNSPECIFIED = "UNSPECIFIED"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    FINISHED = "FINISHED"


class FinishReason(enum.StrEnum):
    """Why a study is FINISHED; UNSPECIFIED while it is not."""

    UNSPECIFIED = "UNSPECIFIED"
    REQUESTED = "REQUESTED"
    MAX_TRIALS = "MAX_TRIALS"
    TARGET = "TARGET"
    PATIENCE = "PATIENCE"
    DEADLINE = "DEADLINE"
    EXHAUSTED = "EXHAUSTED"
    LITTLE_TO_GAIN = "LITTLE_TO_GAIN"


class TrialState(enum.StrEnum):
    """Where a trial stands: QUEUED → RUNNING → one of the others."""

    UNSPECIFIED = "UNSPECIFIED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    INFEASIBLE = "INFEASIBLE"
    CANCELLED = "CANCELLED"
    ABANDONED = "ABANDONED"

    @property
    def has_ended(self) -> bool:
        """No worker can work on it any more."""
        return self not in {TrialState.UNSPECIFIED, TrialState.QUEUED, TrialState.RUNNING}


class Outcome(enum.StrEnum):
    """How a trial ended, as it is told."""

    SUCCEEDED = "SUCCEEDED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    INFEASIBLE = "INFEASIBLE"


class Origin(enum.StrEnum):
    """Where a configuration came from."""

    UNSPECIFIED = "UNSPECIFIED"
    START = "START"
    MODEL = "MODEL"
    FALLBACK = "FALLBACK"
    PERSON = "PERSON"
    IMPORT = "IMPORT"
    SAMPLER = "SAMPLER"
    PROMOTION = "PROMOTION"


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A measured value with its standard error, where that is known."""

    value: float
    standard_error: float | None = None


MetricInput: TypeAlias = SupportsFloat | MetricValue
"""What metrics are told as: a number (numpy's and zero-dimensional arrays' too), or one with its standard error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Metrics of a running trial at one step."""

    step: int
    metrics: Mapping[str, float]
    report_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BestByModel(Generic[TrialT]):
    """The trial that is best when noise is taken off. All numbers are in the objective's unit.

    Attributes:
        trial: the trial.
        mean: what the objective is expected to be there, without noise. `standard_deviation` is how uncertain that is.
        noise: the standard deviation of a single result.
    """

    trial: TrialT
    mean: float
    standard_deviation: float
    noise: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the model believed about a configuration before it was run, or believes of one that it is asked about.

    Attributes:
        mean: of the first objective, in its unit, or of the metric asked about. `standard_deviation` is how uncertain that is.
        acquisition_value: the logarithm of what there was to gain by trying it, in units of standardised metrics; 0 in the answer
            of `Study.predict`.
        beliefs: by metric, objectives and constrained ones, what was believed of it.
    """

    mean: float
    standard_deviation: float
    acquisition_value: float
    beliefs: Mapping[str, Belief] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """What the model believed of one metric, in its unit."""

    mean: float
    standard_deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HypervolumePoint:
    """The hypervolume after a trial that added to it.

    Attributes:
        trial_number: the trial.
        ended_count: how many trials had ended by then, this one included.
        hypervolume: that of all of them, from the present reference.
    """

    trial_number: int
    ended_count: int
    hypervolume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A result that a correction replaced. `reason` is the correction's, `previous_reason` the replaced result's."""

    amend_time: datetime | None
    previous_state: TrialState
    previous_metrics: Mapping[str, float]
    previous_reason: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersededResult:
    """A result that came after another attempt's had been taken: kept, never used."""

    tell_time: datetime | None
    lease_id: str
    state: TrialState
    metrics: Mapping[str, float]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyWarning:
    """Something about a study that is allowed and usually a mistake.

    `place`: where the field stands in the study file that the study has just been created from, as `line:column: key`.
    """

    kind: str
    field: str
    message: str
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """The beginning of a data epoch, after the first.

    `decay` is what all earlier results count from then on, as a part of what they counted before; `remeasured` are numbers of the
    trials whose configurations were queued to be measured again.
    """

    decay: float
    remeasured: tuple[int, ...]
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCounts:
    """How many trials are in which state."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    stopped: int = 0
    failed: int = 0
    infeasible: int = 0
    cancelled: int = 0
    abandoned: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.queued + self.running + self.ended

    @property
    def ended(self) -> int:
        """Those that no worker can work on any more."""
        with_result = self.succeeded + self.stopped
        return with_result + self.failed + self.infeasible + self.cancelled + self.abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTrial:
    """A past result to bring in; `key` is the caller's own and unique in the study."""

    key: str
    params: Mapping[str, ParameterValue]
    metrics: Mapping[str, MetricInput] = field(default_factory=dict)
    outcome: Outcome = Outcome.SUCCEEDED
    reason: str = ""
    start_time: datetime | None = None
    finish_time: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """A configuration that has been run, for `Client.suggest`.

    `expected_metrics` are what a STOPPED one would have come to, as far as that can be told: see `Trial.expected_metrics`.
    The model learns from them in place of the metrics that it was stopped with, and does not take them for reached.
    """

    params: Mapping[str, ParameterValue]
    metrics: Mapping[str, MetricInput] = field(default_factory=dict)
    outcome: Outcome = Outcome.SUCCEEDED
    expected_metrics: Mapping[str, MetricInput] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A configuration to run, and what the model believes about it (None without a model)."""

    params: dict[str, Any]
    origin: Origin
    prediction: Prediction | None


class Suggestions(list[Suggestion]):
    """The suggestions; `warm_start` makes the next call for the same problem faster."""

    def __init__(self, suggestions: list[Suggestion], warm_start: bytes) -> None:
        super().__init__(suggestions)
        self.warm_start = warm_start
