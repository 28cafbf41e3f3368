"""Whether anybody waits too long: many studies asked at the same time, and many asks at once on one study."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2_grpc
from asktell_server.domain.names import parse_study
from asktell_server.store.connect import connect
from benchmarks.figures import Section, Target, milliseconds, percentile, table
from benchmarks.hartmann import DIMENSION, hartmann6, random_results
from benchmarks.server import Server
from benchmarks.wire import (
    DEADLINE_S,
    ask_request,
    connected,
    create_study,
    delete_study,
    import_results,
    point,
    tell_request,
)

FULL_STUDIES, QUICK_STUDIES = 200, 40
FULL_CLIENTS, QUICK_CLIENTS = 64, 16
FULL_ROUNDS, QUICK_ROUNDS = 3, 1
OBSERVATIONS = 30
TARGET_SPREAD = 3.0
"""Slowest wait over the median one; 2 when all come at once and are served one after the other."""

METHOD = f"""\
Clients with a connection each ask at the same moment, in rounds: all tell before all ask again. Every study has
{OBSERVATIONS} results of 6-d Hartmann and algorithm `auto`, so every ask takes the model, unless a suggestion was prepared. A
refusal (RESOURCE_EXHAUSTED with RetryInfo) is waited out and asked again, and the wait counts from the first try. `batches`
is how many times the engine was asked for what the trials of one round hold (the mean over the rounds)."""


@dataclass(slots=True, kw_only=True)
class Fairness:
    """All rounds of one case."""

    name: str
    clients: int
    wait_s: list[float] = field(default_factory=list)
    refused: int = 0
    not_by_model: int = 0
    batches: list[int] = field(default_factory=list)
    round_s: list[float] = field(default_factory=list)
    worker_cpu_s: float = 0.0
    load_average: float = 0.0

    @property
    def spread(self) -> float:
        """The longest wait over the median one."""
        return max(self.wait_s) / percentile(self.wait_s, 50)

    def row(self) -> list[str]:
        """Its line of the table."""
        return [
            self.name,
            str(len(self.wait_s)),
            *(milliseconds(percentile(self.wait_s, percent)) for percent in (50, 99, 100)),
            f"{self.spread:.1f}",
            str(self.refused),
            str(self.not_by_model),
            f"{sum(self.batches) / len(self.batches):.1f}",
            f"{sum(self.round_s) / len(self.round_s):.2f}",
            milliseconds(self.worker_cpu_s / len(self.wait_s)),
            f"{self.load_average:.1f}",
        ]


def measure(server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section:
    """Runs both cases on one server."""
    studies = QUICK_STUDIES if quick else FULL_STUDIES
    clients = QUICK_CLIENTS if quick else FULL_CLIENTS
    rounds = QUICK_ROUNDS if quick else FULL_ROUNDS
    many = Fairness(name=f"{studies} studies, a client each", clients=studies)
    one = Fairness(name=f"one study, {clients} clients", clients=clients)
    for case, count in ((many, studies), (one, 1)):
        progress(f"fairness: {case.name}")
        _run(server, case, studies=count, rounds=rounds, seed=seed)
    header = (
        "who asks at once", "asks", "p50 ms", "p99 ms", "longest ms", "longest / p50", "refused", "not by the model",
        "batches", "s a round", "worker CPU ms/ask", "load",
    )  # fmt: skip
    return Section(
        title="Asks at the same moment",
        method=METHOD,
        table=table(header, [many.row(), one.row()]),
        targets=[_answered(many), _spread(many), _answered(one)],
        raw=[many, one],
    )


def _run(server: Server, case: Fairness, *, studies: int, rounds: int, seed: int) -> None:
    with connected(server.address) as stubs:
        names = []
        for number in range(studies):
            name = create_study(
                stubs,
                f"fairness-{studies}-{number}",
                dimension=DIMENSION,
                algorithm=study_pb2.Algorithm(auto=study_pb2.AutoAlgorithm()),
                seed=seed + number,
            )
            import_results(stubs, name, random_results(OBSERVATIONS, seed + number))
            names.append(name)
        before = server.usage().workers_cpu_s
        asyncio.run(_rounds(server, case, names, rounds=rounds))
        case.worker_cpu_s = server.usage().workers_cpu_s - before
        case.load_average = os.getloadavg()[0]
        for name in names:
            delete_study(stubs, name)


async def _rounds(server: Server, case: Fairness, names: Sequence[str], *, rounds: int) -> None:
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(server.address, options=options) for _ in range(case.clients)]
    try:
        stubs = [trial_service_pb2_grpc.TrialServiceStub(channel) for channel in channels]
        await asyncio.gather(*(channel.channel_ready() for channel in channels))
        for _ in range(rounds):
            start = time.perf_counter()
            asks = (_ask(stub, names[index % len(names)], case) for index, stub in enumerate(stubs))
            trials = await asyncio.gather(*asks)
            case.round_s.append(time.perf_counter() - start)
            case.not_by_model += sum(trial.origin != trial_pb2.ORIGIN_MODEL for trial in trials)
            case.batches.append(await _batches(server, trials))
            tells = (
                stub.Tell(tell_request(trial, hartmann6(point(trial))), timeout=DEADLINE_S)
                for stub, trial in zip(stubs, trials, strict=True)
            )
            await asyncio.gather(*tells)
    finally:
        for channel in channels:
            await channel.close()


async def _ask(stub: trial_service_pb2_grpc.TrialServiceAsyncStub, study: str, case: Fairness) -> trial_pb2.Trial:
    request = ask_request(study)
    start = time.perf_counter()
    while True:
        try:
            answer = await stub.Ask(request, timeout=DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            case.refused += 1
            await asyncio.sleep(_retry_after_s(error))
            continue
        case.wait_s.append(time.perf_counter() - start)
        return answer.trials[0]


def _retry_after_s(error: grpc.aio.AioRpcError) -> float:
    retry = error_details_pb2.RetryInfo()
    status = rpc_status.from_call(cast(grpc.Call, error))
    if status is None or not any(detail.Unpack(retry) for detail in status.details):
        raise RuntimeError("a refusal without RetryInfo") from error
    return retry.retry_delay.ToTimedelta().total_seconds()


async def _batches(server: Server, trials: Sequence[trial_pb2.Trial]) -> int:
    """How many tasks of the engine the trials come from; the ledger knows."""
    ledger = await connect(f"unix://{server.store_socket}")
    try:
        made = set()
        for trial in trials:
            study, _, number = trial.name.rpartition("/trials/")
            (record,) = await ledger.read_trials(parse_study(study, field="study"), numbers=[int(number)])
            assert record is not None
            provenance = record.trial.provenance
            assert provenance is not None
            made.add((study, provenance.sequence, provenance.count, provenance.prepared_pending))
        return len(made)
    finally:
        await ledger.close()


def _answered(case: Fairness) -> Target:
    by_model = len(case.wait_s) - case.not_by_model
    return Target(
        name=f"{case.name}: answered by the model",
        wanted="all",
        measured=f"{by_model} of {len(case.wait_s)}, {case.refused} refusals on the way",
        met=by_model == len(case.wait_s),
    )


def _spread(case: Fairness) -> Target:
    return Target(
        name=f"{case.name}: longest wait / median",
        wanted=f"≤ {TARGET_SPREAD:g}",
        measured=f"{case.spread:.1f}",
        met=case.spread <= TARGET_SPREAD,
    )
