"""Trials, results and everything around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableSequence, Sequence
from datetime import datetime

from asktell.v1 import trial_pb2, trial_service_pb2
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import UNNAMED_METRIC, Origin, Prediction, Result, TrialState
from asktell_server.pace import in_pieces_numbered
from asktell_server.protocols.asktell_v1.conversion.counts import MAX_PATHS, annotations_from, few, labels_from
from asktell_server.protocols.asktell_v1.conversion.metrics import measurement_to, metrics_from, metrics_to
from asktell_server.protocols.asktell_v1.conversion.spaces import configuration_from, configuration_to
from asktell_server.protocols.asktell_v1.conversion.times import time_from, time_to
from asktell_server.protocols.asktell_v1.paging import append_messages
from asktell_server.service.intake import NewTrial, PastTrial
from asktell_server.service.judging import ModelBest
from asktell_server.service.reading import BestTrials, TrialFilter
from asktell_server.service.trials import MapUpdate, TrialUpdate
from asktell_server.store.protocol import TrialRecord

STATES_OUT: Mapping[TrialState, trial_pb2.TrialState.ValueType] = {
    state: trial_pb2.TrialState.Value(f"TRIAL_STATE_{state.value}") for state in TrialState
}
STATES: Mapping[int, TrialState] = {number: state for state, number in STATES_OUT.items()}
ORIGINS_OUT: Mapping[Origin, trial_pb2.Origin.ValueType] = {
    origin: trial_pb2.Origin.Value(f"ORIGIN_{origin.value}") for origin in Origin
}
_OUTCOMES: Mapping[int, TrialState] = {
    trial_service_pb2.TELL_OUTCOME_UNSPECIFIED: TrialState.SUCCEEDED,
    trial_service_pb2.TELL_OUTCOME_SUCCEEDED: TrialState.SUCCEEDED,
    trial_service_pb2.TELL_OUTCOME_STOPPED: TrialState.STOPPED,
    trial_service_pb2.TELL_OUTCOME_FAILED: TrialState.FAILED,
    trial_service_pb2.TELL_OUTCOME_INFEASIBLE: TrialState.INFEASIBLE,
}


_MAX_STATES = 100
_READ: Mapping[str, Callable[[Mapping[str, str], str], dict[str, str]]] = {
    "labels": labels_from,
    "annotations": annotations_from,
}


def result_from(outcome: int, metrics: Mapping[str, trial_pb2.Metric], reason: str, where: str = "") -> Result:
    """Reads a result. Raises InvalidArgument for an unknown outcome."""
    if outcome not in _OUTCOMES:
        raise InvalidArgument(f"{where}outcome", f"must be a TellOutcome, got {outcome}")
    return Result(state=_OUTCOMES[outcome], metrics=metrics_from(metrics, f"{where}metrics"), reason=reason)


async def new_trials_from(messages: Sequence[trial_service_pb2.EnqueuedTrial]) -> list[NewTrial]:
    """Reads configurations to enqueue."""

    def read(index: int, message: trial_service_pb2.EnqueuedTrial) -> NewTrial:
        where = f"trials[{index}]."
        return NewTrial(
            parameters=configuration_from(message.parameters, f"{where}parameters"),
            labels=labels_from(message.labels, f"{where}labels"),
            annotations=annotations_from(message.annotations, f"{where}annotations"),
            continue_from=message.continue_from,
        )

    return await in_pieces_numbered(read, messages)


async def past_trials_from(messages: Sequence[trial_service_pb2.ImportedTrial]) -> list[PastTrial]:
    """Reads past results."""

    def read(index: int, message: trial_service_pb2.ImportedTrial) -> PastTrial:
        where = f"trials[{index}]."
        return PastTrial(
            import_key=message.import_key,
            parameters=configuration_from(message.parameters, f"{where}parameters"),
            result=result_from(message.outcome, message.metrics, message.reason, where),
            start_time=_optional_time(message, "start_time", where),
            finish_time=_optional_time(message, "finish_time", where),
            labels=labels_from(message.labels, f"{where}labels"),
            annotations=annotations_from(message.annotations, f"{where}annotations"),
            note=message.note,
        )

    return await in_pieces_numbered(read, messages)


def _optional_time(message: trial_service_pb2.ImportedTrial, field: str, where: str) -> datetime | None:
    return time_from(getattr(message, field), f"{where}{field}") if message.HasField(field) else None  # type: ignore[arg-type]


def filter_from(message: trial_service_pb2.TrialFilter) -> TrialFilter:
    """Reads a filter. Raises InvalidArgument for an unknown state."""
    states = set()
    for index, number in enumerate(few(message.states, _MAX_STATES, "filter.states", "states")):
        if number not in STATES:
            raise InvalidArgument(f"filter.states[{index}]", f"must be a TrialState, got {number}")
        states.add(STATES[number])
    return TrialFilter(
        states=frozenset(states), worker_id=message.worker_id, labels=labels_from(message.labels, "filter.labels")
    )


def update_from(message: trial_pb2.Trial, paths: Sequence[str]) -> TrialUpdate:
    """Reads the fields of an update mask; a path like `labels.host` changes (or, when unset, removes) one key.

    Raises:
        InvalidArgument: the mask is empty, or a path is none of a field that may change.
    """
    if not paths:
        raise InvalidArgument("update_mask", "is required: name the fields to change")
    updates = {"labels": MapUpdate(), "annotations": MapUpdate()}
    note: str | None = None
    for index, path in enumerate(few(paths, MAX_PATHS, "update_mask.paths", "paths")):
        if path == "note":
            note = message.note
            continue
        field, dot, key = path.partition(".")
        if field not in updates or (dot and not key):
            raise InvalidArgument(
                f"update_mask.paths[{index}]",
                f"must be labels, annotations or one key of them, or note, got {path[:128]!r}",
            )
        given: Mapping[str, str] = message.labels if field == "labels" else message.annotations
        before = updates[field]
        updates[field] = (
            MapUpdate(replacement=before.replacement, keys={**before.keys, key: given.get(key)})
            if key
            else MapUpdate(replacement=_READ[field](given, f"trial.{field}"), keys=before.keys)
        )
    return TrialUpdate(**updates, note=note)


async def best_to(study: StudyName, best: BestTrials) -> trial_service_pb2.ListBestTrialsResponse:
    """Writes the best trials."""
    tradeoff = best.tradeoff
    answer = trial_service_pb2.ListBestTrialsResponse(
        best_by_model=_best_by_model_to(study, best.model, best.goals) if best.model else None,
        infeasible=not best.feasible,
        hypervolume=tradeoff.hypervolume,
        reference_values=tradeoff.reference,
        hypervolume_history=[
            trial_service_pb2.HypervolumePoint(
                trial_number=point.number, ended_count=point.ended, hypervolume=point.hypervolume
            )
            for point in tradeoff.history
        ],
    )
    await write_trials(study, best.records, answer.trials, goals=best.goals)
    return answer


def _best_by_model_to(study: StudyName, best: ModelBest, goals: Goals) -> trial_service_pb2.BestByModel:
    return trial_service_pb2.BestByModel(
        trial=trial_to(study, best.record, goals=goals),
        mean=best.mean,
        standard_deviation=best.standard_deviation,
        noise=best.noise,
    )


async def write_trials(
    study: StudyName,
    records: Sequence[TrialRecord],
    to: MutableSequence[trial_pb2.Trial],
    *,
    goals: Goals | None = None,
) -> None:
    """Writes trials into an answer; see `trial_to`."""
    await append_messages(records, lambda record: trial_to(study, record, goals=goals), to)


async def write_measurements(measurements: Sequence[Measurement], to: MutableSequence[trial_pb2.Measurement]) -> None:
    """Writes measurements into a trial."""
    await append_messages(measurements, measurement_to, to)


def trial_to(study: StudyName, record: TrialRecord, *, goals: Goals | None = None) -> trial_pb2.Trial:
    """Writes a trial, without its measurements; `goals` say by how much it misses the outcome constraints."""
    trial = record.trial
    message = trial_pb2.Trial(
        name=str(study.trial(trial.number)),
        number=trial.number,
        state=STATES_OUT[trial.state],
        parameters=configuration_to(trial.parameters),
        derived_parameters=configuration_to(trial.derived),
        origin=ORIGINS_OUT[trial.origin],
        metrics=metrics_to(trial.metrics),
        reason=trial.reason,
        attempt=trial.attempt,
        lease_id=trial.result_lease_id or trial.lease_id,
        worker_id=trial.worker_id,
        lease_expire_time=time_to(record.lease_expire_time),
        create_time=time_to(trial.create_time),
        start_time=time_to(trial.start_time),
        finish_time=time_to(trial.finish_time),
        labels=trial.labels,
        annotations=trial.annotations,
        note=trial.note,
        data_epoch=trial.data_epoch,
        remeasures=trial.remeasures or 0,
        prediction=prediction_to(trial.prediction),
        import_key=trial.import_key,
        continue_from=trial.continue_from,
        measurement_count=record.measurement_count,
        violation=None if goals is None else goals.violation(trial.result),
        expected_metrics=metrics_to(trial.expected_metrics),
    )
    for amendment in trial.amendments:
        message.amendments.add(
            amend_time=time_to(amendment.amend_time),
            previous_state=STATES_OUT[amendment.previous.state],
            previous_metrics=metrics_to(amendment.previous.metrics),
            reason=amendment.reason,
            previous_reason=amendment.previous.reason,
        )
    for late in trial.superseded_results:
        message.superseded_results.add(
            tell_time=time_to(late.tell_time),
            lease_id=late.lease_id,
            state=STATES_OUT[late.result.state],
            metrics=metrics_to(late.result.metrics),
            reason=late.result.reason,
        )
    return message


def prediction_to(prediction: Prediction | None) -> trial_pb2.Prediction | None:
    """Writes a prediction; None stays None."""
    if prediction is None:
        return None
    return trial_pb2.Prediction(
        mean=prediction.first_belief.mean,
        standard_deviation=prediction.first_belief.standard_deviation,
        acquisition_value=prediction.acquisition_value,
        beliefs={
            name: trial_pb2.Belief(mean=belief.mean, standard_deviation=belief.standard_deviation)
            for name, belief in prediction.beliefs.items()
            if name != UNNAMED_METRIC
        },
    )
