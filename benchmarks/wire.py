"""Plain gRPC stubs and the messages of the benchmarks: nothing of a client between the clock and the server."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc

from asktell.v1 import (
    search_space_pb2,
    study_pb2,
    study_service_pb2,
    study_service_pb2_grpc,
    trial_pb2,
    trial_service_pb2,
    trial_service_pb2_grpc,
)
from benchmarks.hartmann import Point

METRIC = "loss"
DEADLINE_S = 120.0
IMPORT_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stubs:
    """A connection."""

    studies: study_service_pb2_grpc.StudyServiceStub
    trials: trial_service_pb2_grpc.TrialServiceStub


@contextmanager
def connected(address: str) -> Iterator[Stubs]:
    """A connection for the length of a block."""
    with grpc.insecure_channel(address) as channel:
        yield Stubs(
            studies=study_service_pb2_grpc.StudyServiceStub(channel),
            trials=trial_service_pb2_grpc.TrialServiceStub(channel),
        )


def create_study(stubs: Stubs, study_id: str, *, dimension: int, algorithm: study_pb2.Algorithm, seed: int) -> str:
    """A study over the unit cube that minimises one metric; returns its name."""
    study = study_pb2.Study(
        search_space=search_space_pb2.SearchSpace(
            parameters=[
                search_space_pb2.Parameter(
                    name=f"x{number}", float_domain=search_space_pb2.FloatDomain(min=0.0, max=1.0)
                )
                for number in range(dimension)
            ]
        ),
        objectives=[study_pb2.Objective(metric=METRIC, goal=study_pb2.GOAL_MINIMIZE)],
        algorithm=algorithm,
        seed=seed,
    )
    request = study_service_pb2.CreateStudyRequest(study_id=study_id, study=study, request_id=request_id())
    return stubs.studies.CreateStudy(request, timeout=DEADLINE_S).name


def delete_study(stubs: Stubs, study: str) -> None:
    """Deletes a study."""
    stubs.studies.DeleteStudy(study_service_pb2.DeleteStudyRequest(name=study), timeout=DEADLINE_S)


def import_results(stubs: Stubs, study: str, results: Iterable[tuple[Point, float]]) -> None:
    """Gives a study its history."""
    trials = [
        trial_service_pb2.ImportedTrial(
            import_key=str(number),
            parameters={f"x{i}": search_space_pb2.ParameterValue(double_value=float(x)) for i, x in enumerate(point)},
            metrics={METRIC: trial_pb2.Metric(value=value)},
        )
        for number, (point, value) in enumerate(results)
    ]
    for start in range(0, len(trials), IMPORT_CHUNK):
        request = trial_service_pb2.ImportTrialsRequest(study=study, trials=trials[start : start + IMPORT_CHUNK])
        stubs.trials.ImportTrials(request, timeout=DEADLINE_S)


def ask_request(study: str) -> trial_service_pb2.AskRequest:
    """An ask of one trial, as clients send it."""
    return trial_service_pb2.AskRequest(study=study, worker_id="bench", request_id=request_id())


def tell_request(trial: trial_pb2.Trial, value: float) -> trial_service_pb2.TellRequest:
    """The result of a trial, as clients send it."""
    return trial_service_pb2.TellRequest(
        name=trial.name,
        lease_id=trial.lease_id,
        metrics={METRIC: trial_pb2.Metric(value=value)},
        request_id=request_id(),
    )


def request_id() -> str:
    """A fresh one, as every client sends with every change."""
    return str(uuid.uuid4())


def point(trial: trial_pb2.Trial) -> list[float]:
    """The configuration as a point of the unit cube."""
    return [trial.parameters[f"x{i}"].double_value for i in range(len(trial.parameters))]
