"""Asks that take a model long enough to be caught in the middle."""

from __future__ import annotations

import math
from typing import Any

import psutil

from asktell.v1 import trial_service_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import StudyCalls, algorithm, eventually, float_parameter, metrics, space, values
from tests.support.server import ServerProcess

BATCH = 16
"""As many at once as keep a worker busy for a while."""

_FORK_SERVER = "asktell_server.engine.workers.fork_server"
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)
_COMPUTING_S = 0.05
"""Processor time after which a worker is taken to be in the middle of a model."""


def workers(server: ServerProcess) -> list[psutil.Process]:
    """The server's worker processes that live; they are children of the process that they are forked from."""
    forks = [child for child in psutil.Process(server.pid).children() if _FORK_SERVER in _command(child)]
    return [child for process in forks for child in process.children() if child.status() != psutil.STATUS_ZOMBIE]


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it has ended
        return []


def model_study(new_study: NewStudy, results: int) -> StudyCalls:
    """A study whose next ask takes a model of `results` points in 8 dimensions."""
    study = new_study(
        algorithm=algorithm("bayesian", start_trials=1),
        search_space=space(*(float_parameter(f"p{prime}") for prime in _PRIMES)),
    )
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index in range(results):
        point = {f"p{prime}": math.modf((index + 1) * math.sqrt(prime))[0] for prime in _PRIMES}
        request.trials.add(import_key=str(index), parameters=values(point), metrics=metrics(sum(point.values())))
    study.rpc.trials.ImportTrials(request)
    return study


def until_computing(server: ServerProcess, asking: Any) -> psutil.Process:
    """The server's one worker, as soon as it computes; `asking` is the call that it computes for."""
    (worker,) = eventually(lambda: workers(server), what="a worker", timeout_s=60)
    idle = sum(worker.cpu_times()[:2])
    eventually(
        lambda: asking.done() or sum(worker.cpu_times()[:2]) > idle + _COMPUTING_S,
        what="the worker computes",
        interval_s=0.005,
    )
    assert not asking.done(), "the model was faster than the test; give it more results"
    return worker
