"""Whether asking makes a process grow: resident memory before and after so many asks."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2
from benchmarks.figures import Section, Target, table
from benchmarks.hartmann import DIMENSION, random_results
from benchmarks.server import Server, Usage
from benchmarks.wire import (
    DEADLINE_S,
    Stubs,
    ask_request,
    connected,
    create_study,
    delete_study,
    import_results,
    request_id,
    tell_request,
)

FULL_ASKS, QUICK_ASKS = 1000, 100
WARM_UP = 0.3
"""Part of the asks that goes before the first reading: allocators and caches fill at first."""
MODEL_OBSERVATIONS = 20

ALLOWANCE_MIB = 4.0
"""Taken as no growth: a thousand trials that a server remembers take about this much."""

METHOD = f"""\
Resident memory around as many asks as the table says, after {WARM_UP:.0%} as many to warm up. `random` asks and tells, and
its study keeps growing; `model` asks with {MODEL_OBSERVATIONS} results and cancels, so that the model's task stays the same. The
ledger itself grows by a trial with every ask, in the store and in what the server remembers of the study: up to
{ALLOWANCE_MIB:.0f} MiB in 1,000 asks is taken as no growth of a server or worker; the store has no target, it keeps data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One kind of ask."""

    kind: str
    asks: int
    before: Usage
    after: Usage
    load_average: float

    def growth_mib(self, process: str) -> float:
        """In 1,000 asks."""
        return (self.after.rss_mib[process] - self.before.rss_mib[process]) * 1000 / self.asks

    def rows(self) -> list[list[str]]:
        """Its lines of the table, one for each process."""
        return [
            [
                f"{self.kind}: {process}",
                str(self.asks),
                f"{self.before.rss_mib[process]:.1f}",
                f"{self.after.rss_mib[process]:.1f}",
                f"{self.growth_mib(process):+.1f}",
                f"{self.load_average:.1f}",
            ]
            for process in self.before.rss_mib
        ]


def measure(server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section:
    """Asks without and with a model, on one server."""
    asks = QUICK_ASKS if quick else FULL_ASKS
    results = []
    with connected(server.address) as stubs:
        for kind, cycle, algorithm in (
            ("random", _ask_and_tell, study_pb2.Algorithm(random=study_pb2.RandomAlgorithm())),
            ("model", _ask_and_cancel, study_pb2.Algorithm(bayesian=study_pb2.BayesianAlgorithm())),
        ):
            study = create_study(stubs, f"memory-{kind}", dimension=DIMENSION, algorithm=algorithm, seed=seed)
            import_results(stubs, study, random_results(MODEL_OBSERVATIONS, seed))
            for _ in range(int(asks * WARM_UP)):
                cycle(stubs, study)
            before = server.usage()
            for number in range(asks):
                if number % 50 == 0:
                    progress(f"memory: {kind}, {number} of {asks} asks")
                cycle(stubs, study)
            after = server.usage()
            results.append(Memory(kind=kind, asks=asks, before=before, after=after, load_average=os.getloadavg()[0]))
            delete_study(stubs, study)
    return Section(
        title="Memory",
        method=METHOD,
        table=table(
            ("process", "asks", "before MiB", "after MiB", "growth MiB / 1,000 asks", "load"),
            [row for result in results for row in result.rows()],
        ),
        targets=[_target(result) for result in results],
        raw=results,
    )


def _ask_and_tell(stubs: Stubs, study: str) -> None:
    trial = _ask(stubs, study)
    stubs.trials.Tell(tell_request(trial, 1.0 / trial.number), timeout=DEADLINE_S)


def _ask_and_cancel(stubs: Stubs, study: str) -> None:
    trial = _ask(stubs, study)
    request = trial_service_pb2.CancelTrialRequest(name=trial.name, request_id=request_id())
    stubs.trials.CancelTrial(request, timeout=DEADLINE_S)


def _ask(stubs: Stubs, study: str) -> trial_pb2.Trial:
    return stubs.trials.Ask(ask_request(study), timeout=DEADLINE_S).trials[0]


def _target(result: Memory) -> Target:
    growth = {name: result.growth_mib(name) for name in result.before.rss_mib if name != "store"}
    return Target(
        name=f"growth of memory in 1,000 asks, {result.kind}",
        wanted=f"none (≤ {ALLOWANCE_MIB:.0f} MiB)",
        measured=", ".join(f"{name} {mib:+.1f} MiB" for name, mib in growth.items()),
        met=max(growth.values()) <= ALLOWANCE_MIB,
    )
