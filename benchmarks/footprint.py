"""How much memory a server takes, by its number of workers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from asktell.v1 import study_pb2, trial_service_pb2
from benchmarks.figures import Section, table
from benchmarks.hartmann import DIMENSION, random_results
from benchmarks.server import Server, running
from benchmarks.wire import DEADLINE_S, ask_request, connected, create_study, import_results, request_id

WORKERS = (1, 2, 4)
OBSERVATIONS = 100
FULL_ROUNDS, QUICK_ROUNDS = 20, 3
STUDIES_A_WORKER = 2
"""Studies that ask at once, so that every worker gets something to do."""

METHOD = f"""\
The proportional share of memory (PSS) in MiB of each process of a server: what n processes share counts a nth for each, so
the sum is what the server takes. Read "at the start", before the first ask, and after rounds of asks with {OBSERVATIONS} results that kept every worker at
work. Resident memory (RSS) counts what is shared in every process again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One number of workers."""

    workers: int
    at_the_start_mib: dict[str, float]
    at_work_mib: dict[str, float]
    rss_mib: dict[str, float]
    load_average: float

    def row(self) -> list[str]:
        """Its line of the table."""
        shares = self.at_work_mib
        of_workers = [share for name, share in shares.items() if name.startswith("worker")]
        return [
            str(self.workers),
            f"{shares['server']:.0f}",
            f"{shares['fork server']:.0f}",
            " ".join(f"{share:.0f}" for share in of_workers),
            f"{shares['store']:.0f}",
            f"{sum(shares.values()):.0f}",
            f"{sum(self.at_the_start_mib.values()):.0f}",
            f"{sum(self.rss_mib.values()):.0f}",
            f"{self.load_average:.1f}",
        ]


def measure(server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section:
    """Servers of their own, one for each number of workers."""
    results = []
    for workers in WORKERS:
        progress(f"footprint: {workers} workers")
        with running(server.directory.parent, workers=workers) as own:
            results.append(_footprint(own, workers, rounds=QUICK_ROUNDS if quick else FULL_ROUNDS, seed=seed))
    header = (
        "workers",
        "server",
        "fork server",
        "each worker",
        "store",
        "sum",
        "sum at the start",
        "sum of RSS",
        "load",
    )
    return Section(
        title="Memory by the number of workers",
        method=METHOD,
        table=table(header, [result.row() for result in results]),
        targets=[],
        raw=results,
    )


def _footprint(server: Server, workers: int, *, rounds: int, seed: int) -> Footprint:
    start = server.shares_mib()
    algorithm = study_pb2.Algorithm(bayesian=study_pb2.BayesianAlgorithm())
    with connected(server.address) as stubs:
        studies = []
        for number in range(STUDIES_A_WORKER * workers):
            name = f"footprint-{number}"
            studies.append(create_study(stubs, name, dimension=DIMENSION, algorithm=algorithm, seed=seed + number))
            import_results(stubs, studies[-1], random_results(OBSERVATIONS, seed + number))
        for _ in range(rounds):
            asks = [stubs.trials.Ask.future(ask_request(study), timeout=DEADLINE_S) for study in studies]
            for ask in asks:
                name = ask.result().trials[0].name
                request = trial_service_pb2.CancelTrialRequest(name=name, request_id=request_id())
                stubs.trials.CancelTrial(request, timeout=DEADLINE_S)
    return Footprint(
        workers=workers,
        at_the_start_mib=start,
        at_work_mib=server.shares_mib(),
        rss_mib=server.usage().rss_mib,
        load_average=os.getloadavg()[0],
    )
