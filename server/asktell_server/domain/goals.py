"""Goals: what a study or problem wants of its results. Nothing else knows how results compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asktell_server.domain.errors import ErrorReason, InvalidArgument, NotSupported
from asktell_server.domain.metrics import Metric, Metrics, Objective, Split, validate_metric_name
from asktell_server.domain.trial import Result, TrialState

Rank = tuple[float, ...]
"""Sorts results: a better one has a lower rank."""

_MEASURED_STATES = frozenset({TrialState.SUCCEEDED, TrialState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """The objectives of a study or problem, and what they say about results."""

    objectives: tuple[Objective, ...]

    def validate(self, where: str) -> None:
        """Checks the objectives; `where` is the path of the study or problem.

        Raises:
            InvalidArgument: none, a bad metric name, or one on the test split.
            NotSupported: more than one.
        """
        if not self.objectives:
            raise InvalidArgument(f"{where}.objectives", "must hold one objective, got none")
        if len(self.objectives) > 1:
            raise NotSupported(
                f"{where}.objectives", f"this server optimises one objective, got {len(self.objectives)}"
            )
        for index, objective in enumerate(self.objectives):
            validate_metric_name(objective.metric, f"{where}.objectives[{index}].metric")
            if objective.split is Split.TEST:
                raise InvalidArgument(
                    f"{where}.objectives[{index}].split",
                    "must not be the test split: hyperparameters chosen by test results leave nothing to test with; "
                    "measure the objective on validation data and log the test metric as a tracked metric",
                    reason=ErrorReason.TEST_SPLIT_OBJECTIVE,
                )

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that a successful result must hold: the columns of what the engine learns from."""
        return tuple(objective.metric for objective in self.objectives)

    def missing(self, metrics: Metrics) -> str | None:
        """The first required metric that is not among `metrics`."""
        return next((name for name in self.metrics if name not in metrics), None)

    def require(self, result: Result, *, field: str) -> None:
        """Raises InvalidArgument (MISSING_OBJECTIVE) when a successful result lacks a metric."""
        if result.state is TrialState.SUCCEEDED and (name := self.missing(result.metrics)) is not None:
            raise InvalidArgument(
                field,
                f"a successful trial must tell its objective {name!r}",
                reason=ErrorReason.MISSING_OBJECTIVE,
                metadata={"metric": name},
            )

    def measured(self, result: Result) -> tuple[Metric, ...] | None:
        """The result's values of `metrics`, in their order; None when it did not succeed or lacks one.

        A stopped trial counts like one that succeeded.
        """
        if result.state not in _MEASURED_STATES or self.missing(result.metrics) is not None:
            return None
        return tuple(result.metrics[name] for name in self.metrics)

    def costs(self, values: Sequence[float]) -> tuple[float, ...]:
        """Values of `metrics`, in their order, turned so that lower is better. Costs turn back into values the same way.

        Raises ValueError when there is not one value for each.
        """
        return tuple(objective.cost(value) for objective, value in zip(self.objectives, values, strict=True))

    def rank(self, result: Result) -> Rank | None:
        """How good the result is; None when it is not feasible: it did not succeed or lacks a metric."""
        measured = self.measured(result)
        return None if measured is None else self.costs([metric.value for metric in measured])
