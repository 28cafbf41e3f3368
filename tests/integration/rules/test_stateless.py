"""`asktell-server serve --stateless`: the stateless door alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from asktell.v1 import (
    analysis_service_pb2,
    study_pb2,
    study_service_pb2,
    suggestion_service_pb2,
    trial_pb2,
    trial_service_pb2,
)
from tests.support.rpc import Rpc, algorithm, code_and_reason, float_parameter, int_parameter, metrics, space, values
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("stateless")


@pytest.fixture(scope="module")
def stateless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rpc]:
    """A server without a store."""
    with ServerProcess(tmp_path_factory.mktemp("stateless"), stateless=True) as server, Rpc(server.address) as rpc:
        yield rpc


def _request(kind: str = "sobol", **fields: object) -> suggestion_service_pb2.SuggestRequest:
    request = suggestion_service_pb2.SuggestRequest(**fields)  # type: ignore[arg-type]
    request.problem.search_space.CopyFrom(space(float_parameter("x"), int_parameter("n", 1, 4)))
    request.problem.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    request.problem.algorithm.CopyFrom(algorithm(kind))
    return request


def _observe(request: suggestion_service_pb2.SuggestRequest, count: int) -> None:
    for index in range(count):
        x, n = index / count, 1 + index % 4
        request.observations.add(parameters=values({"x": x, "n": n}), metrics=metrics((x - 0.3) ** 2 + n))


@pytest.mark.parametrize("kind", ["random", "sobol", "grid", "auto", "bayesian"])
def test_suggestions_are_inside_the_space_different_and_the_same_every_time(stateless: Rpc, kind: str) -> None:
    request = _request(kind, count=5, seed=11)
    answer = stateless.suggestions.Suggest(request)
    assert len(answer.suggestions) == 5
    points = {(s.parameters["x"].double_value, s.parameters["n"].int_value) for s in answer.suggestions}
    assert len(points) == 5
    assert all(0 <= x <= 1 and 1 <= n <= 4 for x, n in points)
    assert stateless.suggestions.Suggest(request) == answer
    request.seed = 12
    assert stateless.suggestions.Suggest(request) != answer


def test_history_leads_to_the_model_and_a_warm_start_for_the_next_request(stateless: Rpc) -> None:
    request = _request("bayesian", seed=1)
    _observe(request, 12)
    first = stateless.suggestions.Suggest(request)
    assert first.suggestions[0].origin == trial_pb2.ORIGIN_MODEL
    assert first.suggestions[0].HasField("prediction")
    assert first.warm_start
    request.warm_start = first.warm_start
    assert stateless.suggestions.Suggest(request).suggestions[0].origin == trial_pb2.ORIGIN_MODEL


def test_pending_configurations_are_kept_away_from(stateless: Rpc) -> None:
    request = _request("grid", count=100)
    request.problem.algorithm.grid.default_levels = 2
    request.pending.add(parameters=values({"x": 0.0, "n": 1}))
    request.observations.add(parameters=values({"x": 1.0, "n": 4}), metrics=metrics(0.5))
    points = [
        (s.parameters["x"].double_value, s.parameters["n"].int_value)
        for s in stateless.suggestions.Suggest(request).suggestions
    ]
    assert len(points) == 6
    assert not {(0.0, 1), (1.0, 4)} & set(points)


def test_an_exhausted_grid_and_manual_search_say_so(stateless: Rpc) -> None:
    request = _request("grid")
    request.problem.algorithm.grid.default_levels = 2
    for x in (0.0, 1.0):
        for n in range(1, 5):
            request.observations.add(parameters=values({"x": x, "n": n}), metrics=metrics(0.5))
    assert code_and_reason(lambda: stateless.suggestions.Suggest(request)) == ("FAILED_PRECONDITION", "STUDY_COMPLETE")
    manual = _request("manual")
    assert code_and_reason(lambda: stateless.suggestions.Suggest(manual)) == ("FAILED_PRECONDITION", "QUEUE_EMPTY")


REFUSED = [
    (service.name, method.name)
    for file in (study_service_pb2, trial_service_pb2, analysis_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


@pytest.mark.parametrize(("service", "method"), REFUSED)
def test_everything_else_is_refused(stateless: Rpc, service: str, method: str) -> None:
    files = {
        "StudyService": study_service_pb2,
        "TrialService": trial_service_pb2,
        "AnalysisService": analysis_service_pb2,
    }
    request = getattr(files[service], f"{method}Request")()
    assert code_and_reason(lambda: stateless.call(service, method, request)) == ("UNIMPLEMENTED", "STATELESS_SERVER")
