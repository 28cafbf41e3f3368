"""A study ends when little is left to gain."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from asktell.v1 import search_space_pb2, study_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import (
    StudyCalls,
    algorithm,
    code_and_reason,
    eventually,
    float_parameter,
    metrics,
    raw_values,
    refusal,
    refused,
    space,
    values,
)

pytestmark = pytest.mark.timeout(400)  # servers and processes load torch, which takes long on a busy machine

FINISHED = study_pb2.STUDY_STATE_FINISHED


def _loss(configuration: dict[str, Any]) -> float:
    return (float(configuration["x"]) - 0.3) ** 2


def _study(new_study: NewStudy, results: int, bound: float) -> StudyCalls:
    """A bowl of which so many results are known."""
    study = new_study(
        search_space=space(float_parameter("x")),
        algorithm=algorithm("bayesian", start_trials=2),
        stopping_rules=study_pb2.StoppingRules(min_expected_gain=bound, max_trials=50),
    )
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index in range(results):
        point = {"x": index / (results - 1)}
        request.trials.add(import_key=str(index), parameters=values(point), metrics=metrics(_loss(point)))
    study.rpc.trials.ImportTrials(request)
    return study


def _run_to_its_end(study: StudyCalls) -> str:
    """Asks and tells until the study is complete; returns the reason."""

    def step() -> str:
        try:
            trial = study.ask_one()
        except grpc.RpcError as error:
            what = refusal(error)
            assert what.reason == "STUDY_COMPLETE"
            return what.metadata["finish_reason"]
        study.tell(trial, _loss(raw_values(trial)))
        return ""

    return eventually(step, what="the study is complete", timeout_s=120)


def test_it_ends_when_the_model_expects_less(new_study: NewStudy) -> None:
    study = _study(new_study, 12, 0.001)
    assert _run_to_its_end(study) == "LITTLE_TO_GAIN"
    finished = study.get()
    assert finished.finish_reason == study_pb2.FINISH_REASON_LITTLE_TO_GAIN
    assert finished.trial_counts.succeeded < 12 + 50, "long before its budget"
    assert "to go on, lower min_expected_gain, now 0.001" in refused(study.ask_one).message


def test_a_result_ends_it_without_another_ask(new_study: NewStudy) -> None:
    study = _study(new_study, 12, 1e-9)
    trial = study.ask_one()
    study.update("stopping_rules.min_expected_gain", stopping_rules=study_pb2.StoppingRules(min_expected_gain=10.0))
    study.tell(trial, _loss(raw_values(trial)))
    eventually(lambda: study.get().state == FINISHED, what="the result ends the study")


def test_it_goes_on_with_a_lower_bound_and_only_then(new_study: NewStudy) -> None:
    study = _study(new_study, 12, 10.0)
    assert _run_to_its_end(study) == "LITTLE_TO_GAIN"
    assert code_and_reason(lambda: study.update("state", state=study_pb2.STUDY_STATE_ACTIVE)) == (
        "FAILED_PRECONDITION",
        "STUDY_COMPLETE",
    )
    larger = study.update("stopping_rules.max_trials", stopping_rules=study_pb2.StoppingRules(max_trials=60))
    assert larger.state == FINISHED, "the rule still holds"
    gone = study.update("stopping_rules.min_expected_gain", stopping_rules=study_pb2.StoppingRules())
    assert gone.state == study_pb2.STUDY_STATE_ACTIVE
    assert not gone.stopping_rules.HasField("min_expected_gain")
    study.ask_one()


def test_the_first_results_never_end_it(new_study: NewStudy) -> None:
    study = _study(new_study, 11, 1e6)
    study.ask_one()
    assert study.get().state == study_pb2.STUDY_STATE_ACTIVE


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"algorithm": algorithm("random")}, "random has no model"),
        (
            {
                "algorithm": algorithm("auto"),
                "objectives": [
                    study_pb2.Objective(metric=name, goal=study_pb2.GOAL_MINIMIZE) for name in ("loss", "ms")
                ],
            },
            "several objectives",
        ),
        (
            {
                "algorithm": algorithm("auto"),
                "search_space": space(
                    float_parameter("x"),
                    search_space_pb2.Parameter(name="load", context=True, bool_domain=search_space_pb2.BoolDomain()),
                ),
            },
            "is a context",
        ),
        (
            {
                "algorithm": algorithm("auto"),
                "search_space": space(
                    float_parameter("x"),
                    search_space_pb2.Parameter(
                        name="epochs",
                        int_domain=search_space_pb2.IntDomain(min=1, max=27),
                        fidelity=search_space_pb2.Fidelity(),
                    ),
                ),
            },
            "is the fidelity (epochs)",
        ),
    ],
)
def test_it_is_refused_where_no_model_can_say(new_study: NewStudy, changes: dict[str, Any], words: str) -> None:
    rules = study_pb2.StoppingRules(min_expected_gain=0.1)
    what = refused(lambda: new_study(stopping_rules=rules, **changes))
    assert what.code.name == "INVALID_ARGUMENT"
    assert what.metadata["field"] == "study.stopping_rules.min_expected_gain"
    assert words in what.message
