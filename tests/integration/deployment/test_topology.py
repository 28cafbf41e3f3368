"""What docker-compose.yml starts, as processes: one store, two servers, nginx in front, clients through nginx."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import yaml

import asktell
from tests.integration.deployment.balancer import ROOT, Balancer, balancer
from tests.support.ports import free_port
from tests.support.server import ServerProcess
from tests.support.valkey import Server as StoreProcess
from tests.support.valkey import wait_until
from tests.toolchains import require

ASK = "/asktell.v1.TrialService/Ask"
GET_STUDY = "/asktell.v1.StudyService/GetStudy"
TOKEN = "a-token-for-the-test"
WORKERS = 4
TRIALS = 48

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """The running processes."""

    servers: tuple[ServerProcess, ServerProcess]
    balancer: Balancer

    def client(self) -> asktell.Client:
        """A client that knows the balancer alone."""
        return asktell.Client(self.balancer.address, token=TOKEN)


@pytest.fixture(scope="module")
def topology(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    """The store with the arguments of docker-compose.yml, two servers and nginx with the repository's configuration."""
    nginx = require("nginx")
    directory = tmp_path_factory.mktemp("topology")
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    with ExitStack() as stack:
        store = StoreProcess(directory / "store", free_port(), arguments=compose["services"]["store"]["command"][1:])
        stack.callback(store.kill)
        store.start()
        with ThreadPoolExecutor() as threads:  # each imports torch: side by side
            starting = [
                threads.submit(ServerProcess, directory / name, store=store.url, environment={"ASKTELL_TOKEN": TOKEN})
                for name in ("one", "two")
            ]
        one, two = (stack.enter_context(future.result()) for future in starting)
        front = stack.enter_context(balancer(nginx, directory / "nginx", [one.address, two.address]))
        yield Topology(servers=(one, two), balancer=front)


class Run:
    """Workers that ask and tell a study empty; each trial takes a permit, so that a test says how far they get."""

    def __init__(self, topology: Topology, study: str) -> None:
        self._topology = topology
        self._study = study
        self._permits = threading.Semaphore(0)
        self._progress = threading.Condition()
        self.handed_out: list[int] = []
        self.told: dict[int, float] = {}
        """Every result whose Tell was answered."""
        self._failure: BaseException | None = None

    def permit(self, trials: int) -> None:
        """Lets the workers do so many more trials."""
        self._permits.release(trials)

    def wait_told(self, count: int) -> None:
        """Waits until so many results have been acknowledged, or a worker has failed."""
        with self._progress:
            self._progress.wait_for(lambda: self._failure or len(self.told) >= count, timeout=60)
            if self._failure:
                raise self._failure
            assert len(self.told) >= count

    def work(self) -> None:
        """One worker, with a client of its own."""
        try:
            self._work()
        except BaseException as failure:
            with self._progress:
                self._failure = failure
                self._progress.notify_all()
            raise

    def _work(self) -> None:
        with self._topology.client() as client:
            study = client.study(self._study)
            while True:
                self._permits.acquire()
                try:
                    trial = study.ask()
                except asktell.StudyComplete:
                    return
                with self._progress:
                    self.handed_out.append(trial.number)
                trial.tell(loss=loss(trial))
                with self._progress:
                    self.told[trial.number] = loss(trial)
                    self._progress.notify_all()


def refresh_until_both_answer(topology: Topology, study: asktell.Study) -> None:
    """Calls until nginx uses both servers: one that has just come back it tries anew within two seconds."""
    before = topology.balancer.answered(GET_STUDY)

    def both() -> bool:
        study.refresh()
        answered = topology.balancer.answered(GET_STUDY) - before
        return all(answered[server.address] for server in topology.servers)

    wait_until(both, what="traffic to both servers")


def loss(trial: asktell.Trial) -> float:
    """What a worker measures."""
    x = trial.params["x"]
    assert isinstance(x, float)
    return (x - 0.3) ** 2


