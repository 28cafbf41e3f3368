"""What a large study costs: the first ask after a restart, its best trials, and how long other calls are held up."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import redis

from asktell.v1 import study_pb2, study_service_pb2, trial_service_pb2
from asktell_server.domain.names import parse_study
from asktell_server.store.keys import study_keys
from benchmarks.figures import Section, Target, milliseconds, percentile, table
from benchmarks.hartmann import DIMENSION, random_results
from benchmarks.server import Server
from benchmarks.wire import (
    DEADLINE_S,
    Stubs,
    ask_request,
    connected,
    create_study,
    delete_study,
    import_results,
    tell_request,
)

FULL_SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
REPEATS = 20
TARGET_FIRST_S, TARGET_HOLD_S = 1.0, 0.05
SNAPSHOT_TIMEOUT_S = 300.0
PAUSE_S = 0.002

METHOD = f"""\
A study of 6-d Hartmann with random search and so many imported results. The server is restarted before each first ask: once
with the snapshot that it has written when it stopped, once without one, when it reads all trials. `best` asks for the best trial (median of
{REPEATS}). `longest wait` is that of small calls on another study, one after the other, a client of its own, meanwhile: while the
first ask is answered, and while best trials (1, 1,000, the model's), pages of 1,000 and a filter that matches nothing are listed
and trials are asked for and told. It holds whatever else the machine does; the time at rest is given beside it. The bytes of a snapshot
are those in the store, compressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAsk:
    """The first ask of a study after a restart."""

    wall_s: float
    server_cpu_s: float
    longest_wait_s: float

    def cells(self) -> list[str]:
        """Its cells of the table."""
        return [*map(milliseconds, (self.wall_s, self.server_cpu_s, self.longest_wait_s))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """One size of study."""

    trials: int
    first: FirstAsk
    first_without: FirstAsk
    best_s: list[float] = field(default_factory=list)
    longest_wait_s: float
    wait_at_rest_s: float
    snapshot_bytes: int
    load_average: float

    def row(self) -> list[str]:
        """Its line of the table."""
        return [
            f"{self.trials:,}",
            *self.first.cells(),
            *self.first_without.cells(),
            milliseconds(percentile(self.best_s, 50)),
            milliseconds(self.longest_wait_s),
            milliseconds(self.wait_at_rest_s),
            f"{self.snapshot_bytes / self.trials:.0f}",
            f"{self.load_average:.1f}",
        ]


HEADER = (
    "trials",
    "first ask ms",
    "server CPU ms",
    "longest wait ms",
    "without snapshot: ms",
    "server CPU ms",
    "longest wait ms",
    "best ms",
    "longest wait of others ms",
    "at rest p50 ms",
    "snapshot bytes / trial",
    "load",
)


def measure(server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section:
    """Each size in turn."""
    results = []
    for trials in QUICK_SIZES if quick else FULL_SIZES:
        progress(f"growth: {trials:,} trials, importing")
        results.append(_case(server, trials=trials, seed=seed, progress=progress))
    largest = results[-1]
    first = largest.first
    waits = max(first.longest_wait_s, largest.longest_wait_s)
    return Section(
        title="Large studies",
        method=METHOD,
        table=table(HEADER, [result.row() for result in results]),
        targets=[
            Target(
                name=f"first ask after a restart, {largest.trials:,} trials",
                wanted=f"≤ {TARGET_FIRST_S:.0f} s",
                measured=f"{first.wall_s:.2f} s",
                met=first.wall_s <= TARGET_FIRST_S,
            ),
            Target(
                name=f"longest wait of other calls, {largest.trials:,} trials",
                wanted=f"≤ {TARGET_HOLD_S * 1e3:.0f} ms",
                measured=f"{waits * 1e3:.0f} ms",
                met=waits <= TARGET_HOLD_S,
            ),
        ],
        raw=results,
    )


def _case(server: Server, *, trials: int, seed: int, progress: Callable[[str], None]) -> Growth:
    with connected(server.address) as stubs:
        study = create_study(
            stubs,
            f"growth-{trials}",
            dimension=DIMENSION,
            algorithm=study_pb2.Algorithm(random=study_pb2.RandomAlgorithm()),
            seed=seed,
        )
        import_results(stubs, study, random_results(trials, seed))
    server.restart()
    size = _snapshot_bytes(server, study, at_least=trials)
    progress(f"growth: {trials:,} trials, asking")
    with connected(server.address) as stubs, _probing(server) as probe:
        at_rest = _at_rest(probe)
        first = _first_ask(server, stubs, study, probe)
        best_s, longest = _everything_else(stubs, study, probe)
    _drop_snapshot(server, study)  # what has changed since is too little for another one
    server.restart()
    with connected(server.address) as stubs, _probing(server) as probe:
        _at_rest(probe)
        without = _first_ask(server, stubs, study, probe)
    with connected(server.address) as stubs:
        delete_study(stubs, study)
    return Growth(
        trials=trials,
        first=first,
        first_without=without,
        best_s=best_s,
        longest_wait_s=longest,
        wait_at_rest_s=at_rest,
        snapshot_bytes=size,
        load_average=os.getloadavg()[0],
    )


def _first_ask(server: Server, stubs: Stubs, study: str, probe: Probe) -> FirstAsk:
    probe.take()
    cpu, began = server.usage().cpu_s["server"], time.perf_counter()
    stubs.trials.Ask(ask_request(study), timeout=DEADLINE_S)
    wall_s = time.perf_counter() - began
    waits = probe.take()
    return FirstAsk(wall_s=wall_s, server_cpu_s=server.usage().cpu_s["server"] - cpu, longest_wait_s=max(waits))


def _everything_else(stubs: Stubs, study: str, probe: Probe) -> tuple[list[float], float]:
    """The times of asking for the best trial, and the longest wait of others meanwhile."""
    probe.take()
    best_s = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        stubs.trials.ListBestTrials(trial_service_pb2.ListBestTrialsRequest(parent=study), timeout=DEADLINE_S)
        best_s.append(time.perf_counter() - began)
        trial = stubs.trials.Ask(ask_request(study), timeout=DEADLINE_S).trials[0]
        stubs.trials.Tell(tell_request(trial, 1.0), timeout=DEADLINE_S)
    for best in (
        trial_service_pb2.ListBestTrialsRequest(parent=study, count=1000),
        trial_service_pb2.ListBestTrialsRequest(parent=study, by_model=True),
    ):
        stubs.trials.ListBestTrials(best, timeout=DEADLINE_S)
    nothing = trial_service_pb2.TrialFilter(labels={"there is": "none"})
    for filter_ in (trial_service_pb2.TrialFilter(), nothing):
        page = trial_service_pb2.ListTrialsRequest(parent=study, page_size=1000, filter=filter_)
        stubs.trials.ListTrials(page, timeout=DEADLINE_S)
    return best_s, max(probe.take())


class Probe:
    """Small calls, one after the other, in a thread: how long each took, in seconds."""

    def __init__(self, stubs: Stubs, study: str) -> None:
        self._stubs = stubs
        self._request = study_service_pb2.GetStudyRequest(name=study)
        self._waits: list[float] = []
        self._calls = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def take(self, *, at_least: int = 1) -> list[float]:
        """The times since the last call of this, including the call that is under way."""
        with self._calls:
            under_way = len(self._waits) + at_least
            self._calls.wait_for(lambda: len(self._waits) >= under_way)
            waits, self._waits = self._waits, []
            return waits

    def end(self) -> None:
        """Stops calling."""
        self._ended = True
        self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            began = time.perf_counter()
            self._stubs.studies.GetStudy(self._request, timeout=DEADLINE_S)
            with self._calls:
                self._waits.append(time.perf_counter() - began)
                self._calls.notify_all()
            time.sleep(PAUSE_S)


@contextmanager
def _probing(server: Server) -> Iterator[Probe]:
    with connected(server.address) as stubs:
        algorithm = study_pb2.Algorithm(random=study_pb2.RandomAlgorithm())
        study = create_study(stubs, "growth-probe", dimension=1, algorithm=algorithm, seed=1)
        probe = Probe(stubs, study)
        try:
            yield probe
        finally:
            probe.end()
            delete_study(stubs, study)


def _at_rest(probe: Probe) -> float:
    """The median time of the probe's calls while nothing else goes on."""
    probe.take(at_least=20)
    return percentile(probe.take(at_least=100), 50)


def _snapshot_key(study: str) -> str:
    return next(key for key in study_keys(parse_study(study, field="study"), "") if key.endswith(":snapshot"))


def _snapshot_bytes(server: Server, study: str, *, at_least: int) -> int:
    """The bytes of the pieces of the snapshot, once there is one that is so new: the server may have stopped before it was written."""
    deadline = time.monotonic() + SNAPSHOT_TIMEOUT_S
    key = _snapshot_key(study)
    with redis.Redis(unix_socket_path=server.store_socket) as store:
        while int(store.hget(key, "sequence") or 0) < at_least:
            if time.monotonic() > deadline:
                raise RuntimeError(f"no snapshot of {study} within {SNAPSHOT_TIMEOUT_S:.0f} s")
            time.sleep(0.1)
        return sum(len(value) for value in store.hgetall(key).values())


def _drop_snapshot(server: Server, study: str) -> None:
    with redis.Redis(unix_socket_path=server.store_socket) as store:
        store.delete(_snapshot_key(study))
