"""GetHealth over gRPC: what the model of a study finds, from real workers; the checks themselves are in tests/unit/service/health."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from asktell.v1 import analysis_service_pb2, trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import Rpc, StudyCalls, algorithm, float_parameter, metrics, raw_values, space, values

Loss = Callable[[Mapping[str, float]], float]


def _imported(study: StudyCalls, loss: Loss, *, names: str, count: int) -> None:
    """Results all over the space, the unit cube."""
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index in range(count):
        point = {
            name: math.modf((index + 1) * math.sqrt(prime))[0] for name, prime in zip(names, (2, 3, 5), strict=False)
        }
        request.trials.add(import_key=str(index), parameters=values(point), metrics=metrics(loss(point)))
    study.rpc.trials.ImportTrials(request)


def _found(rpc: Rpc, study: StudyCalls) -> dict[str, analysis_service_pb2.HealthFinding]:
    """The findings by their kind."""
    answer = rpc.analysis.GetHealth(analysis_service_pb2.GetHealthRequest(parent=study.name))
    kinds = analysis_service_pb2.HealthKind
    return {kinds.Name(each.kind).removeprefix("HEALTH_KIND_"): each for each in answer.findings}


def test_an_interaction_and_a_parameter_without_effect(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(search_space=space(*map(float_parameter, "abc")), algorithm=algorithm("auto"))
    _imported(study, lambda at: (at["a"] - 0.5) * (at["b"] - 0.5), names="abc", count=60)
    found = _found(rpc, study)
    assert list(found["STRONG_INTERACTION"].parameters) == ["a", "b"]
    assert list(found["PARAMETER_WITHOUT_EFFECT"].parameters) == ["c"]
    assert found["PARAMETER_WITHOUT_EFFECT"].severity == analysis_service_pb2.HEALTH_SEVERITY_INFO
    assert list(found["PARAMETER_WITHOUT_EFFECT"].metrics) == ["loss"]
    assert not found.keys() & {"NOISE", "GRID_MISSES_REGION", "DUPLICATES"}


def test_noise(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(search_space=space(*map(float_parameter, "ab")))
    luck = np.random.default_rng(4)
    _imported(study, lambda _: float(luck.normal()), names="ab", count=40)
    assert _found(rpc, study).keys() == {"NOISE"}


def test_a_grid_that_steps_over_the_best_region(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(search_space=space(*map(float_parameter, "ab")), algorithm=algorithm("grid", default_levels=5))
    for trial in study.ask(25):
        at = raw_values(trial)
        study.tell(trial, (at["a"] - 0.375) ** 2 + (at["b"] - 0.625) ** 2)
    found = _found(rpc, study)
    assert found.keys() == {"GRID_MISSES_REGION"}
    assert list(found["GRID_MISSES_REGION"].parameters) == ["a", "b"]
    assert "a = 0.37" in found["GRID_MISSES_REGION"].message


def test_what_is_to_be_gained(rpc: Rpc, new_study: NewStudy) -> None:
    study = new_study(search_space=space(*map(float_parameter, "ab")), algorithm=algorithm("auto"))
    _imported(study, lambda at: math.sin(9 * at["a"]) + at["b"] ** 2, names="ab", count=12)
    request = analysis_service_pb2.GetHealthRequest(parent=study.name)
    answer = rpc.analysis.GetHealth(request)
    assert [each.trials for each in answer.expected_gains] == [1, 10, 100]
    gains = [each.gain for each in answer.expected_gains]
    assert 0 <= gains[0] < gains[1] <= gains[2]
    assert answer.result_count == 12
    assert rpc.analysis.GetHealth(request) == answer, "from what is kept"
    random = new_study(search_space=space(*map(float_parameter, "ab")), algorithm=algorithm("random"))
    _imported(random, lambda at: at["a"], names="ab", count=12)
    request.parent = random.name
    assert not rpc.analysis.GetHealth(request).expected_gains, "random search does not follow the model"


def test_a_study_without_results_has_an_answer(rpc: Rpc, new_study: NewStudy) -> None:
    answer = rpc.analysis.GetHealth(analysis_service_pb2.GetHealthRequest(parent=new_study().name))
    assert answer == analysis_service_pb2.GetHealthResponse()
