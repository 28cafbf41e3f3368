"""Rule 7: any model failure falls back; an ask never fails because a model, or its whole process, did."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from asktell.v1 import suggestion_service_pb2, trial_pb2
from tests.integration.rules.conftest import NewStudy
from tests.integration.rules.modelling import BATCH, model_study, until_computing, workers
from tests.support.rpc import (
    Rpc,
    algorithm,
    eventually,
    float_parameter,
    metrics,
    raw_values,
    space,
    values,
)
from tests.support.server import ServerProcess


@pytest.fixture
def own_server(server: ServerProcess) -> Iterator[ServerProcess]:
    """The shared server, left with a worker that lives and is idle."""
    yield server
    eventually(lambda: len(workers(server)) == 1, what="a worker again", timeout_s=60)


def test_an_ask_whose_worker_is_killed_is_answered(own_server: ServerProcess, new_study: NewStudy) -> None:
    study = model_study(new_study, 400)
    asking = study.rpc.trials.Ask.future(study.ask_request(BATCH))
    worker = until_computing(own_server, asking)
    worker.send_signal(signal.SIGKILL)

    trials = asking.result().trials
    assert len(trials) == BATCH
    assert {trial.origin for trial in trials} <= {trial_pb2.ORIGIN_MODEL, trial_pb2.ORIGIN_FALLBACK}
    for trial in trials:
        assert all(0 <= coordinate <= 1 for coordinate in raw_values(trial).values())
        study.tell(trial, 1.0)
    assert str(worker.pid) in own_server.log(), "the loss is in the log"


def test_tells_go_on_while_no_worker_lives(own_server: ServerProcess, new_study: NewStudy) -> None:
    study = model_study(new_study, 10)
    trials = study.ask(2)
    (worker,) = eventually(lambda: workers(own_server), what="a worker", timeout_s=60)
    worker.send_signal(signal.SIGKILL)
    asking = study.rpc.trials.Ask.future(study.ask_request())
    for trial in trials:
        assert study.tell(trial, 0.5).trial.state == trial_pb2.TRIAL_STATE_SUCCEEDED
    assert len(asking.result().trials) == 1


def test_a_foreign_warm_start_is_ignored(rpc: Rpc) -> None:
    request = suggestion_service_pb2.SuggestRequest(seed=3, warm_start=b"\xff not a warm start \x00")
    request.problem.search_space.CopyFrom(space(float_parameter("x")))
    request.problem.objectives.add(metric="loss", goal=1)
    request.problem.algorithm.CopyFrom(algorithm("bayesian", start_trials=1))
    for x in (0.1, 0.5, 0.9):
        request.observations.add(parameters=values({"x": x}), metrics=metrics((x - 0.4) ** 2))
    (suggestion,) = rpc.suggestions.Suggest(request).suggestions
    assert suggestion.origin == trial_pb2.ORIGIN_MODEL


@pytest.mark.parametrize("loss", [0.0, 1e-320, 1e300])
def test_results_without_any_difference_are_no_failure(new_study: NewStudy, loss: float) -> None:
    study = new_study(algorithm=algorithm("bayesian", start_trials=1))
    for _ in range(4):
        study.tell(study.ask_one(), loss)
    assert 0 <= raw_values(study.ask_one())["x"] <= 1
