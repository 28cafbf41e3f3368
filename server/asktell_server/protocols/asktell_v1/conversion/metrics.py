"""Metrics, measurements, objectives and outcome constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asktell.v1 import study_pb2, trial_pb2
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import (
    Goal,
    Measurement,
    Metric,
    Metrics,
    Objective,
    OutcomeConstraint,
    Split,
    TrackedMetric,
)
from asktell_server.domain.study import MAX_TRACKED_METRICS
from asktell_server.protocols.asktell_v1.conversion.counts import MAX_METRICS, few
from asktell_server.protocols.asktell_v1.conversion.times import time_to

_SPLITS: Mapping[int, Split] = {
    study_pb2.SPLIT_UNSPECIFIED: Split.VALIDATION,
    study_pb2.SPLIT_VALIDATION: Split.VALIDATION,
    study_pb2.SPLIT_TRAIN: Split.TRAIN,
    study_pb2.SPLIT_TEST: Split.TEST,
}
_SPLITS_OUT: Mapping[Split, study_pb2.Split.ValueType] = {
    Split.VALIDATION: study_pb2.SPLIT_VALIDATION,
    Split.TRAIN: study_pb2.SPLIT_TRAIN,
    Split.TEST: study_pb2.SPLIT_TEST,
}
GOALS: Mapping[int, Goal] = {study_pb2.GOAL_MINIMIZE: Goal.MINIMIZE, study_pb2.GOAL_MAXIMIZE: Goal.MAXIMIZE}
GOALS_OUT: Mapping[Goal, study_pb2.Goal.ValueType] = {
    Goal.MINIMIZE: study_pb2.GOAL_MINIMIZE,
    Goal.MAXIMIZE: study_pb2.GOAL_MAXIMIZE,
}


def metrics_from(messages: Mapping[str, trial_pb2.Metric], where: str) -> Metrics:
    """Reads metrics; they are checked by `validate_metrics`."""
    return {
        name: Metric(
            value=message.value,
            standard_error=message.standard_error if message.HasField("standard_error") else None,
        )
        for name, message in few(messages, MAX_METRICS, where, "metrics").items()
    }


def metrics_to(metrics: Metrics) -> dict[str, trial_pb2.Metric]:
    """Writes metrics."""
    return {
        name: trial_pb2.Metric(value=metric.value, standard_error=metric.standard_error)
        for name, metric in metrics.items()
    }


def measurement_to(measurement: Measurement) -> trial_pb2.Measurement:
    """Writes a measurement."""
    return trial_pb2.Measurement(
        step=measurement.step,
        metrics=metrics_to(measurement.metrics),
        report_time=time_to(measurement.report_time),
    )


def goals_from(
    objectives: Sequence[study_pb2.Objective],
    constraints: Sequence[study_pb2.OutcomeConstraint],
    cost_metric: str,
    where: str,
) -> Goals:
    """Reads objectives, outcome constraints and the cost metric; checked further by `validate_goals`.

    Raises:
        InvalidArgument: no goal, no bound, an unknown split, far too many of them.
    """
    few(constraints, MAX_METRICS, f"{where}.outcome_constraints", "outcome constraints")
    return Goals(
        objectives=_objectives_from(objectives, where),
        outcome_constraints=tuple(
            _constraint_from(message, f"{where}.outcome_constraints[{index}]")
            for index, message in enumerate(constraints)
        ),
        cost_metric=cost_metric,
    )


def _objectives_from(messages: Sequence[study_pb2.Objective], where: str) -> tuple[Objective, ...]:
    objectives = []
    for index, message in enumerate(few(messages, MAX_METRICS, f"{where}.objectives", "objectives")):
        entry = f"{where}.objectives[{index}]"
        if message.goal not in GOALS:
            raise InvalidArgument(f"{entry}.goal", f"must be GOAL_MINIMIZE or GOAL_MAXIMIZE, got {message.goal}")
        objectives.append(
            Objective(
                metric=message.metric,
                goal=GOALS[message.goal],
                split=split_from(message.split, f"{entry}.split"),
                reference=message.reference_value if message.HasField("reference_value") else None,
            )
        )
    return tuple(objectives)


def _constraint_from(message: study_pb2.OutcomeConstraint, where: str) -> OutcomeConstraint:
    bound = message.WhichOneof("bound")
    if bound is None:
        raise InvalidArgument(where, "must have a bound, max or min")
    return OutcomeConstraint(
        metric=message.metric,
        max=message.max if bound == "max" else None,
        min=message.min if bound == "min" else None,
        of_baseline=message.of_baseline,
        split=split_from(message.split, f"{where}.split"),
    )


def objective_to(objective: Objective) -> study_pb2.Objective:
    """Writes an objective."""
    return study_pb2.Objective(
        metric=objective.metric,
        goal=GOALS_OUT[objective.goal],
        split=_SPLITS_OUT[objective.split],
        reference_value=objective.reference,
    )


def constraint_to(constraint: OutcomeConstraint) -> study_pb2.OutcomeConstraint:
    """Writes an outcome constraint."""
    return study_pb2.OutcomeConstraint(
        **{"min" if constraint.max is None else "max": constraint.bound},
        metric=constraint.metric,
        of_baseline=constraint.of_baseline,
        split=_SPLITS_OUT[constraint.split],
    )


def tracked_from(messages: Sequence[study_pb2.TrackedMetric], where: str) -> tuple[TrackedMetric, ...]:
    """Reads tracked metrics. Raises InvalidArgument for an unknown split."""
    return tuple(
        TrackedMetric(metric=message.metric, split=split_from(message.split, f"{where}[{index}].split"))
        for index, message in enumerate(few(messages, MAX_TRACKED_METRICS, where, "metrics"))
    )


def tracked_to(tracked: TrackedMetric) -> study_pb2.TrackedMetric:
    """Writes a tracked metric."""
    return study_pb2.TrackedMetric(metric=tracked.metric, split=_SPLITS_OUT[tracked.split])


def split_from(number: int, where: str) -> Split:
    """Reads a split; unset = validation. Raises InvalidArgument for an unknown one."""
    if number not in _SPLITS:
        raise InvalidArgument(where, f"must be SPLIT_VALIDATION, SPLIT_TRAIN or SPLIT_TEST, got {number}")
    return _SPLITS[number]
