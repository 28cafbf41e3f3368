"""How many ask+tell cycles a server does in a second when no model computes, every change on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from asktell.v1 import study_pb2
from benchmarks.figures import Section, Target, milliseconds, percentile, table
from benchmarks.load import Load
from benchmarks.server import Server
from benchmarks.wire import connected, create_study, delete_study

CLIENTS = (1, 32, 64)
DIMENSION = 6
FULL_S, FULL_WARM_UP_S = 8.0, 2.0
QUICK_S, QUICK_WARM_UP_S = 2.0, 0.5

TARGET_CLIENTS = 32
TARGET_RATE = 1000.0

METHOD = """\
6-d space, random sampler, embedded store (fsync always). The clients are plain asyncio stubs in one process of their
own, a connection each, request ids and lease ids as real clients send them. `one study` has all clients on the same
study, whose history grows by every cycle; `a study each` has none of them share. Processor use is in cores: it shows
what holds the rate back, and all processes share the machine's cores with whatever else runs there. The server's
processor time for a cycle hardly depends on that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """One case and what came of it."""

    clients: int
    shared: bool
    load: Load
    cores: dict[str, float]
    """Processor use by process, in cores, clients included."""
    load_average: float

    @property
    def rate(self) -> float:
        """Cycles in a second."""
        return self.load.cycles / self.load.seconds

    def row(self) -> list[str]:
        """Its line of the table."""
        return [
            "one study" if self.shared else "a study each",
            str(self.clients),
            f"{self.rate:.0f}",
            f"{milliseconds(percentile(self.load.ask_s, 50))} / {milliseconds(percentile(self.load.ask_s, 99))}",
            f"{milliseconds(percentile(self.load.tell_s, 50))} / {milliseconds(percentile(self.load.tell_s, 99))}",
            str(sum(self.load.errors.values())),
            f"{self.cores['server']:.2f} / {self.cores['store']:.2f} / {self.cores['clients']:.2f}",
            f"{self.cores['server'] / self.rate * 1e3:.2f}",
            f"{self.load_average:.1f}",
        ]


def measure(server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section:
    """Runs every number of clients, on one study and on a study each."""
    results = []
    for shared in (True, False):
        for clients in CLIENTS:
            where = "one study" if shared else "a study each"
            progress(f"cycles: {clients} clients, {where}")
            results.append(_case(server, clients=clients, shared=shared, quick=quick, seed=seed))
    header = (
        "studies", "clients", "cycles/s", "ask p50 / p99 ms", "tell p50 / p99 ms", "errors",
        "cores: server / store / clients", "server CPU ms/cycle", "load",
    )  # fmt: skip
    return Section(
        title="Ask and tell without a model",
        method=METHOD,
        table=table(header, [result.row() for result in results]),
        targets=[_target(result) for result in results if result.clients == TARGET_CLIENTS],
        raw=results,
    )


def _case(server: Server, *, clients: int, shared: bool, quick: bool, seed: int) -> Throughput:
    with connected(server.address) as stubs:
        studies = [
            create_study(
                stubs,
                f"cycles-{clients}-{shared}-{number}".lower(),
                dimension=DIMENSION,
                algorithm=study_pb2.Algorithm(random=study_pb2.RandomAlgorithm()),
                seed=seed + number,
            )
            for number in range(1 if shared else clients)
        ]
        warm_up_s = QUICK_WARM_UP_S if quick else FULL_WARM_UP_S
        arguments = {
            "address": server.address,
            "studies": studies,
            "clients": clients,
            "warm_up_s": warm_up_s,
            "seconds": QUICK_S if quick else FULL_S,
        }
        before = server.usage()
        output = server.directory / "load.json"
        subprocess.run([sys.executable, "-m", "benchmarks.load", output, json.dumps(arguments)], check=True)
        after = server.usage()
        load = Load(**json.loads(output.read_text()))
        for study in studies:
            delete_study(stubs, study)
    wall_s = load.seconds + warm_up_s
    cores = {name: (after.cpu_s[name] - before.cpu_s[name]) / wall_s for name in before.cpu_s}
    return Throughput(
        clients=clients,
        shared=shared,
        load=load,
        cores={**cores, "clients": load.cpu_s / wall_s},
        load_average=os.getloadavg()[0],
    )


def _target(result: Throughput) -> Target:
    where = "one study" if result.shared else "a study each"
    return Target(
        name=f"ask+tell cycles/s, {result.clients} clients, {where}",
        wanted=f"≥ {TARGET_RATE:.0f}",
        measured=f"{result.rate:.0f}",
        met=result.rate >= TARGET_RATE,
    )
