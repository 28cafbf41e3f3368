"""Conversion: what goes to the wire and back is the same; what cannot be read is refused by field."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from asktell.v1 import search_space_pb2, study_pb2, suggestion_service_pb2, trial_pb2, trial_service_pb2
from asktell_server.domain.algorithm import ALGORITHMS, Algorithm, Auto, Bayesian, Grid
from asktell_server.domain.early_stopping import AutoStopping, MedianStopping
from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.domain.metrics import Measurement, Metric, Metrics
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.domain.study import Study, StudyState
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.engine.observations import Outcome
from asktell_server.protocols.asktell_v1.conversion.changes import change_to
from asktell_server.protocols.asktell_v1.conversion.metrics import metrics_from, metrics_to
from asktell_server.protocols.asktell_v1.conversion.spaces import (
    algorithm_from,
    algorithm_to,
    configuration_from,
    configuration_to,
    space_from,
    space_to,
)
from asktell_server.protocols.asktell_v1.conversion.studies import study_from, study_to, wanted_from
from asktell_server.protocols.asktell_v1.conversion.studies import update_from as study_update_from
from asktell_server.protocols.asktell_v1.conversion.suggestions import request_from
from asktell_server.protocols.asktell_v1.conversion.times import seconds_from, seconds_to, time_from, time_to
from asktell_server.protocols.asktell_v1.conversion.trials import (
    STATES,
    filter_from,
    result_from,
    trial_to,
)
from asktell_server.protocols.asktell_v1.conversion.trials import update_from as trial_update_from
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.service.suggesting import task_of
from asktell_server.store.protocol import (
    LogEntry,
    MeasurementReported,
    StudyChanged,
    StudyHead,
    TrialChanged,
    TrialDeleted,
    TrialRecord,
)
from tests.support import strategies
from tests.support.builders import NAME, NOW, a_study, a_trial, loss

M = TypeVar("M", bound=Message)


def _wire(message: M) -> M:
    """The message as the other side reads it."""
    return type(message).FromString(message.SerializeToString())


def _head(study: Study, **changes: Any) -> StudyHead:
    head = StudyHead(study=study, epoch="e1", sequence=9, last_number=4, counts={}, charged=0)
    return dataclasses.replace(head, **changes)


@given(strategies.spaces())
def test_a_space_survives_the_wire(space: SearchSpace) -> None:
    assert space_from(_wire(space_to(space)), "space") == space


@given(strategies.spaces().flatmap(strategies.configurations))
def test_a_configuration_survives_the_wire(configuration: Configuration) -> None:
    message = suggestion_service_pb2.Configuration(parameters=configuration_to(configuration))
    read = configuration_from(_wire(message).parameters, "parameters")
    assert {name: (value, type(value)) for name, value in read.items()} == {
        name: (value, type(value)) for name, value in configuration.items()
    }


@given(strategies.metrics)
def test_metrics_survive_the_wire(metrics: Metrics) -> None:
    assert metrics_from(_wire(trial_pb2.Trial(metrics=metrics_to(metrics))).metrics, "metrics") == metrics


@given(strategies.spaces().flatmap(strategies.algorithms))
def test_an_algorithm_survives_the_wire(algorithm: Algorithm) -> None:
    assert algorithm_from(_wire(algorithm_to(algorithm))) == algorithm


def test_no_algorithm_means_auto() -> None:
    assert algorithm_from(study_pb2.Algorithm()) == Auto()


def test_settings_left_unset_have_their_defaults() -> None:
    assert algorithm_from(study_pb2.Algorithm(grid=study_pb2.GridAlgorithm())) == Grid()
    assert algorithm_from(study_pb2.Algorithm(bayesian=study_pb2.BayesianAlgorithm())) == Bayesian()


def test_the_contract_has_the_algorithms_of_the_domain() -> None:
    kinds = study_pb2.Algorithm.DESCRIPTOR.oneofs_by_name["kind"].fields
    assert {kind.name for kind in kinds} == set(ALGORITHMS)


@given(strategies.studies())
def test_a_study_survives_the_wire(study: Study) -> None:
    message = _wire(study_to(_head(study)))
    assert study_from(message, name=study.name, now=study.create_time) == study
    assert message.name == str(study.name)
    assert message.state == study_pb2.STUDY_STATE_ACTIVE
    assert message.etag
    assert message.cursor == "e1:9"


def test_a_seed_is_left_to_the_server_where_there_is_none() -> None:
    message = study_to(_head(a_study(max_staleness=3)))
    message.ClearField("seed")
    assert wanted_from(message, name=NAME, now=NOW).unset == {"seed"}
    message.seed = 0
    wanted = wanted_from(message, name=NAME, now=NOW)
    assert (wanted.study.seed, wanted.unset) == (0, frozenset())


def test_what_only_the_server_writes_is_ignored() -> None:
    message = study_to(_head(a_study(state=StudyState.FINISHED, finish_time=NOW), counts={TrialState.RUNNING: 3}))
    study = study_from(message, name=NAME, now=NOW)
    assert (study.state, study.finish_reason, study.finish_time, study.revision) == (StudyState.ACTIVE, None, None, 0)


def test_counts_of_every_state_are_written() -> None:
    counts = {state: index + 1 for index, state in enumerate(TrialState)}
    message = study_to(_head(a_study(), counts=counts)).trial_counts
    assert {state: getattr(message, state.value.lower()) for state in TrialState} == counts


def test_a_huge_space_has_no_count() -> None:
    assert not study_to(_head(a_study())).HasField("configuration_count")


def test_the_etag_follows_epoch_and_revision() -> None:
    etags = {
        study_to(_head(a_study(revision=revision), epoch=epoch)).etag for revision in (1, 2) for epoch in ("e1", "e2")
    }
    assert len(etags) == 4


@given(strategies.trials, strategies.study_names)
def test_a_trial_survives_the_wire(trial: Trial, study: StudyName) -> None:
    message = _wire(trial_to(study, TrialRecord(trial=trial, measurement_count=5)))
    assert message.name == str(study.trial(trial.number))
    assert STATES[message.state] is trial.state
    assert configuration_from(message.parameters, "parameters") == trial.parameters
    assert metrics_from(message.metrics, "metrics") == trial.metrics
    assert (message.attempt, message.lease_id, message.worker_id) == (trial.attempt, trial.lease_id, trial.worker_id)
    assert (message.reason, message.import_key, message.measurement_count) == (trial.reason, trial.import_key, 5)
    assert (dict(message.labels), dict(message.annotations)) == (trial.labels, trial.annotations)
    for field in ("create_time", "start_time", "finish_time"):
        time = time_from(getattr(message, field), field) if message.HasField(field) else None
        assert time == getattr(trial, field)
    assert message.HasField("prediction") == (trial.prediction is not None)
    if trial.prediction is not None:
        first = next(iter(trial.prediction.beliefs.values()))
        assert (message.prediction.mean, message.prediction.standard_deviation) == (
            first.mean,
            first.standard_deviation,
        )
        assert message.prediction.acquisition_value == trial.prediction.acquisition_value
    assert [
        (
            Result(
                state=STATES[former.previous_state],
                metrics=metrics_from(former.previous_metrics, "metrics"),
                reason=former.previous_reason,
            ),
            former.reason,
        )
        for former in message.amendments
    ] == [(former.previous, former.reason) for former in trial.amendments]
    assert [
        (
            late.lease_id,
            Result(state=STATES[late.state], metrics=metrics_from(late.metrics, "metrics"), reason=late.reason),
        )
        for late in message.superseded_results
    ] == [(late.lease_id, late.result) for late in trial.superseded_results]


def test_a_trial_shows_the_lease_whose_result_was_taken() -> None:
    trial = a_trial(lease_id="second", result_lease_id="first")
    assert trial_to(NAME, TrialRecord(trial=trial)).lease_id == "first"


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        (LogEntry(sequence=3, change=StudyChanged(study=a_study())), "study"),
        (LogEntry(sequence=3, change=TrialChanged(trial=a_trial())), "trial"),
        (LogEntry(sequence=3, change=TrialDeleted(number=1)), "deleted_trial"),
        (
            LogEntry(
                sequence=3,
                change=MeasurementReported(
                    number=1, index=0, measurement=Measurement(step=4, metrics=loss(0.5), report_time=NOW)
                ),
            ),
            "reported",
        ),
    ],
)
def test_each_change_has_its_message_and_cursor(entry: LogEntry, kind: str) -> None:
    message = _wire(change_to(_head(a_study()), entry))
    assert message.WhichOneof("change") == kind
    assert message.cursor == "e1:3"
    name = getattr(message, kind).name
    assert name == (str(NAME) if kind == "study" else f"{NAME}/trials/1")


@given(strategies.times)
def test_times_survive_the_wire(time: datetime) -> None:
    message = time_to(time)
    assert message is not None
    assert time_from(_wire(message), "time") == time


@given(st.floats(0, 1e9))
def test_durations_survive_the_wire(seconds: float) -> None:
    assert seconds_from(_wire(seconds_to(seconds)), "duration") == pytest.approx(seconds, abs=1e-9, rel=1e-12)


def _study(**fields: Any) -> study_pb2.Study:
    message = study_to(_head(a_study()))
    for name, value in fields.items():
        message.ClearField(name)  # type: ignore[arg-type]
        message.MergeFrom(study_pb2.Study(**{name: value}))
    return message


def _parameter(**fields: Any) -> study_pb2.Study:
    parameter = search_space_pb2.Parameter(name="x", **fields)
    return _study(search_space=search_space_pb2.SearchSpace(parameters=[parameter]))


def _objective(**fields: Any) -> study_pb2.Study:
    return _study(objectives=[study_pb2.Objective(metric="loss", **{"goal": study_pb2.GOAL_MINIMIZE, **fields})])


VALUE = search_space_pb2.ParameterValue
UNIT = search_space_pb2.FloatDomain(min=0, max=1)
X = "study.search_space.parameters[0]"


@pytest.mark.parametrize(
    ("message", "kind", "field"),
    [
        (_parameter(), InvalidArgument, f"{X}.domain"),
        (_parameter(float_domain=UNIT, default_value=VALUE()), InvalidArgument, f"{X}.default_value"),
        (
            _parameter(float_domain=search_space_pb2.FloatDomain(min=0, max=1, scale=9)),  # type: ignore[arg-type]
            InvalidArgument,
            f"{X}.float_domain.scale",
        ),
        (
            _parameter(int_domain=search_space_pb2.IntDomain(min=0, max=1, scale=-1)),  # type: ignore[arg-type]
            InvalidArgument,
            f"{X}.int_domain.scale",
        ),
        (
            _parameter(discrete_domain=search_space_pb2.DiscreteDomain(values=[VALUE(int_value=1), VALUE()])),
            InvalidArgument,
            f"{X}.discrete_domain.values[1]",
        ),
        (
            _parameter(discrete_domain=search_space_pb2.DiscreteDomain(values=[VALUE(bool_value=True)])),
            InvalidArgument,
            f"{X}.discrete_domain.values[0]",
        ),
        (
            _parameter(discrete_domain=search_space_pb2.DiscreteDomain(values=[VALUE(string_value="4")])),
            InvalidArgument,
            f"{X}.discrete_domain.values[0]",
        ),
        (
            _parameter(float_domain=UNIT, condition=search_space_pb2.Condition()),
            InvalidArgument,
            f"{X}.condition.parent",
        ),
        (
            _parameter(float_domain=UNIT, condition=search_space_pb2.Condition(parent="y", values=[VALUE()])),
            InvalidArgument,
            f"{X}.condition.values[0]",
        ),
        (_objective(goal=study_pb2.GOAL_UNSPECIFIED), InvalidArgument, "study.objectives[0].goal"),
        (_objective(goal=7), InvalidArgument, "study.objectives[0].goal"),
        (_objective(split=7), InvalidArgument, "study.objectives[0].split"),
        (
            _study(tracked_metrics=[study_pb2.TrackedMetric(metric="a", split=9)]),  # type: ignore[arg-type]
            InvalidArgument,
            "study.tracked_metrics[0].split",
        ),
        (
            _study(outcome_constraints=[study_pb2.OutcomeConstraint(metric="a")]),
            InvalidArgument,
            "study.outcome_constraints[0]",
        ),
        (
            _study(early_stopping=study_pb2.EarlyStopping(interval_steps=2, patience=study_pb2.PatienceStopping())),
            InvalidArgument,
            "study.early_stopping.interval_steps",
        ),
        (
            _study(stopping_rules=study_pb2.StoppingRules(deadline=Timestamp(seconds=10**12))),
            InvalidArgument,
            "study.stopping_rules.deadline",
        ),
        (
            _study(stopping_rules=study_pb2.StoppingRules(deadline=Timestamp(nanos=-1))),
            InvalidArgument,
            "study.stopping_rules.deadline",
        ),
        (
            _study(stopping_rules=study_pb2.StoppingRules(target_values=dict.fromkeys(map(str, range(7)), 0.0))),
            InvalidArgument,
            "study.stopping_rules.target_values",
        ),
        (
            _study(lease_policy=study_pb2.LeasePolicy(lease_duration=Duration(seconds=1, nanos=-1))),
            InvalidArgument,
            "study.lease_policy.lease_duration",
        ),
        (
            _study(lease_policy=study_pb2.LeasePolicy(lease_duration=Duration(nanos=2_000_000_000))),
            InvalidArgument,
            "study.lease_policy.lease_duration",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_by_field(
    message: study_pb2.Study, kind: type[AsktellError], field: str
) -> None:
    with pytest.raises(kind) as caught:
        study_from(_wire(message), name=NAME, now=NOW)
    assert caught.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("read", "field"),
    [
        (lambda: result_from(9, {}, ""), "outcome"),
        (lambda: result_from(-1, {}, "", "trials[2]."), "trials[2].outcome"),
        (lambda: filter_from(trial_service_pb2.TrialFilter(states=[1, 99])), "filter.states[1]"),  # type: ignore[list-item]
        (lambda: filter_from(trial_service_pb2.TrialFilter(states=[0])), "filter.states[0]"),  # type: ignore[list-item]
        (lambda: configuration_from({"x" * 500: VALUE()}, "parameters"), f"parameters[{'x' * 128}]"),
        (lambda: trial_update_from(trial_pb2.Trial(), []), "update_mask"),
        (lambda: trial_update_from(trial_pb2.Trial(), ["labels", "state"]), "update_mask.paths[1]"),
        (lambda: trial_update_from(trial_pb2.Trial(), ["labels."]), "update_mask.paths[0]"),
        (lambda: trial_update_from(trial_pb2.Trial(), [""]), "update_mask.paths[0]"),
        (lambda: trial_update_from(trial_pb2.Trial(), ["*"]), "update_mask.paths[0]"),
        (lambda: study_update_from(study_pb2.Study(), []), "update_mask"),
        (lambda: study_update_from(study_pb2.Study(), ["*"]), "update_mask.paths[0]"),
        (lambda: study_update_from(study_pb2.Study(), ["search_space"]), "update_mask.paths[0]"),
        (lambda: study_update_from(study_pb2.Study(), ["stopping_rules.nope"]), "update_mask.paths[0]"),
        (lambda: study_update_from(study_pb2.Study(), ["stopping_rules."]), "update_mask.paths[0]"),
        (lambda: study_update_from(study_pb2.Study(), ["labels.host"]), "update_mask.paths[0]"),
        (lambda: study_update_from(study_pb2.Study(), ["state"]), "study.state"),
        (lambda: study_update_from(study_pb2.Study(state=9), ["state"]), "study.state"),  # type: ignore[arg-type]
    ],
)
def test_other_requests_are_refused_by_field(read: Callable[[], object], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read()
    assert caught.value.field == field


def test_a_mask_changes_early_stopping() -> None:
    message = study_pb2.Study(early_stopping=study_pb2.EarlyStopping(median=study_pb2.MedianStopping(min_steps=3)))
    assert study_update_from(message, ["early_stopping"]).changes == {"early_stopping": (MedianStopping(min_steps=3),)}
    assert study_update_from(study_pb2.Study(), ["early_stopping"]).changes == {"early_stopping": ()}
    message.early_stopping.auto.probability = 0.01
    assert study_update_from(message, ["early_stopping"]).changes == {
        "early_stopping": (AutoStopping(probability=0.01),)
    }


def test_a_mask_changes_what_it_names() -> None:
    message = study_pb2.Study(display_name="new", max_running_trials=3, labels={"a": "b"})
    message.stopping_rules.max_trials = 5
    assert study_update_from(message, ["display_name", "stopping_rules.max_trials"]) == StudyUpdate(
        changes={"display_name": "new"}, stopping={"max_trials": 5}
    )
    assert study_update_from(message, ["stopping_rules"]).stopping == {
        "max_trials": 5, "target_value": None, "target_values": {}, "patience_trials": None, "deadline": None,
        "min_expected_gain": None,
    }  # fmt: skip


def test_a_mask_with_a_key_changes_that_key_alone() -> None:
    trial = trial_pb2.Trial(labels={"host": "a", "other": "b"})
    before = {"host": "old", "kept": "x", "gone": "y"}
    assert trial_update_from(trial, ["labels.host", "labels.gone"]).labels.apply(before) == {"host": "a", "kept": "x"}
    assert trial_update_from(trial, ["labels"]).labels.apply(before) == {"host": "a", "other": "b"}
    assert trial_update_from(trial, ["labels"]).annotations.apply(before) == before
    assert trial_update_from(trial, ["labels.a.b"]).labels.keys == {"a.b": None}


def _suggest(**changes: Any) -> suggestion_service_pb2.SuggestRequest:
    request = suggestion_service_pb2.SuggestRequest(**changes)
    request.problem.search_space.CopyFrom(_parameter(float_domain=UNIT).search_space)
    request.problem.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    return request


def _observation(**fields: Any) -> suggestion_service_pb2.Observation:
    return suggestion_service_pb2.Observation(parameters={"x": VALUE(double_value=0.5)}, **fields)


async def test_a_stateless_request_is_read() -> None:
    request = _suggest(
        observations=[_observation(metrics={"loss": trial_pb2.Metric(value=1.5), "other": trial_pb2.Metric(value=2)})],
        pending=[suggestion_service_pb2.Configuration(parameters={"x": VALUE(int_value=1)})],
        seed=3,
        warm_start=b"w",
    )
    task = await task_of(request_from(_wire(request)))
    (observation,) = task.history
    assert (observation.outcome, observation.metrics) == (Outcome.VALUE, (Metric(value=1.5),))
    assert task.pending == [{"x": 1.0}]
    assert (task.count, task.seed, task.warm_start) == (1, 3, b"w")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (trial_pb2.TRIAL_STATE_FAILED, Outcome.FAILED),
        (trial_pb2.TRIAL_STATE_INFEASIBLE, Outcome.INFEASIBLE),
        (trial_pb2.TRIAL_STATE_STOPPED, Outcome.UNKNOWN),
    ],
)
async def test_observations_without_a_value(state: trial_pb2.TrialState.ValueType, outcome: Outcome) -> None:
    (observation,) = (await task_of(request_from(_suggest(observations=[_observation(state=state)])))).history
    assert (observation.outcome, observation.metrics) == (outcome, (None,))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (_suggest(observations=[_observation()]), "observations[0].metrics"),
        (_suggest(observations=[_observation(state=trial_pb2.TRIAL_STATE_RUNNING)]), "observations[0].state"),
        (_suggest(observations=[_observation(state=99)]), "observations[0].state"),
        (
            _suggest(observations=[_observation(metrics={"loss": trial_pb2.Metric(value=math.nan)})]),
            "observations[0].metrics[loss].value",
        ),
        (_suggest(observations=[suggestion_service_pb2.Observation()]), "observations[0].parameters[x]"),
        (_suggest(pending=[suggestion_service_pb2.Configuration()]), "pending[0].parameters[x]"),
        (_suggest(pending=[suggestion_service_pb2.Configuration()] * 1001), "pending"),
        (_suggest(observations=[_observation()] * 20_001), "observations"),
    ],
)
async def test_a_bad_stateless_request_is_refused_by_field(
    request_: suggestion_service_pb2.SuggestRequest, field: str
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await task_of(request_from(request_))
    assert caught.value.field == field
