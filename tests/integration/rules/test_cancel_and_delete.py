"""Calling trials off, removing them, and changing what is attached to them."""

from __future__ import annotations

import pytest

from asktell.v1 import trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, algorithm, code_and_reason, refused

ILLEGAL = ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")


def _cancel(study: StudyCalls, trial: trial_pb2.Trial, **fields: str) -> trial_pb2.Trial:
    return study.rpc.trials.CancelTrial(trial_service_pb2.CancelTrialRequest(name=trial.name, **fields))


def _delete(study: StudyCalls, trial: trial_pb2.Trial) -> None:
    study.rpc.trials.DeleteTrial(trial_service_pb2.DeleteTrialRequest(name=trial.name))


def test_the_worker_of_a_cancelled_trial_hears_of_it_at_its_next_report(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    cancelled = _cancel(study, trial, reason="not needed")
    assert (cancelled.state, cancelled.reason) == (trial_pb2.TRIAL_STATE_CANCELLED, "not needed")
    answer = study.report(trial, 0.5)
    assert (answer.should_stop, answer.lease_valid) == (True, False)
    assert "CANCELLED" in answer.stop_reason


def test_cancelling_twice_is_ok_and_changes_nothing(new_study: NewStudy) -> None:
    study = new_study()
    cancelled = _cancel(study, study.ask_one(), reason="first")
    before = study.get().cursor
    assert _cancel(study, cancelled, reason="second") == cancelled
    assert study.get().cursor == before


def test_a_cancelled_trial_in_the_queue_is_not_handed_out(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("manual"))
    first, second = study.enqueue({"x": 0.1}, {"x": 0.2})
    _cancel(study, first)
    assert [trial.number for trial in study.ask(5)] == [second.number]


def test_a_result_cannot_be_cancelled(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    study.tell(trial, 0.5)
    assert code_and_reason(lambda: _cancel(study, trial)) == ILLEGAL


def test_a_running_trial_cannot_be_deleted(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    what = refused(lambda: _delete(study, trial))
    assert (what.code.name, what.reason) == ILLEGAL
    assert "cancel it first" in what.message
    _cancel(study, trial)
    _delete(study, trial)


def test_a_deleted_trial_is_gone_from_every_answer_and_its_number_is_not_used_again(
    rpc: Rpc, new_study: NewStudy
) -> None:
    study = new_study()
    best, other = study.ask(2)
    study.tell(best, 0.1)
    study.tell(other, 0.2)
    _delete(study, best)
    assert code_and_reason(lambda: study.trial(best.number)) == ("NOT_FOUND", "TRIAL_NOT_FOUND")
    assert code_and_reason(lambda: study.tell(best, 0.1)) == ("NOT_FOUND", "TRIAL_NOT_FOUND")
    assert code_and_reason(lambda: study.report(best)) == ("NOT_FOUND", "TRIAL_NOT_FOUND")
    assert code_and_reason(lambda: _delete(study, best)) == ("NOT_FOUND", "TRIAL_NOT_FOUND")
    assert [trial.number for trial in study.list_trials()] == [other.number]
    listed = rpc.trials.ListBestTrials(trial_service_pb2.ListBestTrialsRequest(parent=study.name))
    assert [trial.number for trial in listed.trials] == [other.number]
    assert study.get().trial_counts.succeeded == 1
    assert study.ask_one().number == 3


def test_the_last_number_is_not_used_again_either(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("manual"))
    (trial,) = study.enqueue({"x": 0.5})
    _delete(study, trial)
    assert [trial.number for trial in study.enqueue({"x": 0.5})] == [2]


def test_a_deleted_trial_leaves_a_tombstone_in_the_log(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    study.tell(trial, 0.5)
    before = study.get().cursor
    _delete(study, trial)
    with study.watch(before) as watch:
        (change,) = watch.take(1)
    assert change.deleted_trial.name == trial.name
    assert change.cursor == study.get().cursor


@pytest.mark.parametrize("state", ["running", "told"])
def test_labels_and_annotations_can_be_changed_at_any_time(rpc: Rpc, new_study: NewStudy, state: str) -> None:
    study = new_study()
    trial = study.ask_one()
    if state == "told":
        study.tell(trial, 0.5)

    def update(*paths: str, **fields: dict[str, str]) -> trial_pb2.Trial:
        request = trial_service_pb2.UpdateTrialRequest(trial=trial_pb2.Trial(name=trial.name, **fields))  # type: ignore[arg-type]
        request.update_mask.paths.extend(paths)
        return rpc.trials.UpdateTrial(request)

    assert dict(update("labels", labels={"a": "1", "b": "2"}).labels) == {"a": "1", "b": "2"}
    changed = update("labels.a", "annotations", labels={"a": "9"}, annotations={"run": "x" * 60_000})
    assert dict(changed.labels) == {"a": "9", "b": "2"}
    assert dict(update("labels.a").labels) == {"b": "2"}
    read = study.trial(trial.number)
    assert (dict(read.labels), len(read.annotations["run"])) == ({"b": "2"}, 60_000)
    if state == "running":
        assert study.report(trial).lease_valid, "the lease is untouched"


def test_trials_are_listed_by_state_worker_and_label(new_study: NewStudy) -> None:
    study = new_study()
    for trial in study.ask(4, worker_id="a"):
        if trial.number % 2:
            study.tell(trial, 0.5)
    study.ask(3, worker_id="b")

    def listed(**conditions: object) -> list[int]:
        where = trial_service_pb2.TrialFilter(**conditions)  # type: ignore[arg-type]
        return [trial.number for trial in study.list_trials(filter=where, page_size=2)]

    assert listed() == [1, 2, 3, 4, 5, 6, 7]
    assert listed(states=[trial_pb2.TRIAL_STATE_SUCCEEDED]) == [1, 3]
    assert listed(worker_id="b") == [5, 6, 7]
    assert listed(worker_id="a", states=[trial_pb2.TRIAL_STATE_RUNNING]) == [2, 4]
    assert listed(labels={"no": "such"}) == []
