"""Rule 2: a told result is never lost and never changes; corrections go through AmendTrial, which leaves a trace.

That it survives kill -9 of the server and of the store is proven in tests/integration/restart.
"""

from __future__ import annotations

import json
import sys

import grpc
import pytest

from asktell.v1 import trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, code_and_reason, metrics, refused, tell_request

CONFLICT = ("ALREADY_EXISTS", "RESULT_CONFLICT")
ILLEGAL = ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")


def _amend(rpc: Rpc, trial: trial_pb2.Trial, loss: float, reason: str = "typo") -> trial_pb2.Trial:
    return rpc.trials.AmendTrial(
        trial_service_pb2.AmendTrialRequest(name=trial.name, metrics=metrics(loss), reason=reason)
    )


@pytest.mark.parametrize(
    "value", [0.0, 0.1 + 0.2, -1e-300, 5e-324, sys.float_info.max, 1 / 3, 123456789.123456789], ids=str
)
def test_a_result_is_kept_to_the_last_bit(new_study: NewStudy, value: float) -> None:
    study = new_study()
    trial = study.ask_one()
    told = study.tell(trial, value, metrics={**metrics(value), **metrics(accuracy=value / 3)}).trial
    for read in (told, study.trial(trial.number), study.list_trials()[0]):
        assert read.metrics["loss"].value == value
        assert read.metrics["accuracy"].value == value / 3
        assert read.parameters == trial.parameters


def test_the_same_result_again_is_ok(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    first = study.tell(trial, 0.5)
    after = study.get().cursor
    assert study.tell(trial, 0.5).trial == first.trial
    assert study.tell(trial, 0.5, lease_id="").trial == first.trial
    assert study.get().cursor == after


def test_another_result_is_refused_with_the_stored_one(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    stored = study.tell(trial, 0.5).trial
    for other in (
        tell_request(trial, 0.6),
        tell_request(trial, 0.5, outcome=trial_service_pb2.TELL_OUTCOME_STOPPED),
        tell_request(trial, outcome=trial_service_pb2.TELL_OUTCOME_FAILED),
        tell_request(trial, 0.6, lease_id="", request_id="r"),
    ):
        what = refused(lambda other=other: study.rpc.trials.Tell(other))  # type: ignore[misc]
        assert (what.code.name, what.reason) == CONFLICT
        assert what.metadata["name"] == trial.name
        assert what.metadata["state"] == "SUCCEEDED"
        assert json.loads(what.metadata["metrics"]) == {"loss": 0.5}
    assert study.trial(trial.number) == stored


def test_of_many_different_results_at_once_exactly_one_is_taken(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()

    calls = [rpc.trials.Tell.future(tell_request(trial, float(index))) for index in range(16)]
    taken = [call.result().trial.metrics["loss"].value for call in calls if call.code() is grpc.StatusCode.OK]
    assert {call.code() for call in calls} == {grpc.StatusCode.OK, grpc.StatusCode.ALREADY_EXISTS}
    assert len(taken) == 1
    assert study.trial(trial.number).metrics["loss"].value == taken[0]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (trial_service_pb2.TELL_OUTCOME_UNSPECIFIED, trial_pb2.TRIAL_STATE_SUCCEEDED),
        (trial_service_pb2.TELL_OUTCOME_SUCCEEDED, trial_pb2.TRIAL_STATE_SUCCEEDED),
        (trial_service_pb2.TELL_OUTCOME_STOPPED, trial_pb2.TRIAL_STATE_STOPPED),
        (trial_service_pb2.TELL_OUTCOME_FAILED, trial_pb2.TRIAL_STATE_FAILED),
        (trial_service_pb2.TELL_OUTCOME_INFEASIBLE, trial_pb2.TRIAL_STATE_INFEASIBLE),
    ],
)
def test_each_outcome_is_a_result(
    new_study: NewStudy,
    outcome: trial_service_pb2.TellOutcome.ValueType,
    state: trial_pb2.TrialState.ValueType,
) -> None:
    study = new_study()
    trial = study.ask_one()
    told = study.tell(trial, 0.5, outcome=outcome, reason="why").trial
    assert (told.state, told.reason) == (state, "why")
    assert told.HasField("finish_time")
    assert study.tell(trial, 0.5, outcome=outcome, reason="why").trial == told
    assert code_and_reason(lambda: study.tell(trial, 0.4, outcome=outcome, reason="why")) == CONFLICT


def test_an_amendment_leaves_a_trace(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    study.tell(trial, 0.5)
    amended = _amend(rpc, trial, 0.6, "measured on the wrong split")
    assert amended.metrics["loss"].value == 0.6
    (former,) = amended.amendments
    assert former.previous_metrics["loss"].value == 0.5
    assert (former.previous_state, former.reason) == (trial_pb2.TRIAL_STATE_SUCCEEDED, "measured on the wrong split")
    assert former.amend_time.ToDatetime() >= amended.finish_time.ToDatetime()
    assert study.trial(trial.number) == amended


def test_a_retry_of_the_first_tell_after_a_correction_is_no_conflict(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    study.tell(trial, 0.5)
    amended = _amend(rpc, trial, 0.6)
    assert study.tell(trial, 0.5).trial == amended
    assert code_and_reason(lambda: study.tell(trial, 0.7)) == CONFLICT


def test_only_results_can_be_corrected(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    running = study.ask_one()
    assert code_and_reason(lambda: _amend(rpc, running, 0.5)) == ILLEGAL
    rpc.trials.CancelTrial(trial_service_pb2.CancelTrialRequest(name=running.name))
    assert code_and_reason(lambda: _amend(rpc, running, 0.5)) == ILLEGAL


def test_a_cancelled_trial_takes_no_result(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    rpc.trials.CancelTrial(trial_service_pb2.CancelTrialRequest(name=trial.name))
    what = refused(lambda: study.tell(trial, 0.5))
    assert (what.code.name, what.reason) == ILLEGAL
    assert what.metadata == {"name": trial.name, "state": "CANCELLED"}


def test_a_correction_moves_the_best(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    one, other = study.ask(2)
    study.tell(one, 0.1)
    study.tell(other, 0.2)
    request = trial_service_pb2.ListBestTrialsRequest(parent=study.name)
    assert rpc.trials.ListBestTrials(request).trials[0].name == one.name
    _amend(rpc, one, 0.9)
    assert rpc.trials.ListBestTrials(request).trials[0].name == other.name


def test_a_stopped_trial_takes_the_last_report(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    for step, loss in enumerate([0.9, 0.7, 0.8]):
        study.report(trial, loss, step=step)
    told = study.tell(trial, outcome=trial_service_pb2.TELL_OUTCOME_STOPPED).trial
    assert told.metrics["loss"].value == 0.8
    read = study.trial(trial.number)
    assert [(m.step, m.metrics["loss"].value) for m in read.measurements] == [(0, 0.9), (1, 0.7), (2, 0.8)]
