"""What the results of a study say about its parameters: the answers of `Study.importances`, `predict`, `slice`, `health` …"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asktell._core.html import table_html
from asktell._core.shown import short, with_deviation
from asktell.records import Belief, Prediction

__all__ = [
    "CrossValidation",
    "ExpectedGain",
    "Health",
    "HealthFinding",
    "HealthKind",
    "HealthSeverity",
    "Importance",
    "Importances",
    "Interaction",
    "Interactions",
    "LeftOutResult",
    "Slice",
    "SlicePoint",
    "TradeOff",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much of a metric's variation over the space one parameter explains: Sobol indices, from 0 to 1.

    Attributes:
        parameter: its name.
        share: what it explains alone (first order).
        total_share: what it explains alone and together with all others (total order): near 0, it may be fixed.
        share_deviation: standard deviation of `share` over the functions that the model holds possible.
        total_share_deviation: the same of `total_share`.
    """

    parameter: str
    share: float
    total_share: float
    share_deviation: float
    total_share_deviation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """How much of a metric's variation two parameters explain together, beyond what each does alone; from 0 to 1.

    Attributes:
        parameters: their names.
        share: what they explain. `share_deviation` is its standard deviation over the functions that the model holds possible.
    """

    parameters: tuple[str, str]
    share: float
    share_deviation: float


class Importances(Mapping[str, Importance]):
    """The importances by parameter, the largest `total_share` first.

    Attributes:
        metric: the metric whose variation is explained.
        result_count: how many results the model knows.
    """

    def __init__(self, importances: Sequence[Importance], *, metric: str, result_count: int) -> None:
        """In the order of their total shares."""
        ordered = sorted(importances, key=lambda each: -each.total_share)
        self._found = {each.parameter: each for each in ordered}
        self.metric = metric
        self.result_count = result_count

    def __getitem__(self, parameter: str) -> Importance:
        """The importance of one parameter."""
        return self._found[parameter]

    def __iter__(self) -> Iterator[str]:
        """The parameters."""
        return iter(self._found)

    def __len__(self) -> int:
        """How many parameters there are."""
        return len(self._found)

    def __repr__(self) -> str:
        """`<Importances of loss from 40 results: lr 0.8 ± 0.03, rank 0.1 ± 0.02>`, of the total shares."""
        shares = (f"{name} {_of_total(each)}" for name, each in self._found.items())
        return f"<{type(self).__name__} of {self.metric} from {self.result_count} results: {', '.join(shares)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            (each.parameter, _of_total(each), with_deviation(each.share, each.share_deviation))
            for each in self.values()
        ]
        title = f"importances for {self.metric}, from {self.result_count} results"
        return table_html(title, ("parameter", "with all others", "alone"), rows)


