"""Two servers on one store, workers on both; one is killed, then the store: nothing acknowledged is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from asktell.v1 import study_pb2
from tests.integration.restart.crew import Crew, Follower, assert_nothing_lost_and_nothing_doubled
from tests.support.rpc import (
    Rpc,
    StudyCalls,
    algorithm,
    code_and_reason,
    eventually,
    int_parameter,
    key,
    lease,
    raw_values,
    refusal,
    space,
    tell_request,
)
from tests.support.server import ServerProcess
from tests.support.valkey import Server, standalone

pytestmark = pytest.mark.xdist_group("restart-two-servers")

BUDGET = 800
WORKERS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A durable Valkey that both servers share."""
    with standalone(tmp_path_factory.mktemp("shared") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def servers(store: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    """Two servers, started side by side."""

    def start(name: str) -> ServerProcess:
        return ServerProcess(directory / name, store=store.url)

    directory: Path = tmp_path_factory.mktemp("servers")
    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(start, ("one", "two")))
    yield started
    for server in started:
        server.terminate()


@pytest.mark.timeout(240)
def test_a_run_through_kills_of_one_server_and_the_store(servers: list[ServerProcess], store: Server) -> None:
    addresses = [server.address for server in servers]
    with Rpc(addresses[1]) as rpc:
        study = rpc.create(
            "shared", lease_policy=lease(3600), stopping_rules=study_pb2.StoppingRules(max_trials=BUDGET)
        )
        with Follower(addresses, study.name) as follower, Crew(addresses, study.name, workers=WORKERS) as crew:
            crew.wait_for(BUDGET // 4)
            servers[0].kill()
            crew.wait_for(BUDGET // 2)
            assert crew.retries, "half of the workers had to move"
            store.kill()
            assert crew.is_working, "it was killed in the middle of the run"
            crew.wait_for_retries()
            store.start()
            crew.wait_for(3 * BUDGET // 4)
            servers[0].restart()
            crew.finish()
            assert follower.resumed
            assert_nothing_lost_and_nothing_doubled(study, crew, follower, budget=BUDGET)


def test_what_one_server_did_the_other_knows_at_once(servers: list[ServerProcess]) -> None:
    with Rpc(servers[0].address) as one, Rpc(servers[1].address) as two:
        first = one.create("known")
        second = StudyCalls(two, first.name)
        trial = first.ask_one(request_id="ask")
        assert second.ask_one(request_id="ask") == trial
        assert second.report(trial, 0.9, step=1).lease_valid
        told = first.tell(trial, 0.5, request_id="tell")
        assert second.tell(trial, 0.5, request_id="tell") == told
        assert code_and_reason(lambda: second.tell(trial, 0.6)) == ("ALREADY_EXISTS", "RESULT_CONFLICT")
        second.update("state", state=study_pb2.STUDY_STATE_PAUSED)
        assert code_and_reason(first.ask_one) == ("FAILED_PRECONDITION", "STUDY_PAUSED")
        assert first.get() == second.get()
        with first.watch() as here, second.watch() as there:
            assert here.until(first.get().cursor) == there.until(first.get().cursor)


def test_asks_at_once_on_both_servers_differ(servers: list[ServerProcess]) -> None:
    with Rpc(servers[0].address) as one, Rpc(servers[1].address) as two:
        study = one.create("at-once", max_running_trials=24)
        calls = [rpc.trials.Ask.future(study.ask_request()) for _ in range(20) for rpc in (one, two)]
        trials = [trial for call in calls if not call.exception() for trial in call.result().trials]
        assert len(trials) == 24, "the limit holds across servers"
        assert len({key(trial) for trial in trials}) == len({trial.name for trial in trials}) == 24


def test_workers_on_both_servers_run_every_point_of_a_grid_once(servers: list[ServerProcess]) -> None:
    with Rpc(servers[0].address) as one, Rpc(servers[1].address) as two:
        study = one.create(
            "grid", search_space=space(int_parameter("n", 1, 60)), algorithm=algorithm("grid"), lease_policy=lease(3600)
        )

        def work(rpc: Rpc) -> list[int]:
            mine = StudyCalls(rpc, study.name)
            done: list[int] = []

            def step() -> bool:
                try:
                    trial = mine.ask_one()
                except grpc.RpcError as error:
                    return refusal(error).reason == "STUDY_COMPLETE"
                done.append(raw_values(trial)["n"])
                mine.tell(trial, 0.5)
                return False

            eventually(step, what="the grid is exhausted", interval_s=0.001)
            return done

        with ThreadPoolExecutor(8) as pool:
            points = [point for done in pool.map(work, [one, two] * 4) for point in done]
    assert sorted(points) == list(range(1, 61))


def test_a_conflict_across_servers_has_one_winner(servers: list[ServerProcess]) -> None:
    with Rpc(servers[0].address) as one, Rpc(servers[1].address) as two:
        study = one.create("conflict")
        for trial in study.ask(10):
            tells = [rpc.trials.Tell.future(tell_request(trial, loss)) for loss, rpc in enumerate([one, two, one, two])]
            taken = [call.result().trial.metrics["loss"].value for call in tells if not call.exception()]
            assert len(taken) == 1
            assert study.trial(trial.number).metrics["loss"].value == taken[0]