def follow(topology: Topology, study: str) -> list[tuple[int, asktell.TrialState]]:
    """Every change of the study's trials until it is finished, through one stream that is resumed where it broke."""
    changes = []
    with topology.client() as client:
        for change in client.study(study).watch():
            if change.trial is not None:
                changes.append((change.trial.number, change.trial.state))
            if change.study is not None and change.study.state is asktell.StudyState.FINISHED:
                break
    return changes


@pytest.mark.parametrize("end", [ServerProcess.kill, ServerProcess.terminate], ids=["kill-9", "drain"])
def test_each_server_goes_in_the_middle_and_nothing_is_lost_or_doubled(
    topology: Topology, end: Callable[[ServerProcess], object]
) -> None:
    name = f"rolling-{end.__name__}"
    with topology.client() as client:
        client.create_study(
            name,
            space={"x": asktell.Float(0.0, 1.0), "layers": asktell.Int(1, 8)},
            objectives=[asktell.Minimize("loss")],
            algorithm="random",
            max_trials=TRIALS,
        )
    run = Run(topology, name)
    with ThreadPoolExecutor(WORKERS + 1) as threads:
        watching = threads.submit(follow, topology, name)
        working: list[Future[None]] = [threads.submit(run.work) for _ in range(WORKERS)]
        try:
            for stage, server in enumerate(topology.servers):
                run.permit(TRIALS // 3)
                run.wait_told(stage * (TRIALS // 3) + 4)
                end(server)  # with calls of the other trials under way
                run.wait_told((stage + 1) * (TRIALS // 3))
                server.restart()
        finally:
            run.permit(TRIALS + WORKERS)  # the rest, and an end for each worker
        for worker in working:
            worker.result(timeout=60)
        changes = watching.result(timeout=60)

    with topology.client() as client:
        trials = client.study(name).trials()
    assert sorted(trial.number for trial in trials) == list(range(1, TRIALS + 1))
    assert {trial.state for trial in trials} == {asktell.TrialState.SUCCEEDED}
    assert {trial.number: trial.metrics["loss"] for trial in trials} == run.told
    assert Counter(run.handed_out) == Counter(range(1, TRIALS + 1)), "each trial went to one worker"
    assert all(trial.attempt == 1 for trial in trials)
    assert len({tuple(sorted(trial.params.items())) for trial in trials}) == TRIALS
    assert Counter(changes) == Counter(
        (number, state)
        for number in range(1, TRIALS + 1)
        for state in (asktell.TrialState.RUNNING, asktell.TrialState.SUCCEEDED)
    ), "the watcher saw each change once"


def test_both_servers_get_their_share_of_the_calls(topology: Topology) -> None:
    with topology.client() as client:
        study = client.create_study(
            "shared", space={"x": asktell.Float(0.0, 1.0)}, objectives=[asktell.Minimize("loss")], algorithm="random"
        )
        refresh_until_both_answer(topology, study)
        before = topology.balancer.answered(ASK)
        for trial in [study.ask() for _ in range(20)]:
            trial.tell(loss=loss(trial))
    share = topology.balancer.answered(ASK) - before
    assert share.total() == 20
    assert min(share[server.address] for server in topology.servers) >= 8


def test_while_no_server_answers_clients_are_told_so_and_go_on_afterwards(topology: Topology) -> None:
    with topology.client() as client:
        study = client.create_study(
            "away", space={"x": asktell.Float(0.0, 1.0)}, objectives=[asktell.Minimize("loss")], algorithm="random"
        )
        trial = study.ask()
        for server in topology.servers:
            server.kill()
        with (
            asktell.Client(topology.balancer.address, token=TOKEN, timeout_s=5.0) as impatient,
            pytest.raises(asktell.Unavailable, match="no asktell server answered"),
        ):
            impatient.study("away")
        with ThreadPoolExecutor() as threads:
            telling = threads.submit(trial.tell, loss=0.5)
            for server in topology.servers:
                server.restart()
            telling.result(timeout=60)
        assert study.trial(trial.number).metrics["loss"] == 0.5
