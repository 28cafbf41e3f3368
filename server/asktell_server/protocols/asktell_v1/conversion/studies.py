"""Studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from asktell.v1 import study_pb2, study_service_pb2
from asktell_server.domain.advice import warnings
from asktell_server.domain.comparing import WantedStudy
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.goal_rules import MAX_OBJECTIVES
from asktell_server.domain.names import StudyName, parse_study
from asktell_server.domain.parents import MAX_PARENTS, ParentStudy
from asktell_server.domain.reopening import Reopening
from asktell_server.domain.study import (
    DEFAULT_LEASE_S,
    DEFAULT_MAX_ATTEMPTS,
    FinishReason,
    LeasePolicy,
    StoppingRules,
    Study,
    StudyState,
)
from asktell_server.domain.trial import TrialState
from asktell_server.domain.warning import StudyWarning, WarningKind
from asktell_server.protocols.asktell_v1.conversion.counts import MAX_PATHS, annotations_from, few, labels_from
from asktell_server.protocols.asktell_v1.conversion.early_stopping import early_stopping_from, early_stopping_to
from asktell_server.protocols.asktell_v1.conversion.metrics import (
    constraint_to,
    goals_from,
    objective_to,
    tracked_from,
    tracked_to,
)
from asktell_server.protocols.asktell_v1.conversion.spaces import algorithm_from, algorithm_to, space_from, space_to
from asktell_server.protocols.asktell_v1.conversion.times import seconds_from, seconds_to, time_from, time_to
from asktell_server.service.etags import etag_of
from asktell_server.service.reopening import Reopen
from asktell_server.service.studies import Created
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.service.watching import cursor_at
from asktell_server.store.protocol import StudyHead

_MAX_COUNT = 2**53

_STATES: Mapping[int, StudyState] = {
    study_pb2.STUDY_STATE_ACTIVE: StudyState.ACTIVE,
    study_pb2.STUDY_STATE_PAUSED: StudyState.PAUSED,
    study_pb2.STUDY_STATE_FINISHED: StudyState.FINISHED,
}
_STATES_OUT: Mapping[StudyState, study_pb2.StudyState.ValueType] = {
    StudyState.ACTIVE: study_pb2.STUDY_STATE_ACTIVE,
    StudyState.PAUSED: study_pb2.STUDY_STATE_PAUSED,
    StudyState.FINISHED: study_pb2.STUDY_STATE_FINISHED,
}
_FINISH_REASONS_OUT: Mapping[FinishReason, study_pb2.FinishReason.ValueType] = {
    FinishReason.REQUESTED: study_pb2.FINISH_REASON_REQUESTED,
    FinishReason.MAX_TRIALS: study_pb2.FINISH_REASON_MAX_TRIALS,
    FinishReason.TARGET: study_pb2.FINISH_REASON_TARGET,
    FinishReason.PATIENCE: study_pb2.FINISH_REASON_PATIENCE,
    FinishReason.DEADLINE: study_pb2.FINISH_REASON_DEADLINE,
    FinishReason.EXHAUSTED: study_pb2.FINISH_REASON_EXHAUSTED,
    FinishReason.LITTLE_TO_GAIN: study_pb2.FINISH_REASON_LITTLE_TO_GAIN,
}
_WARNINGS_OUT: Mapping[WarningKind, study_pb2.WarningKind.ValueType] = {
    WarningKind.GRID_EXCEEDS_BUDGET: study_pb2.WARNING_KIND_GRID_EXCEEDS_BUDGET,
    WarningKind.BUDGET_TOO_SMALL: study_pb2.WARNING_KIND_BUDGET_TOO_SMALL,
    WarningKind.TEST_METRIC_NAME: study_pb2.WARNING_KIND_TEST_METRIC_NAME,
    WarningKind.WIDE_LINEAR_RANGE: study_pb2.WARNING_KIND_WIDE_LINEAR_RANGE,
    WarningKind.COARSE_GRID: study_pb2.WARNING_KIND_COARSE_GRID,
    WarningKind.DIFFERS_FROM_REQUEST: study_pb2.WARNING_KIND_DIFFERS_FROM_REQUEST,
    WarningKind.PARENT_DIFFERS: study_pb2.WARNING_KIND_PARENT_DIFFERS,
    WarningKind.PARENT_UNUSED: study_pb2.WARNING_KIND_PARENT_UNUSED,
}

_GIVEN = frozenset(
    {
        "display_name",
        "search_space",
        "objectives",
        "outcome_constraints",
        "tracked_metrics",
        "cost_metric",
        "algorithm",
        "stopping_rules",
        "lease_policy",
        "max_running_trials",
        "replicates",
        "max_staleness",
        "baseline_trial",
        "early_stopping",
        "parents",
        "seed",
        "labels",
        "annotations",
        "note",
    }
)
"""What a caller gives of a study; all else is of the server."""
_STOPPING_FIELDS = tuple(field.name for field in fields(StoppingRules))
_UPDATABLE = (
    "display_name",
    "labels",
    "annotations",
    "note",
    "max_running_trials",
    "max_staleness",
    "baseline_trial",
    "early_stopping",
    "state",
)


def study_from(message: study_pb2.Study, *, name: StudyName, now: datetime, where: str = "study") -> Study:
    """Reads a new study; without a seed it has 0. Checked further by `Study.validate`.

    Raises:
        InvalidArgument: something cannot be read. NotSupported: the server does not do it yet.
    """
    return Study(
        name=name,
        display_name=message.display_name,
        space=space_from(message.search_space, f"{where}.search_space"),
        goals=goals_from(message.objectives, message.outcome_constraints, message.cost_metric, where),
        tracked_metrics=tracked_from(message.tracked_metrics, f"{where}.tracked_metrics"),
        algorithm=algorithm_from(message.algorithm),
        stopping=StoppingRules(**_stopping_values(message.stopping_rules, f"{where}.stopping_rules")),
        lease=_lease_from(message.lease_policy, f"{where}.lease_policy"),
        max_running_trials=message.max_running_trials,
        replicates=message.replicates or 1,
        max_staleness=_staleness_from(message),
        baseline_trial=message.baseline_trial or None,
        early_stopping=early_stopping_from(message.early_stopping, f"{where}.early_stopping"),
        parents=_parents_from(message.parents, project=name.project, where=f"{where}.parents"),
        seed=message.seed,
        labels=labels_from(message.labels, f"{where}.labels"),
        annotations=annotations_from(message.annotations, f"{where}.annotations"),
        note=message.note,
        create_time=now,
        update_time=now,
    )


def wanted_from(message: study_pb2.Study, *, name: StudyName, now: datetime) -> WantedStudy:
    """Reads a new study and which of its fields are left to the server. Raises as `study_from` does."""
    lease = message.lease_policy
    given = {
        "seed": message.HasField("seed"),
        "replicates": message.replicates != 0,
        "max_staleness": message.HasField("max_staleness"),
        "lease.duration_s": lease.HasField("lease_duration"),
        "lease.max_attempts": lease.max_attempts != 0,
    }
    return WantedStudy(
        study=study_from(message, name=name, now=now),
        unset=frozenset(field for field, is_given in given.items() if not is_given),
    )


def _stopping_values(message: study_pb2.StoppingRules, where: str) -> dict[str, Any]:
    deadline = time_from(message.deadline, f"{where}.deadline") if message.HasField("deadline") else None
    values = {
        name: getattr(message, name) if message.HasField(name) else None
        for name in ("max_trials", "target_value", "patience_trials", "min_expected_gain")
    }
    targets = few(message.target_values, MAX_OBJECTIVES, f"{where}.target_values", "values")
    return {**values, "target_values": dict(targets), "deadline": deadline}


def _lease_from(message: study_pb2.LeasePolicy, where: str) -> LeasePolicy:
    duration_s = DEFAULT_LEASE_S
    if message.HasField("lease_duration"):
        duration_s = seconds_from(message.lease_duration, f"{where}.lease_duration")
    return LeasePolicy(duration_s=duration_s, max_attempts=message.max_attempts or DEFAULT_MAX_ATTEMPTS)


def _parents_from(names: Sequence[str], *, project: str, where: str) -> tuple[ParentStudy, ...]:
    parents = []
    for index, text in enumerate(few(names, MAX_PARENTS, where, "studies")):
        field = f"{where}[{index}]"
        parent = parse_study(text, field=field)
        if "/" in text and parent.project != project:
            raise InvalidArgument(field, f"must be a study of the same project, {project}, got {text[:128]!r}")
        parents.append(ParentStudy(name=parent.study_id))
    return tuple(parents)


def _staleness_from(message: study_pb2.Study) -> int | None:
    return message.max_staleness if message.HasField("max_staleness") else None


def update_from(message: study_pb2.Study, paths: list[str]) -> StudyUpdate:
    """Reads the fields of an update mask.

    Raises:
        InvalidArgument: the mask is empty, or a path is unknown or may not change; a bad value.
        NotSupported: an early-stopping rule that is not there yet.
    """
    if not paths:
        raise InvalidArgument("update_mask", "is required: name the fields to change")
    changes: dict[str, Any] = {}
    stopping: dict[str, Any] = {}
    for index, path in enumerate(few(paths, MAX_PATHS, "update_mask.paths", "paths")):
        head, dot, rest = path.partition(".")
        if head == "stopping_rules" and (not dot or rest in _STOPPING_FIELDS):
            values = _stopping_values(message.stopping_rules, "study.stopping_rules")
            stopping.update({rest: values[rest]} if rest else values)
        elif path == "state":
            if message.state not in _STATES:
                raise InvalidArgument("study.state", f"must be ACTIVE, PAUSED or FINISHED, got {message.state}")
            changes["state"] = _STATES[message.state]
        elif path == "labels":
            changes[path] = labels_from(message.labels, "study.labels")
        elif path == "annotations":
            changes[path] = annotations_from(message.annotations, "study.annotations")
        elif path == "max_staleness":
            changes[path] = _staleness_from(message)
        elif path == "baseline_trial":
            changes[path] = message.baseline_trial or None
        elif path == "early_stopping":
            changes[path] = early_stopping_from(message.early_stopping, "study.early_stopping")
        elif path in _UPDATABLE:
            changes[path] = getattr(message, path)
        else:
            raise InvalidArgument(
                f"update_mask.paths[{index}]",
                f"must be one of {', '.join(_UPDATABLE)}, stopping_rules or a field of it, got {path[:128]!r}",
            )
    return StudyUpdate(changes=changes, stopping=stopping)


def study_to(
    head: StudyHead,
    *,
    sequence: int | None = None,
    warned: Sequence[StudyWarning] | None = None,
    hypervolume: float | None = None,
    total_cost: float | None = None,
) -> study_pb2.Study:
    """Writes a study.

    `sequence` is the log position of its cursor (default: the head's), `warned` its warnings (default: those about its
    specification).
    """
    study = head.study
    cardinality = study.space.cardinality
    return study_pb2.Study(
        name=str(study.name),
        display_name=study.display_name,
        search_space=space_to(study.space),
        objectives=[objective_to(objective) for objective in study.goals.objectives],
        outcome_constraints=[constraint_to(constraint) for constraint in study.goals.outcome_constraints],
        tracked_metrics=[tracked_to(tracked) for tracked in study.tracked_metrics],
        algorithm=algorithm_to(study.algorithm),
        stopping_rules=study_pb2.StoppingRules(
            max_trials=study.stopping.max_trials,
            target_value=study.stopping.target_value,
            patience_trials=study.stopping.patience_trials,
            deadline=time_to(study.stopping.deadline),
            target_values=study.stopping.target_values,
            min_expected_gain=study.stopping.min_expected_gain,
        ),
        lease_policy=study_pb2.LeasePolicy(
            lease_duration=seconds_to(study.lease.duration_s), max_attempts=study.lease.max_attempts
        ),
        max_running_trials=study.max_running_trials,
        replicates=study.replicates,
        max_staleness=study.max_staleness,
        baseline_trial=study.baseline_trial or 0,
        early_stopping=early_stopping_to(study.early_stopping),
        parents=[parent.name for parent in study.parents],
        reopenings=[_reopening_to(reopening) for reopening in study.reopenings],
        data_epoch=study.data_epoch,
        hypervolume=hypervolume,
        cost_metric=study.goals.cost_metric,
        total_cost=total_cost,
        seed=study.seed,
        labels=study.labels,
        annotations=study.annotations,
        note=study.note,
        state=_STATES_OUT[study.state],
        finish_reason=_FINISH_REASONS_OUT[study.finish_reason]
        if study.finish_reason
        else study_pb2.FINISH_REASON_UNSPECIFIED,
        trial_counts=_counts_to(head.counts),
        warnings=[_warning_to(warning) for warning in (warnings(study) if warned is None else warned)],
        create_time=time_to(study.create_time),
        update_time=time_to(study.update_time),
        finish_time=time_to(study.finish_time),
        etag=etag_of(head),
        cursor=cursor_at(head, head.sequence if sequence is None else sequence),
        configuration_count=cardinality if cardinality is not None and cardinality <= _MAX_COUNT else None,
    )


def checked_to(message: study_pb2.Study, created: Created) -> study_pb2.Study:
    """Writes a study that was only checked: what the caller left unset stays so; of what the server adds there are the
    name, the warnings and the number of configurations.
    """
    added = study_to(created.head, warned=created.warnings)
    answer = study_pb2.Study()
    for field, value in message.ListFields():
        if field.name in _GIVEN:
            answer.MergeFrom(study_pb2.Study(**{field.name: value}))
    answer.name = added.name
    answer.warnings.extend(added.warnings)
    if added.HasField("configuration_count"):
        answer.configuration_count = added.configuration_count
    return answer


def reopen_from(request: study_service_pb2.ReopenStudyRequest) -> Reopen:
    """Reads how a study is to be reopened; checked further by `Reopen.validate`."""
    return Reopen(
        decay=request.decay if request.HasField("decay") else None,
        remeasure=request.remeasure,
        keep=request.keep,
        more_trials=request.more_trials if request.HasField("more_trials") else None,
    )


def _reopening_to(reopening: Reopening) -> study_pb2.Reopening:
    return study_pb2.Reopening(decay=reopening.decay, remeasured=reopening.remeasured, time=time_to(reopening.time))


def _counts_to(counts: Mapping[TrialState, int]) -> study_pb2.TrialCounts:
    return study_pb2.TrialCounts(**{state.value.lower(): counts.get(state, 0) for state in TrialState})


def _warning_to(warning: StudyWarning) -> study_pb2.StudyWarning:
    return study_pb2.StudyWarning(kind=_WARNINGS_OUT[warning.kind], field=warning.field, message=warning.message)
