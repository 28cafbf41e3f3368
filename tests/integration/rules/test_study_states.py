"""Paused and finished studies refuse Ask with the reason; results are taken all the same."""

from __future__ import annotations

import grpc
import pytest

from asktell.v1 import study_pb2, study_service_pb2, trial_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, code_and_reason, refused

PAUSED, ACTIVE, FINISHED = (
    study_pb2.STUDY_STATE_PAUSED,
    study_pb2.STUDY_STATE_ACTIVE,
    study_pb2.STUDY_STATE_FINISHED,
)
COMPLETE = ("FAILED_PRECONDITION", "STUDY_COMPLETE")


def test_a_paused_study_refuses_ask_and_takes_results(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    assert study.update("state", state=PAUSED).state == PAUSED
    what = refused(study.ask_one)
    assert (what.code, what.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "STUDY_PAUSED")
    assert what.metadata == {"name": study.name}
    assert study.report(trial, 0.6).lease_valid
    study.tell(trial, 0.5)
    assert study.update("state", state=ACTIVE).state == ACTIVE
    assert study.ask_one().number == 2


def test_a_study_finished_by_request_refuses_ask_and_takes_results(new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    finished = study.update("state", state=FINISHED)
    assert (finished.state, finished.finish_reason) == (FINISHED, study_pb2.FINISH_REASON_REQUESTED)
    assert finished.HasField("finish_time")
    what = refused(study.ask_one)
    assert (what.code.name, what.reason) == COMPLETE
    assert what.metadata == {"name": study.name, "finish_reason": "REQUESTED"}
    assert "complete" in what.message
    assert code_and_reason(lambda: study.enqueue({"x": 0.5})) == COMPLETE
    study.tell(trial, 0.5)
    assert study.trial(1).state == trial_pb2.TRIAL_STATE_SUCCEEDED


def test_a_finished_study_can_be_resumed(new_study: NewStudy) -> None:
    study = new_study()
    study.update("state", state=FINISHED)
    resumed = study.update("state", state=ACTIVE)
    assert (resumed.state, resumed.finish_reason) == (ACTIVE, study_pb2.FINISH_REASON_UNSPECIFIED)
    assert not resumed.HasField("finish_time")
    assert study.ask_one().number == 1


def test_a_new_study_is_active_whatever_it_was_created_with(new_study: NewStudy) -> None:
    study = new_study(state=FINISHED, finish_reason=study_pb2.FINISH_REASON_TARGET, name="nonsense", etag="x")
    assert study.get().state == ACTIVE
    assert study.get().name == study.name


def test_an_old_etag_is_refused_and_the_present_one_taken(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    old = study.get().etag
    present = study.update("display_name", display_name="one", etag=old).etag
    assert present != old
    what = refused(lambda: study.update("display_name", display_name="two", etag=old))
    assert (what.code.name, what.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert what.metadata == {"name": study.name, "etag": present}
    assert study.get().display_name == "one"
    delete = study_service_pb2.DeleteStudyRequest(name=study.name, etag=old)
    assert code_and_reason(lambda: rpc.studies.DeleteStudy(delete)) == ("ABORTED", "ETAG_MISMATCH")
    delete.etag = present
    rpc.studies.DeleteStudy(delete)
    assert code_and_reason(study.get) == ("NOT_FOUND", "STUDY_NOT_FOUND")


def test_trials_leave_the_etag_alone(new_study: NewStudy) -> None:
    study = new_study()
    before = study.get()
    study.tell(study.ask_one(), 0.5)
    after = study.get()
    assert after.etag == before.etag
    assert after.cursor != before.cursor
    assert after.update_time == before.update_time


def test_of_two_updates_with_one_etag_one_is_taken(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    etag = study.get().etag
    requests = []
    for index in range(8):
        message = study_pb2.Study(name=study.name, display_name=str(index), etag=etag)
        request = study_service_pb2.UpdateStudyRequest(study=message)
        request.update_mask.paths.append("display_name")
        requests.append(request)
    codes = [call.code() for call in [rpc.studies.UpdateStudy.future(request) for request in requests]]
    assert sorted(code.name for code in codes) == ["ABORTED"] * 7 + ["OK"]


def test_updates_without_an_etag_all_happen(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    requests = []
    for index in range(8):
        message = study_pb2.Study(name=study.name, labels={"k": str(index)}, max_running_trials=index)
        request = study_service_pb2.UpdateStudyRequest(study=message)
        request.update_mask.paths.extend(["labels", "max_running_trials"])
        requests.append(request)
    for call in [rpc.studies.UpdateStudy.future(request) for request in requests]:
        call.result()
    study_now = study.get()
    assert study_now.labels["k"] == str(study_now.max_running_trials), "no update was torn"


def test_a_name_can_be_used_again_and_nothing_of_the_old_study_is_left(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    cursor = study.get().cursor
    rpc.studies.DeleteStudy(study_service_pb2.DeleteStudyRequest(name=study.name))
    assert code_and_reason(study.ask_one) == ("NOT_FOUND", "STUDY_NOT_FOUND")
    assert code_and_reason(lambda: study.tell(trial, 0.5)) == ("NOT_FOUND", "STUDY_NOT_FOUND")

    again = rpc.create(study.name.rpartition("/")[2])
    assert again.list_trials() == []
    assert code_and_reason(lambda: again.tell(trial, 0.5)) == ("NOT_FOUND", "TRIAL_NOT_FOUND")
    assert again.ask_one().number == 1
    what = refused(lambda: again.watch(cursor).take(1))
    assert (what.reason, what.fields) == ("INVALID_TOKEN", ["cursor"])


def test_studies_are_listed_by_page_name_and_label(rpc: Rpc, new_study: NewStudy) -> None:
    project = "projects/listing"
    names = [f"{project}/studies/s{index}" for index in range(7)]
    for index in (3, 0, 6, 2, 5, 1, 4):
        request = study_service_pb2.CreateStudyRequest(parent=project, study_id=f"s{index}")
        request.study.CopyFrom(new_study().get())
        request.study.labels["parity"] = str(index % 2)
        rpc.studies.CreateStudy(request)
    found: list[str] = []
    pages = 0
    list_request = study_service_pb2.ListStudiesRequest(parent=project, page_size=3)
    while pages == 0 or list_request.page_token:
        page = rpc.studies.ListStudies(list_request)
        found += [study.name for study in page.studies]
        assert len(page.studies) <= 3
        list_request.page_token = page.next_page_token
        pages += 1
    assert found == names
    odd = rpc.studies.ListStudies(study_service_pb2.ListStudiesRequest(parent=project, labels={"parity": "1"}))
    assert [study.name for study in odd.studies] == names[1::2]


@pytest.mark.parametrize("path", ["search_space", "objectives", "algorithm", "seed", "lease_policy", "name", "etag"])
def test_what_is_immutable_stays(new_study: NewStudy, path: str) -> None:
    study = new_study()
    what = refused(lambda: study.update(path))
    assert (what.code.name, what.fields) == ("INVALID_ARGUMENT", ["update_mask.paths[0]"])


def test_a_study_is_created_once(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    what = refused(lambda: rpc.create(study.name.rpartition("/")[2]))
    assert (what.code.name, what.reason) == ("ALREADY_EXISTS", "STUDY_EXISTS")
    assert what.metadata == {"name": study.name}
