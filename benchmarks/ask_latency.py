"""How long an ask takes end to end, with the model, on a study of so many results."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from asktell.v1 import study_pb2, trial_pb2
from benchmarks.figures import Section, Target, milliseconds, percentile, table
from benchmarks.hartmann import DIMENSION, hartmann6, random_results
from benchmarks.server import Server
from benchmarks.wire import (
    DEADLINE_S,
    Stubs,
    ask_request,
    connected,
    create_study,
    delete_study,
    import_results,
    point,
    tell_request,
)

FULL_PLAN = {20: 30, 100: 30, 300: 15, 1000: 8}
"""Observations at the start → asks after the first, over all repeats."""
FULL_REPEATS = 3
QUICK_PLAN = {20: 5, 100: 5}
QUICK_REPEATS = 1

TARGET_OBSERVATIONS = 100
TARGET_P50_S = 0.25

METHOD = """\
6-d Hartmann, algorithm `auto` on a server with its defaults; the history is random points brought in by ImportTrials.
One client asks and tells in turn, so every ask has one result more than the one before. `first ask` is the first one
of a study, of which the server knows nothing yet: it reads the history and fits from scratch (median over the
repeats). With so few asks p99 is all but the slowest. The worker's processor time for an ask hardly depends on what
else the machine does."""


@dataclass(slots=True, kw_only=True)
class AskLatency:
    """Times in seconds of the asks that began at `observations` results."""

    observations: int
    first_s: list[float] = field(default_factory=list)
    ask_s: list[float] = field(default_factory=list)
    tell_s: list[float] = field(default_factory=list)
    worker_cpu_s: float = 0.0
    """Processor seconds of the workers, over all asks."""
    not_by_model: int = 0
    """Asks that the model should have answered and did not."""
    load_average: float = 0.0

    def row(self) -> list[str]:
        """Its line of the table."""
        return [
            str(self.observations),
            str(len(self.ask_s)),
            milliseconds(percentile(self.ask_s, 50)),
            milliseconds(percentile(self.ask_s, 99)),
            milliseconds(percentile(self.first_s, 50)),
            milliseconds(percentile(self.tell_s, 50)),
            milliseconds(self.worker_cpu_s / (len(self.first_s) + len(self.ask_s))),
            str(self.not_by_model),
            f"{self.load_average:.1f}",
        ]


def measure(server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section:
    """Runs the plan on one server."""
    plan, repeats = (QUICK_PLAN, QUICK_REPEATS) if quick else (FULL_PLAN, FULL_REPEATS)
    results = []
    with connected(server.address) as stubs:
        for observations, asks in plan.items():
            latency = AskLatency(observations=observations)
            for repeat in range(repeats):
                progress(f"ask: n = {observations}, repeat {repeat + 1} of {repeats}")
                before = server.usage()
                _one_study(stubs, latency, asks=-(-asks // repeats), seed=seed + repeat)
                latency.worker_cpu_s += server.usage().workers_cpu_s - before.workers_cpu_s
            latency.load_average = os.getloadavg()[0]
            results.append(latency)
    header = (
        "n",
        "asks",
        "ask p50 ms",
        "ask p99 ms",
        "first ask ms",
        "tell p50 ms",
        "worker CPU ms/ask",
        "not by the model",
        "load",
    )
    return Section(
        title="Ask with the model",
        method=METHOD,
        table=table(header, [latency.row() for latency in results]),
        targets=[_target(latency) for latency in results if latency.observations == TARGET_OBSERVATIONS],
        raw=results,
    )


def _one_study(stubs: Stubs, latency: AskLatency, *, asks: int, seed: int) -> None:
    study = create_study(
        stubs,
        f"ask-{latency.observations}-{seed}",
        dimension=DIMENSION,
        algorithm=study_pb2.Algorithm(auto=study_pb2.AutoAlgorithm()),
        seed=seed,
    )
    import_results(stubs, study, random_results(latency.observations, seed))
    for number in range(asks + 1):
        start = time.perf_counter()
        trial = stubs.trials.Ask(ask_request(study), timeout=DEADLINE_S).trials[0]
        (latency.ask_s if number else latency.first_s).append(time.perf_counter() - start)
        latency.not_by_model += trial.origin != trial_pb2.ORIGIN_MODEL
        told = tell_request(trial, hartmann6(point(trial)))
        start = time.perf_counter()
        stubs.trials.Tell(told, timeout=DEADLINE_S)
        latency.tell_s.append(time.perf_counter() - start)
    delete_study(stubs, study)


def _target(latency: AskLatency) -> Target:
    p50 = percentile(latency.ask_s, 50)
    return Target(
        name=f"ask p50 at n = {latency.observations}, end to end",
        wanted=f"≤ {TARGET_P50_S:.2f} s",
        measured=f"{p50:.3f} s",
        met=p50 <= TARGET_P50_S,
    )
