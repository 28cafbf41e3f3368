"""What the Python client shows, as messages of the corpus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import asktell
from asktell.v1 import search_space_pb2, study_pb2, trial_pb2
from tests.conformance.schema import ERROR_KINDS, Result

# The first that fits counts, so special ones come before those that they are a kind of.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (asktell.InvalidArgument, "INVALID_ARGUMENT"),
    (asktell.NotFound, "NOT_FOUND"),
    (asktell.StudyExists, "STUDY_EXISTS"),
    (asktell.ResultConflict, "RESULT_CONFLICT"),
    (asktell.StudyComplete, "STUDY_COMPLETE"),
    (asktell.StudyPaused, "STUDY_PAUSED"),
    (asktell.QueueEmpty, "QUEUE_EMPTY"),
    (asktell.NoTrialAvailable, "NO_TRIAL_AVAILABLE"),
    (asktell.LeaseLost, "LEASE_LOST"),
    (asktell.IllegalTransition, "ILLEGAL_TRANSITION"),
    (asktell.EtagMismatch, "ETAG_MISMATCH"),
    (asktell.Contention, "CONTENTION"),
    (asktell.Overloaded, "OVERLOADED"),
    (asktell.LimitExceeded, "LIMIT_EXCEEDED"),
    (asktell.NotSupported, "NOT_SUPPORTED"),
    (asktell.Unavailable, "UNAVAILABLE"),
    (asktell.DeadlineExceeded, "DEADLINE_EXCEEDED"),
    (asktell.Unauthenticated, "UNAUTHENTICATED"),
    (asktell.InternalError, "INTERNAL"),
    (asktell.AsktellError, "OTHER"),
    (Exception, "REFUSED_LOCALLY"),
)


def done() -> Any:
    """It worked."""
    result = Result()
    result.done.SetInParent()
    return result


def failed(error: asktell.AsktellError | TypeError | ValueError) -> Any:
    """An error of the client."""
    result = Result()
    result.error.kind = ERROR_KINDS[next(kind for type_, kind in _KINDS if isinstance(error, type_))]
    result.error.message = str(error)
    if isinstance(error, asktell.AsktellError):
        result.error.reason = error.reason
        result.error.field = error.metadata.get("field", "")
        result.error.has_retry_after = error.retry_after_s is not None
    return result


def study(handle: asktell.Study) -> Any:
    """A study."""
    return Result(study=_study(handle))


def trials(handles: Iterable[asktell.Trial]) -> Any:
    """Trials."""
    result = Result()
    result.trials.SetInParent()
    for handle in handles:
        result.trials.trials.add(
            trial=_trial(handle),
            should_stop=handle.should_stop,
            lease_lost=handle.lease_lost,
            superseded=handle.superseded,
        )
    return result


def changes(listed: Iterable[asktell.Change]) -> Any:
    """Changes."""
    result = Result()
    result.changes.SetInParent()
    for each in listed:
        wire = result.changes.changes.add(cursor=each.cursor)
        if each.study is not None:
            wire.study.CopyFrom(_study(each.study))
        elif each.trial is not None:
            wire.trial.CopyFrom(_trial(each.trial))
        elif each.deleted_trial is not None:
            wire.deleted_trial = each.deleted_trial
        elif each.reported is not None:
            number, measurement = each.reported
            wire.reported.trial = number
            wire.reported.measurement.CopyFrom(_measurement(measurement))
    return result


def suggestions(listed: Iterable[asktell.Suggestion]) -> Any:
    """Suggestions."""
    result = Result()
    result.suggestions.SetInParent()
    for each in listed:
        wire = result.suggestions.suggestions.add(origin=trial_pb2.Origin.Value(f"ORIGIN_{each.origin}"))
        _parameters(wire.parameters, each.params)
    return result


def analysis(items: int) -> Any:
    """So many items of an analysis."""
    return Result(analysis={"items": items})


def _study(view: asktell.StudyView) -> study_pb2.Study:
    counts = view.counts
    return study_pb2.Study(
        name=view.name,
        display_name=view.display_name,
        state=study_pb2.StudyState.Value(f"STUDY_STATE_{view.state}"),
        finish_reason=study_pb2.FinishReason.Value(f"FINISH_REASON_{view.finish_reason}"),
        trial_counts=study_pb2.TrialCounts(**{name: getattr(counts, name) for name in counts.__slots__}),
        labels=view.labels,
        annotations=view.annotations,
    )


def _trial(view: asktell.TrialView) -> trial_pb2.Trial:
    wire = trial_pb2.Trial(
        number=view.number,
        state=_state(view.state),
        origin=trial_pb2.Origin.Value(f"ORIGIN_{view.origin}"),
        reason=view.reason,
        attempt=view.attempt,
        worker_id=view.worker_id,
        labels=view.labels,
        annotations=view.annotations,
        import_key=view.import_key,
        measurement_count=view.measurement_count,
        continue_from=view.continue_from or 0,
        measurements=view.message.measurements,
    )
    derived = view.message.derived_parameters
    _parameters(wire.parameters, {name: value for name, value in view.params.items() if name not in derived})
    _parameters(wire.derived_parameters, {name: value for name, value in view.params.items() if name in derived})
    _metrics(wire.metrics, view.metrics)
    for name, error in view.standard_errors.items():
        wire.metrics[name].standard_error = error
    for amendment in view.amendments:
        former = wire.amendments.add(previous_state=_state(amendment.previous_state), reason=amendment.reason)
        _metrics(former.previous_metrics, amendment.previous_metrics)
    for late in view.superseded_results:
        _metrics(wire.superseded_results.add(state=_state(late.state)).metrics, late.metrics)
    return wire


def _state(state: asktell.TrialState) -> trial_pb2.TrialState.ValueType:
    return trial_pb2.TrialState.Value(f"TRIAL_STATE_{state}")


def _measurement(measurement: asktell.Measurement) -> trial_pb2.Measurement:
    wire = trial_pb2.Measurement(step=measurement.step)
    _metrics(wire.metrics, measurement.metrics)
    return wire


def _metrics(wire: Any, metrics: Mapping[str, float]) -> None:
    for name, value in metrics.items():
        wire[name].value = value


def _parameters(wire: Any, parameters: Mapping[str, asktell.ParameterValue]) -> None:
    for name, value in parameters.items():
        wire[name].CopyFrom(_value(value))


def _value(value: asktell.ParameterValue) -> search_space_pb2.ParameterValue:
    if isinstance(value, bool):  # before int, which every bool is too
        return search_space_pb2.ParameterValue(bool_value=value)
    if isinstance(value, int):
        return search_space_pb2.ParameterValue(int_value=value)
    if isinstance(value, float):
        return search_space_pb2.ParameterValue(double_value=value)
    return search_space_pb2.ParameterValue(string_value=value)