class Interactions(list[Interaction]):
    """The interactions of pairs of parameters, the largest first.

    Attributes:
        metric: the metric whose variation is explained.
        result_count: how many results the model knows.
    """

    def __init__(self, interactions: Sequence[Interaction], *, metric: str, result_count: int) -> None:
        super().__init__(sorted(interactions, key=lambda each: -each.share))
        self.metric = metric
        self.result_count = result_count

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [(" and ".join(each.parameters), with_deviation(each.share, each.share_deviation)) for each in self]
        title = f"interactions for {self.metric}, from {self.result_count} results"
        return table_html(title, ("parameters", "share"), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePoint:
    """A point of a slice: the whole configuration, and what the model believes there."""

    params: dict[str, Any]
    prediction: Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What the model believes along one or two parameters, the others fixed.

    Attributes:
        metric: the metric that `mean` and `standard_deviation` of the points are of.
        parameters: the one or two that vary.
        points: the last parameter running fastest.
        reference: the values of the others.
        result_count: how many results the model knows.
    """

    metric: str
    parameters: tuple[str, ...]
    points: list[SlicePoint] = field(repr=False)
    reference: dict[str, Any]
    result_count: int

    def to_dicts(self) -> list[dict[str, Any]]:
        """A flat row for each point, for a data frame: the parameters that vary, `mean` and `standard_deviation`."""
        return [
            {
                **{name: point.params.get(name) for name in self.parameters},
                "mean": point.prediction.mean,
                "standard_deviation": point.prediction.standard_deviation,
            }
            for point in self.points
        ]

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            (
                *(short(point.params.get(name, "")) for name in self.parameters),
                with_deviation(point.prediction.mean, point.prediction.standard_deviation),
            )
            for point in self.points
        ]
        fixed = ", ".join(f"{name}={short(value)}" for name, value in self.reference.items())
        return table_html(f"{self.metric} at {fixed}" if fixed else self.metric, (*self.parameters, self.metric), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutResult:
    """A result, and what the model foretells of it from all others; the deviation includes the noise of a measurement."""

    trial_number: int
    observed: float
    belief: Belief


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidation:
    """How well the model foretells each result from all others (leave-one-out).

    Attributes:
        metric: the metric that is foretold.
        rank_correlation: Spearman's correlation of results and predictions, from -1 to 1; near 0 the model knows nothing.
        coverage_50: share of the results inside their prediction's middle 50 %; a calibrated model has 0.5.
        coverage_95: the same of the middle 95 %.
        rmse: root of the mean squared error, in the metric's unit.
        results: one for each result that the model knows, by trial number.
    """

    metric: str
    rank_correlation: float
    coverage_50: float
    coverage_95: float
    rmse: float
    results: list[LeftOutResult] = field(repr=False)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [
            ("rank correlation", f"{self.rank_correlation:.2f}"),
            ("results inside the middle 50 %", f"{self.coverage_50:.0%}"),
            ("results inside the middle 95 %", f"{self.coverage_95:.0%}"),
            ("root mean squared error", short(self.rmse, 3)),
        ]
        return table_html(f"{len(self.results)} results for {self.metric}, each foretold from all others", (), rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """A trial on the Pareto front, and what going to its neighbour would cost.

    Attributes:
        trial_number: the trial.
        values: the objectives' values.
        slopes: by objective other than the first, its change for each unit that the first one gets worse, on the way to the next
            trial of the front; empty for the last.
        hypervolume_share: what the trial alone adds to the hypervolume.
    """

    trial_number: int
    values: Mapping[str, float]
    slopes: Mapping[str, float]
    hypervolume_share: float


class HealthKind(enum.StrEnum):
    """What a finding is about."""

    UNSPECIFIED = "UNSPECIFIED"
    BUDGET_TOO_SMALL = "BUDGET_TOO_SMALL"
    GRID_MISSES_REGION = "GRID_MISSES_REGION"
    BEST_AT_BORDER = "BEST_AT_BORDER"
    PARAMETER_WITHOUT_EFFECT = "PARAMETER_WITHOUT_EFFECT"
    NOISE = "NOISE"
    DUPLICATES = "DUPLICATES"
    FAILURES_CLUSTER = "FAILURES_CLUSTER"
    OVERFITTING_TO_VALIDATION = "OVERFITTING_TO_VALIDATION"
    STRONG_INTERACTION = "STRONG_INTERACTION"
    MANY_FAILURES = "MANY_FAILURES"
    NOTHING_FEASIBLE = "NOTHING_FEASIBLE"
    LITTLE_TO_GAIN = "LITTLE_TO_GAIN"


class HealthSeverity(enum.StrEnum):
    """How bad a finding is: good to know; something is likely to be lost; the search cannot work like this."""

    UNSPECIFIED = "UNSPECIFIED"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthFinding:
    """Something about a study that its owner should know: `message` says what was seen, `advice` what to do about it.

    `parameters`, `trials` (numbers, at most 20) and `metrics` are what it is about.
    """

    kind: HealthKind
    severity: HealthSeverity
    message: str
    advice: str
    parameters: tuple[str, ...] = ()
    trials: tuple[int, ...] = ()
    metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedGain:
    """What so many further trials are expected to gain: at least 0, in the first objective's unit; of several, in hypervolume."""

    trials: int
    gain: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What is wrong with a study or could be better, and what further trials are expected to gain.

    Attributes:
        findings: the most severe first.
        expected_gains: of a further trial, and of 10 and 100; empty where that is not known.
        result_count: how many results the findings rest on.
    """

    findings: list[HealthFinding]
    expected_gains: list[ExpectedGain]
    result_count: int

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [(each.severity.value.lower(), each.message, each.advice) for each in self.findings]
        rows += [
            ("expected gain", f"of {_trials(each.trials)}: {short(each.gain, 3)}", "") for each in self.expected_gains
        ]
        return table_html(f"health, from {self.result_count} results" + ("" if rows else ": nothing to say"), (), rows)


def _of_total(each: Importance) -> str:
    return with_deviation(each.total_share, each.total_share_deviation)


def _trials(count: int) -> str:
    return "1 further trial" if count == 1 else f"{count} further trials"
