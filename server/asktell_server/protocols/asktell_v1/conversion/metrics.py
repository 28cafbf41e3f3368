"""Metrics, measurements and objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asktell.v1 import study_pb2, trial_pb2
from asktell_server.domain.errors import InvalidArgument, NotSupported
from asktell_server.domain.metrics import Goal, Measurement, Metric, Metrics, Objective, Split, TrackedMetric
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
_GOALS: Mapping[int, Goal] = {study_pb2.GOAL_MINIMIZE: Goal.MINIMIZE, study_pb2.GOAL_MAXIMIZE: Goal.MAXIMIZE}
_GOALS_OUT: Mapping[Goal, study_pb2.Goal.ValueType] = {
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


def objectives_from(messages: Sequence[study_pb2.Objective], where: str) -> tuple[Objective, ...]:
    """Reads objectives.

    Raises:
        InvalidArgument: no goal, an unknown split. NotSupported: a reference value.
    """
    objectives = []
    for index, message in enumerate(few(messages, MAX_METRICS, f"{where}.objectives", "objectives")):
        entry = f"{where}.objectives[{index}]"
        if message.HasField("reference_value"):
            raise NotSupported(f"{entry}.reference_value", "several objectives are not supported yet")
        if message.goal not in _GOALS:
            raise InvalidArgument(f"{entry}.goal", f"must be GOAL_MINIMIZE or GOAL_MAXIMIZE, got {message.goal}")
        objectives.append(
            Objective(
                metric=message.metric,
                goal=_GOALS[message.goal],
                split=split_from(message.split, f"{entry}.split"),
            )
        )
    return tuple(objectives)


def objective_to(objective: Objective) -> study_pb2.Objective:
    """Writes an objective."""
    return study_pb2.Objective(
        metric=objective.metric, goal=_GOALS_OUT[objective.goal], split=_SPLITS_OUT[objective.split]
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
