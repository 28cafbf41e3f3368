"""Rule 1: a retry never does a thing twice. The same request id gives the same answer; with another body it is refused."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message

from asktell.v1 import study_pb2, study_service_pb2, trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, a_study, code_and_reason, lease, metrics, refused, tell_request, values

REUSED = ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Mutation:
    """A call that changes something: a request on a study in some state, and another body for the same request id."""

    service: str
    method: str
    request: Callable[[StudyCalls], Any]
    change: Callable[[Any], None]


def _running(study: StudyCalls) -> trial_pb2.Trial:
    return study.ask_one()


def _told(study: StudyCalls) -> trial_pb2.Trial:
    return study.tell(study.ask_one(), 0.5).trial


def _update_study(study: StudyCalls) -> study_service_pb2.UpdateStudyRequest:
    request = study_service_pb2.UpdateStudyRequest(study=study_pb2.Study(name=study.name, display_name="new"))
    request.update_mask.paths.append("display_name")
    return request


def _reopen(study: StudyCalls) -> study_service_pb2.ReopenStudyRequest:
    _told(study)
    return study_service_pb2.ReopenStudyRequest(name=study.name, remeasure=1)


def _update_trial(study: StudyCalls) -> trial_service_pb2.UpdateTrialRequest:
    trial = trial_pb2.Trial(name=_running(study).name, labels={"a": "b"})
    request = trial_service_pb2.UpdateTrialRequest(trial=trial)
    request.update_mask.paths.append("labels")
    return request


def _report(study: StudyCalls) -> trial_service_pb2.ReportRequest:
    trial = _running(study)
    return trial_service_pb2.ReportRequest(name=trial.name, lease_id=trial.lease_id, step=1, metrics=metrics(0.5))


def _release(study: StudyCalls) -> trial_service_pb2.ReleaseTrialRequest:
    trial = _running(study)
    return trial_service_pb2.ReleaseTrialRequest(name=trial.name, lease_id=trial.lease_id)


def _enqueue(study: StudyCalls) -> trial_service_pb2.EnqueueTrialsRequest:
    return trial_service_pb2.EnqueueTrialsRequest(
        study=study.name, trials=[trial_service_pb2.EnqueuedTrial(parameters=values({"x": 0.5}))]
    )


def _import(study: StudyCalls) -> trial_service_pb2.ImportTrialsRequest:
    past = trial_service_pb2.ImportedTrial(import_key="a", parameters=values({"x": 0.5}), metrics=metrics(0.1))
    return trial_service_pb2.ImportTrialsRequest(study=study.name, trials=[past])


def _set(field: str, value: object) -> Callable[[Any], None]:
    return lambda request: setattr(request, field, value)


MUTATIONS = [
    Mutation(
        service="StudyService",
        method="UpdateStudy",
        request=_update_study,
        change=lambda request: setattr(request.study, "display_name", "other"),
    ),
    Mutation(
        service="StudyService",
        method="ReopenStudy",
        request=_reopen,
        change=_set("remeasure", 2),
    ),
    Mutation(
        service="TrialService",
        method="Ask",
        request=lambda study: study.ask_request(3),
        change=_set("count", 2),
    ),
    Mutation(
        service="TrialService",
        method="Tell",
        request=lambda study: tell_request(_running(study), 0.5),
        change=lambda request: request.metrics["loss"].CopyFrom(trial_pb2.Metric(value=0.6)),
    ),
    Mutation(service="TrialService", method="Report", request=_report, change=_set("step", 2)),
    Mutation(service="TrialService", method="ReleaseTrial", request=_release, change=_set("lease_id", "other")),
    Mutation(
        service="TrialService",
        method="EnqueueTrials",
        request=_enqueue,
        change=lambda request: request.trials[0].parameters["x"].MergeFrom(values({"x": 0.25})["x"]),
    ),
    Mutation(
        service="TrialService",
        method="ImportTrials",
        request=_import,
        change=lambda request: setattr(request.trials[0], "import_key", "b"),
    ),
    Mutation(
        service="TrialService",
        method="UpdateTrial",
        request=_update_trial,
        change=lambda request: request.trial.labels.update({"a": "c"}),
    ),
    Mutation(
        service="TrialService",
        method="AmendTrial",
        request=lambda study: trial_service_pb2.AmendTrialRequest(
            name=_told(study).name, metrics=metrics(0.7), reason="typo"
        ),
        change=_set("reason", "other"),
    ),
    Mutation(
        service="TrialService",
        method="CancelTrial",
        request=lambda study: trial_service_pb2.CancelTrialRequest(name=_running(study).name, reason="enough"),
        change=_set("reason", "other"),
    ),
    Mutation(
        service="TrialService",
        method="DeleteTrial",
        request=lambda study: trial_service_pb2.DeleteTrialRequest(name=_told(study).name),
        change=lambda request: setattr(request, "name", request.name[:-1] + "9"),
    ),
]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.method)
def test_the_same_request_id_gives_the_same_answer_and_another_body_is_refused(
    rpc: Rpc, new_study: NewStudy, mutation: Mutation
) -> None:
    study = new_study()
    request = mutation.request(study)
    request.request_id = secrets.token_hex(16)

    (first,) = rpc.call(mutation.service, mutation.method, request)
    after = study.get().cursor
    (second,) = rpc.call(mutation.service, mutation.method, request)
    assert _lasting(second) == _lasting(first)
    assert study.get().cursor == after, "the retry changed the study"

    mutation.change(request)
    what = refused(lambda: rpc.call(mutation.service, mutation.method, request))
    assert (what.code.name, what.reason, what.fields) == (*REUSED, ["request_id"])
    assert study.get().cursor == after


def test_every_call_that_changes_something_is_tried() -> None:
    services = [
        study_service_pb2.DESCRIPTOR.services_by_name["StudyService"],
        trial_service_pb2.DESCRIPTOR.services_by_name["TrialService"],
    ]
    with_ids = {m.name for service in services for m in service.methods if "request_id" in m.input_type.fields_by_name}
    assert {mutation.method for mutation in MUTATIONS} | {"CreateStudy", "DeleteStudy"} == with_ids


def test_creating_and_deleting_a_study_can_be_retried(rpc: Rpc) -> None:
    create = study_service_pb2.CreateStudyRequest(study_id=f"s-{secrets.token_hex(6)}", request_id="create")
    create.study.CopyFrom(a_study())
    create.study.ClearField("seed")  # the server draws one, and must not draw another at the retry
    first = rpc.studies.CreateStudy(create)
    assert rpc.studies.CreateStudy(create) == first
    create.study.display_name = "other"
    assert code_and_reason(lambda: rpc.studies.CreateStudy(create)) == REUSED

    delete = study_service_pb2.DeleteStudyRequest(name=first.name, etag=first.etag, request_id="delete")
    rpc.studies.DeleteStudy(delete)
    rpc.studies.DeleteStudy(delete)
    delete.ClearField("etag")
    assert code_and_reason(lambda: rpc.studies.DeleteStudy(delete)) == REUSED
    delete.request_id = "another"
    assert code_and_reason(lambda: rpc.studies.DeleteStudy(delete)) == ("NOT_FOUND", "STUDY_NOT_FOUND")


def test_a_request_sent_many_times_at_once_is_done_once(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    request = study.ask_request(2, request_id="once")
    answers = [call.result() for call in [rpc.trials.Ask.future(request) for _ in range(16)]]
    assert all(answer == answers[0] for answer in answers)
    assert len(study.list_trials()) == 2

    told = tell_request(answers[0].trials[0], 0.5, request_id="tell")
    tells = [call.result() for call in [rpc.trials.Tell.future(told) for _ in range(16)]]
    assert all(answer == tells[0] for answer in tells)


def test_a_retried_tell_is_answered_as_it_was_whatever_came_after(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one()
    first = study.tell(trial, 0.5, request_id="tell")
    rpc.trials.AmendTrial(trial_service_pb2.AmendTrialRequest(name=trial.name, metrics=metrics(0.6), reason="typo"))
    assert study.tell(trial, 0.5, request_id="tell") == first
    rpc.trials.DeleteTrial(trial_service_pb2.DeleteTrialRequest(name=trial.name))
    assert study.tell(trial, 0.5, request_id="tell") == first


def test_a_retried_ask_is_answered_although_the_study_is_complete(new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=1))
    trial = study.ask_one(request_id="ask")
    study.tell(trial, 0.5)
    assert study.ask_one(request_id="ask").lease_id == trial.lease_id
    assert code_and_reason(study.ask_one) == ("FAILED_PRECONDITION", "STUDY_COMPLETE")


def test_request_ids_belong_to_their_study(new_study: NewStudy) -> None:
    one, other = new_study(), new_study()
    assert one.ask_one(request_id="same").name != other.ask_one(request_id="same", worker_id="w").name


def test_an_id_of_one_method_is_refused_for_another(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study()
    trial = study.ask_one(request_id="id")
    assert code_and_reason(lambda: study.tell(trial, 0.5, request_id="id")) == REUSED


def test_a_heartbeat_may_be_repeated_and_a_measurement_is_kept_once(new_study: NewStudy) -> None:
    study = new_study(lease_policy=lease(600))
    trial = study.ask_one()
    for _ in range(3):
        assert study.report(trial, request_id="beat").lease_valid
        assert study.report(trial, 0.5, step=1, request_id="report").lease_valid
    assert study.trial(trial.number).measurement_count == 1


def _lasting(answer: Message) -> Message:
    """An answer without what a retry may renew: the end of the lease."""
    if isinstance(answer, trial_service_pb2.ReportResponse):
        answer.ClearField("lease_expire_time")
    return answer
