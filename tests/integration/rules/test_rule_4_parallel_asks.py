"""Rule 4: parallel asks differ: no two trials hold the same configuration unless replicates are asked for."""

from __future__ import annotations

import pytest

from asktell.v1 import search_space_pb2, study_pb2, trial_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import (
    StudyCalls,
    algorithm,
    code_and_reason,
    float_parameter,
    int_parameter,
    key,
    raw_values,
    refused,
    space,
)


def _ask_at_once(study: StudyCalls, count: int) -> list[trial_pb2.Trial]:
    calls = [study.rpc.trials.Ask.future(study.ask_request(1, worker_id=f"w{index}")) for index in range(count)]
    return [trial for call in calls for trial in call.result().trials]


@pytest.mark.parametrize("kind", ["random", "sobol", "auto"])
def test_64_asks_at_once_on_a_continuous_space_differ(new_study: NewStudy, kind: str) -> None:
    study = new_study(
        algorithm=algorithm(kind), search_space=space(float_parameter("x"), int_parameter("layers", 1, 4))
    )
    trials = _ask_at_once(study, 64)
    assert sorted(trial.number for trial in trials) == list(range(1, 65))
    assert len({key(trial) for trial in trials}) == 64
    assert len({trial.lease_id for trial in trials}) == 64


@pytest.mark.parametrize("kind", ["random", "sobol", "grid", "auto"])
def test_64_asks_at_once_on_a_space_of_64_take_each_configuration_once(new_study: NewStudy, kind: str) -> None:
    flags = [
        search_space_pb2.Parameter(name=f"f{index}", bool_domain=search_space_pb2.BoolDomain()) for index in range(4)
    ]
    study = new_study(algorithm=algorithm(kind), search_space=space(int_parameter("n", 1, 4), *flags))
    assert study.get().configuration_count == 64
    trials = _ask_at_once(study, 64)
    assert len({key(trial) for trial in trials}) == 64


@pytest.mark.parametrize("kind", ["random", "sobol", "auto"])
def test_a_space_that_is_tried_out_completes_the_study(new_study: NewStudy, kind: str) -> None:
    study = new_study(algorithm=algorithm(kind), search_space=space(int_parameter("n", 1, 7)))
    trials = [*study.ask(6), *study.ask(6)]
    assert sorted(raw_values(trial)["n"] for trial in trials) == list(range(1, 8))
    assert code_and_reason(study.ask_one) == ("RESOURCE_EXHAUSTED", "NO_TRIAL_AVAILABLE")
    for trial in trials:
        study.tell(trial, 0.5)
    what = refused(study.ask_one)
    assert (what.code.name, what.reason) == ("FAILED_PRECONDITION", "STUDY_COMPLETE")
    assert what.metadata["finish_reason"] == "EXHAUSTED"
    assert study.get().finish_reason == study_pb2.FINISH_REASON_EXHAUSTED


@pytest.mark.parametrize("kind", ["random", "auto", "grid"])
def test_only_replicates_are_handed_out_twice(new_study: NewStudy, kind: str) -> None:
    study = new_study(algorithm=algorithm(kind), search_space=space(int_parameter("n", 1, 4)), replicates=2)
    assert study.get().replicates == 2
    first, second = study.ask(4), study.ask(8)
    assert {raw_values(trial)["n"] for trial in first} == {1, 2, 3, 4}
    assert sorted(raw_values(trial)["n"] for trial in second) == [1, 2, 3, 4]


def test_what_was_tried_is_not_tried_again_while_there_is_something_new(new_study: NewStudy) -> None:
    study = new_study(search_space=space(int_parameter("n", 1, 8)))
    seen = []
    for _ in range(8):
        trial = study.ask_one()
        study.tell(trial, 0.5)
        seen.append(raw_values(trial)["n"])
    assert sorted(seen) == list(range(1, 9))


def test_what_a_person_enqueued_is_not_suggested_as_well(new_study: NewStudy) -> None:
    study = new_study(search_space=space(int_parameter("n", 1, 4)))
    study.enqueue({"n": 3}, {"n": 1})
    numbers = [raw_values(trial)["n"] for trial in study.ask(4)]
    assert numbers[:2] == [3, 1]
    assert sorted(numbers) == [1, 2, 3, 4]


def test_asks_at_once_with_a_model_are_one_batch_of_different_points(new_study: NewStudy) -> None:
    study = new_study(
        algorithm=algorithm("bayesian", start_trials=4),
        search_space=space(float_parameter("x"), float_parameter("y")),
    )
    for trial in study.ask(4):
        point = raw_values(trial)
        study.tell(trial, (point["x"] - 0.3) ** 2 + (point["y"] - 0.7) ** 2)
    trials = _ask_at_once(study, 6)
    assert len({key(trial) for trial in trials}) == 6
    assert {trial.origin for trial in trials} == {trial_pb2.ORIGIN_MODEL}
    distances = [
        max(abs(a - b) for a, b in zip(raw_values(one).values(), raw_values(other).values(), strict=True))
        for index, one in enumerate(trials)
        for other in trials[:index]
    ]
    assert min(distances) > 1e-3, "running trials are pending points of the model"


def test_the_same_seed_gives_the_same_configurations(new_study: NewStudy) -> None:
    def run(seed: int) -> list[object]:
        study = new_study(seed=seed, stopping_rules=study_pb2.StoppingRules(max_trials=5))
        return [key(study.ask_one()) for _ in range(5)]

    assert run(11) == run(11)
    assert run(11) != run(12)
