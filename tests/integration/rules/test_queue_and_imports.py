"""A person's configurations come before the algorithm's; past results come in once."""

from __future__ import annotations

from asktell.v1 import search_space_pb2, study_pb2, trial_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import (
    Rpc,
    StudyCalls,
    algorithm,
    code_and_reason,
    float_parameter,
    metrics,
    raw_values,
    refused,
    space,
    value,
    values,
)


def test_the_queue_is_served_before_the_algorithm_and_in_order(new_study: NewStudy) -> None:
    study = new_study()
    queued = study.enqueue({"x": 0.1}, {"x": 0.2}, {"x": 0.3})
    assert {trial.state for trial in queued} == {trial_pb2.TRIAL_STATE_QUEUED}
    assert study.get().trial_counts.queued == 3
    asked = [study.ask_one(), *study.ask(3)]
    assert [raw_values(trial)["x"] for trial in asked[:3]] == [0.1, 0.2, 0.3]
    assert [trial.origin for trial in asked] == [trial_pb2.ORIGIN_PERSON] * 3 + [trial_pb2.ORIGIN_SAMPLER]


def test_manual_search_knows_only_the_queue(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("manual"))
    what = refused(study.ask_one)
    assert (what.code.name, what.reason) == ("FAILED_PRECONDITION", "QUEUE_EMPTY")
    assert what.metadata == {"name": study.name}
    study.enqueue({"x": 0.5})
    assert [raw_values(trial) for trial in study.ask(10)] == [{"x": 0.5}]
    assert code_and_reason(study.ask_one) == ("FAILED_PRECONDITION", "QUEUE_EMPTY")


def test_a_queued_trial_is_handed_out_once(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("manual"))
    study.enqueue(*({"x": index / 100} for index in range(20)))
    calls = [study.rpc.trials.Ask.future(study.ask_request(2)) for _ in range(12)]
    given = [trial.number for call in calls if not call.exception() for trial in call.result().trials]
    assert sorted(given) == list(range(1, 21))


def test_the_same_configuration_may_be_enqueued_twice(new_study: NewStudy) -> None:
    study = new_study(algorithm=algorithm("manual"))
    study.enqueue({"x": 0.5}, {"x": 0.5})
    assert [raw_values(trial) for trial in study.ask(2)] == [{"x": 0.5}] * 2


def test_labels_and_defaults_of_enqueued_trials(rpc: Rpc, new_study: NewStudy) -> None:
    defaulted = search_space_pb2.Parameter(
        name="y", float_domain=search_space_pb2.FloatDomain(min=0, max=1), default_value=value(0.75)
    )
    study = new_study(search_space=space(float_parameter("x"), defaulted))
    request = trial_service_pb2.EnqueueTrialsRequest(study=study.name)
    request.trials.add(parameters=values({"x": 0.5}), labels={"by": "me"}, annotations={"run": "17"})
    (queued,) = rpc.trials.EnqueueTrials(request).trials
    assert raw_values(queued) == {"x": 0.5, "y": 0.75}
    assert (dict(queued.labels), dict(queued.annotations)) == ({"by": "me"}, {"run": "17"})


def _import(study: StudyCalls, *keys: str, loss: float = 0.5) -> trial_service_pb2.ImportTrialsResponse:
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index, import_key in enumerate(keys):
        request.trials.add(import_key=import_key, parameters=values({"x": index / 10}), metrics=metrics(loss))
    return study.rpc.trials.ImportTrials(request)


def test_imports_are_idempotent_by_their_key(new_study: NewStudy) -> None:
    study = new_study()
    first = _import(study, "a", "b")
    assert first.imported_count == 2
    assert {trial.origin for trial in first.trials} == {trial_pb2.ORIGIN_IMPORT}
    before = study.get().cursor
    again = _import(study, "a", "b", loss=0.9)
    assert (again.imported_count, list(again.trials)) == (0, list(first.trials))
    assert study.get().cursor == before
    more = _import(study, "c", "b", loss=0.9)
    assert more.imported_count == 1
    assert [trial.number for trial in more.trials] == [3, 2]
    assert [trial.metrics["loss"].value for trial in more.trials] == [0.9, 0.5]


def test_imports_at_once_with_the_same_keys_come_in_once(new_study: NewStudy) -> None:
    study = new_study()
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index in range(10):
        request.trials.add(import_key=str(index), parameters=values({"x": index / 10}), metrics=metrics(0.5))
    calls = [study.rpc.trials.ImportTrials.future(request) for _ in range(8)]
    assert sum(call.result().imported_count for call in calls) == 10
    assert len(study.list_trials()) == 10


def test_imports_teach_and_are_the_best_but_use_up_no_budget(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(stopping_rules=study_pb2.StoppingRules(max_trials=2))
    _import(study, "a", "b", "c", loss=0.1)
    for trial in study.ask(5):
        study.tell(trial, 0.5)
    assert study.get().finish_reason == study_pb2.FINISH_REASON_MAX_TRIALS
    assert study.get().trial_counts.succeeded == 5
    best = rpc.trials.ListBestTrials(trial_service_pb2.ListBestTrialsRequest(parent=study.name)).trials
    assert [trial.import_key for trial in best] == ["a"]


def test_results_can_be_imported_into_a_finished_study(new_study: NewStudy) -> None:
    study = new_study()
    study.update("state", state=study_pb2.STUDY_STATE_FINISHED)
    assert _import(study, "a").imported_count == 1


def test_a_wrong_import_among_good_ones_brings_none_in(new_study: NewStudy) -> None:
    study = new_study()
    before = study.get()
    what = refused(lambda: _import(study, "a", "b", "a"))
    assert what.fields == ["trials[2].import_key"]
    assert study.get() == before
