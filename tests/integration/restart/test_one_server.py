"""kill -9 of the server, and of its embedded store, in the middle of a run: nothing acknowledged is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2
from tests.integration.restart.crew import PATIENCE_S, Crew, Follower, assert_nothing_lost_and_nothing_doubled
from tests.support.rpc import (
    Rpc,
    StudyCalls,
    algorithm,
    ask_when_ready,
    code_and_reason,
    eventually,
    float_parameter,
    lease,
    metrics,
    space,
)
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("restart-one-server")

BUDGET = 800
WORKERS = 6


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on its embedded store; the tests kill and restart it."""
    with ServerProcess(tmp_path_factory.mktemp("restart")) as server:
        yield server


def _store(server: ServerProcess, *, after: psutil.Process | None = None) -> psutil.Process:
    """The embedded Valkey of a server; with `after`, the one that took that one's place."""

    def find() -> psutil.Process | None:
        for child in psutil.Process(server.pid).children():
            try:
                if child != after and child.name().startswith("valkey"):
                    return child
            except psutil.NoSuchProcess:
                pass  # it ended while we looked
        return None

    store = eventually(find, what="the embedded store", timeout_s=PATIENCE_S)
    assert store is not None
    return store


@pytest.mark.timeout(240)
def test_a_run_through_kills_of_server_and_store(server: ServerProcess) -> None:
    with Rpc(server.address) as rpc:
        study = rpc.create(
            "killed", lease_policy=lease(3600), stopping_rules=study_pb2.StoppingRules(max_trials=BUDGET)
        )
        addresses = [server.address]
        with Follower(addresses, study.name) as follower, Crew(addresses, study.name, workers=WORKERS) as crew:
            crew.wait_for(BUDGET // 4)
            killed = _store(server)
            killed.suspend()  # or a new one would be back within the driver's own retries, before a worker notices
            crew.wait_for_retries()
            killed.kill()
            orphan = _store(server, after=killed)
            crew.wait_for(BUDGET // 2)
            server.kill()
            assert crew.is_working, "it was killed in the middle of the run"
            assert orphan.is_running(), "kill -9 of the server leaves its store to the next one"
            server.restart()
            crew.finish()
            assert follower.resumed
            assert_nothing_lost_and_nothing_doubled(study, crew, follower, budget=BUDGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """What there was when the server was killed; it runs again now."""

    rpc: Rpc
    kept: str
    everything: list[object]
    running: trial_pb2.Trial
    lapsing: trial_pb2.Trial


@pytest.fixture(scope="module")
def crash(server: ServerProcess) -> Iterator[Crash]:
    """Two studies with trials in many states; then kill -9 and a restart."""
    with Rpc(server.address) as rpc:
        lapsed = rpc.create("lapsed", algorithm=algorithm("manual"), lease_policy=lease(1))
        lapsed.enqueue({"x": 0.5})
        kept = rpc.create(
            "kept",
            search_space=space(float_parameter("x"), float_parameter("y", 1e-5, 1e-1)),
            lease_policy=lease(3600),
            display_name="Kept: ÜÖÄ",
            labels={"a": "b"},
            annotations={"run": "z" * 60_000},
            stopping_rules=study_pb2.StoppingRules(max_trials=50, target_value=-1.0),
        )
        kept.enqueue({"x": 0.1 + 0.2, "y": 1e-3}, {"x": 0.5, "y": 1e-4})
        running, told, failed = kept.ask(3)
        for step in range(3):
            kept.report(running, 1 / (step + 3), step=step)
        kept.tell(told, 1 / 3, metrics=metrics(1 / 3, accuracy=0.1 + 0.2))
        kept.tell(failed, outcome=trial_service_pb2.TELL_OUTCOME_FAILED, reason="diverged\nbadly")
        kept.ask_one(request_id="asked-before")
        kept.update("state", state=study_pb2.STUDY_STATE_PAUSED)
        everything = _everything(kept)
        lapsing = lapsed.ask_one()
    server.kill()
    server.restart()
    with Rpc(server.address) as rpc:
        yield Crash(rpc=rpc, kept=kept.name, everything=everything, running=running, lapsing=lapsing)


def test_everything_about_a_study_is_as_it_was(crash: Crash) -> None:
    study = StudyCalls(crash.rpc, crash.kept)
    assert _everything(study) == crash.everything
    assert code_and_reason(study.ask_one) == ("FAILED_PRECONDITION", "STUDY_PAUSED")
    assert study.report(crash.running, 0.25, step=3).lease_valid, "its worker goes on"
    assert study.tell(crash.running, 0.2).trial.state == trial_pb2.TRIAL_STATE_SUCCEEDED
    assert study.ask_one(request_id="asked-before").number == 4, "and so do its request ids"
    study.update("state", state=study_pb2.STUDY_STATE_ACTIVE)
    assert study.ask_one().number == 5


def _everything(study: StudyCalls) -> list[object]:
    trials = study.list_trials()
    with study.watch() as watch:
        story = watch.until(study.get().cursor)
    return [study.get(), trials, [study.trial(trial.number) for trial in trials], story]


def test_a_lease_goes_on_running_out_while_the_server_is_away(crash: Crash) -> None:
    again = ask_when_ready(StudyCalls(crash.rpc, crash.lapsing.name.rpartition("/trials/")[0]))
    assert (again.name, again.attempt, again.parameters) == (crash.lapsing.name, 2, crash.lapsing.parameters)


def test_two_servers_on_one_data_directory_are_refused(server: ServerProcess, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    (second / "data").symlink_to(server.data_dir, target_is_directory=True)
    with pytest.raises(RuntimeError, match=f"is in use by process {server.pid}"):
        ServerProcess(second)
    with Rpc(server.address) as rpc:
        assert rpc.create("unharmed").ask_one().number == 1
