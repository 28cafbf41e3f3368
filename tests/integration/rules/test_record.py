"""The record of an experiment: annotations that come with a result, and notes on studies and trials."""

from __future__ import annotations

from asktell.v1 import study_pb2, study_service_pb2, trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, code_and_reason, metrics, refused, values

COMMIT = {"run.git_commit": "a" * 40, "run.exit_code": "0"}


def _set_note(study: StudyCalls, trial: trial_pb2.Trial, note: str) -> trial_pb2.Trial:
    request = trial_service_pb2.UpdateTrialRequest(trial=trial_pb2.Trial(name=trial.name, note=note))
    request.update_mask.paths.append("note")
    return study.rpc.trials.UpdateTrial(request)


def test_annotations_come_with_the_result_in_one_change(new_study: NewStudy) -> None:
    study = new_study()
    study.enqueue({"x": 0.5})
    trial = study.ask_one()
    request = trial_service_pb2.UpdateTrialRequest(
        trial=trial_pb2.Trial(name=trial.name, annotations={"mine": "1", "run.exit_code": "?"})
    )
    request.update_mask.paths.append("annotations")
    study.rpc.trials.UpdateTrial(request)
    before = study.get().cursor
    told = study.tell(trial, 0.5, annotations=COMMIT).trial
    assert dict(told.annotations) == {"mine": "1", **COMMIT}
    assert study.trial(trial.number).annotations == told.annotations
    with study.watch(before) as changes:
        (change,) = changes.take(1)
    assert change.trial.metrics["loss"].value == 0.5
    assert change.trial.annotations == told.annotations
    assert change.cursor == study.get().cursor, "the result and its annotations are one change"


def test_failures_and_stops_bring_annotations_too(new_study: NewStudy) -> None:
    study = new_study()
    for outcome in (
        trial_service_pb2.TELL_OUTCOME_STOPPED,
        trial_service_pb2.TELL_OUTCOME_FAILED,
        trial_service_pb2.TELL_OUTCOME_INFEASIBLE,
    ):
        trial = study.ask_one()
        loss = 0.5 if outcome == trial_service_pb2.TELL_OUTCOME_STOPPED else None
        assert dict(study.tell(trial, loss, outcome=outcome, annotations=COMMIT).trial.annotations) == COMMIT


def test_annotations_are_no_part_of_the_result(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    told = study.tell(trial, 0.5, annotations=COMMIT).trial
    after = study.get().cursor
    for others in ({}, {"run.exit_code": "1"}, {"more": "x"}):
        assert study.tell(trial, 0.5, annotations=others).trial == told, "a repeated tell is OK and changes nothing"
    what = refused(lambda: study.tell(trial, 0.6, annotations=COMMIT))
    assert (what.code.name, what.reason) == ("ALREADY_EXISTS", "RESULT_CONFLICT")
    assert study.get().cursor == after


def test_a_request_id_stands_for_its_annotations_too(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    told = study.tell(trial, 0.5, annotations=COMMIT, request_id="r")
    assert study.tell(trial, 0.5, annotations=COMMIT, request_id="r") == told
    assert code_and_reason(lambda: study.tell(trial, 0.5, annotations={"other": "x"}, request_id="r")) == (
        "INVALID_ARGUMENT",
        "REQUEST_ID_REUSED",
    )


def test_a_superseded_result_sets_no_annotations(new_study: NewStudy) -> None:
    study = new_study(lease_policy=study_pb2.LeasePolicy(max_attempts=3))
    first = study.ask_one()
    study.rpc.trials.ReleaseTrial(trial_service_pb2.ReleaseTrialRequest(name=first.name, lease_id=first.lease_id))
    second = study.ask_one()
    assert second.number == first.number
    study.tell(second, 0.5, annotations={"run.host": "second"})
    late = study.tell(first, 0.7, annotations={"run.host": "first"})
    assert late.superseded
    assert dict(late.trial.annotations) == {"run.host": "second"}


def test_annotations_too_large_with_those_that_are_there_change_nothing(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    request = trial_service_pb2.UpdateTrialRequest(
        trial=trial_pb2.Trial(name=trial.name, annotations={"a": "x" * 60_000})
    )
    request.update_mask.paths.append("annotations")
    study.rpc.trials.UpdateTrial(request)
    what = refused(lambda: study.tell(trial, 0.5, annotations={"b": "x" * 6_000}))
    assert (what.code.name, what.fields) == ("INVALID_ARGUMENT", ["annotations"])
    assert study.trial(trial.number).state == trial_pb2.TRIAL_STATE_RUNNING
    assert study.tell(trial, 0.5, annotations={"a": "short", "b": "x" * 6_000}).trial.annotations["a"] == "short"


def test_notes_of_studies_and_trials(rpc: Rpc, new_study: NewStudy) -> None:
    note = "Rank above 16 gains nothing.\nSee trials 12 to 20: größer ≠ besser."
    study = new_study(note=note)
    assert study.get().note == note
    etag = study.get().etag
    changed = study.update("note", note="other")
    assert (changed.note, changed.etag != etag) == ("other", True)
    assert study.update("note").note == ""
    trial = study.ask_one()
    study.tell(trial, 0.5)
    assert _set_note(study, trial, note).note == note
    assert study.list_trials()[0].note == note
    assert _set_note(study, trial, "").note == ""


def test_a_study_that_exists_may_have_another_note(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(note="mine")
    wanted = study.get()
    wanted.note = "theirs"
    request = study_service_pb2.CreateStudyRequest(study_id=study.name.rpartition("/")[2], study=wanted, exist_ok=True)
    answer = rpc.studies.CreateStudy(request)
    assert (answer.note, list(answer.warnings)) == ("mine", list(study.get().warnings))


def test_a_note_comes_with_an_imported_trial(new_study: NewStudy) -> None:
    study = new_study()
    past = trial_service_pb2.ImportedTrial(
        import_key="a", parameters=values({"x": 0.5}), metrics=metrics(0.1), note="from the old cluster"
    )
    request = trial_service_pb2.ImportTrialsRequest(study=study.name, trials=[past])
    assert study.rpc.trials.ImportTrials(request).trials[0].note == "from the old cluster"
    past.note, past.import_key = "x" * 16_385, "b"
    request = trial_service_pb2.ImportTrialsRequest(study=study.name, trials=[past])
    assert refused(lambda: study.rpc.trials.ImportTrials(request)).fields == ["trials[0].note"]
    assert len(study.list_trials()) == 1
