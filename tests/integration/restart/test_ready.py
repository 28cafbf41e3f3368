"""Suggestions ready before anybody asks, on two servers and one store: used once, kept through crashes, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgpack
import pytest
import redis

from asktell.v1 import study_pb2, study_service_pb2, trial_service_pb2
from tests.support.rpc import (
    Rpc,
    StudyCalls,
    algorithm,
    code_and_reason,
    eventually,
    float_parameter,
    key,
    metrics,
    raw_values,
    space,
    tell_request,
    values,
)
from tests.support.server import ServerProcess
from tests.support.valkey import Server, standalone

pytestmark = pytest.mark.xdist_group("ready")

HOUR_S = 3600


class Store:
    """The store, and what is prepared in it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def client(self) -> Any:
        """A connection of the test's own."""
        return redis.Redis.from_url(self.server.url)

    def ready(self, study: StudyCalls) -> list[dict[str, Any]]:
        """The configurations that are prepared, the oldest first."""
        elements = self.client.lrange(_key(study, "ready"), 0, -1)
        return [msgpack.unpackb(element.partition(b"\n")[2][1:])["parameters"] for element in elements]

    def is_being_prepared(self, study: StudyCalls) -> bool:
        """Somebody has the lock."""
        return bool(self.client.exists(_key(study, "preparing")))

    def until_ready(self, study: StudyCalls, count: int = 1) -> list[dict[str, Any]]:
        """What is prepared once it is as much and nobody is at it."""
        eventually(
            lambda: len(self.ready(study)) >= count and not self.is_being_prepared(study),
            what=f"{count} prepared suggestions",
        )
        return self.ready(study)


def _key(study: StudyCalls, name: str) -> str:
    _, project, _, study_id = study.name.split("/")
    return f"asktell:{{{project}/{study_id}}}:{name}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A durable Valkey that both servers share."""
    with standalone(tmp_path_factory.mktemp("ready") / "store") as server:
        yield Store(server)


@pytest.fixture(scope="module")
def servers(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ServerProcess]]:
    """Two servers, started side by side."""
    directory: Path = tmp_path_factory.mktemp("servers")
    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(lambda name: ServerProcess(directory / name, store=store.server.url), ("one", "two")))
    yield started
    for server in started:
        server.terminate()


@pytest.fixture
def rpcs(servers: list[ServerProcess]) -> Iterator[tuple[Rpc, Rpc]]:
    """A channel to each."""
    for server in servers:
        if server.process.poll() is not None:
            server.restart()
    with Rpc(servers[0].address) as one, Rpc(servers[1].address) as two:
        yield one, two


def a_model_study(rpc: Rpc, study_id: str, *, results: int = 10, dimension: int = 2, **changes: Any) -> StudyCalls:
    """A study whose next suggestion takes the model."""
    names = [f"p{index}" for index in range(dimension)]
    study = rpc.create(
        study_id,
        algorithm=algorithm("bayesian", start_trials=1),
        search_space=space(*map(float_parameter, names)),
        **changes,
    )
    request = trial_service_pb2.ImportTrialsRequest(study=study.name)
    for index in range(results):
        point = {name: (index * (0.37 + place / 7)) % 1.0 for place, name in enumerate(names)}
        request.trials.add(import_key=str(index), parameters=values(point), metrics=metrics(sum(point.values())))
    rpc.trials.ImportTrials(request)
    return study


def test_what_is_ready_is_handed_out_once(store: Store, rpcs: tuple[Rpc, Rpc]) -> None:
    one, two = rpcs
    study = a_model_study(one, "once", max_staleness=8)
    study.ask(6)
    prepared = store.until_ready(study, 6)
    calls = [rpc.trials.Ask.future(study.ask_request()) for _ in range(8) for rpc in (one, two)]
    trials = [trial for call in calls for trial in call.result().trials]
    assert len({key(trial) for trial in trials}) == len({trial.name for trial in trials}) == 16
    handed_out = [raw_values(trial) for trial in trials]
    assert all(configuration in handed_out for configuration in prepared)


def test_a_single_worker_s_suggestions_know_its_last_result(store: Store, rpcs: tuple[Rpc, Rpc]) -> None:
    study = a_model_study(rpcs[0], "single")
    asked = []
    for _ in range(4):
        trial = study.ask_one()
        study.tell(trial, 0.5)
        asked.append(eventually(lambda: store.ready(study), what="a prepared suggestion")[-1])
    assert len({tuple(each.values()) for each in asked}) == 4, "each result led to another suggestion"


def test_a_retry_gets_the_same_trial_from_another_server(
    store: Store, rpcs: tuple[Rpc, Rpc], servers: list[ServerProcess]
) -> None:
    one, two = rpcs
    study = a_model_study(one, "retry", max_staleness=8)
    study.ask_one()
    (prepared, *_) = store.until_ready(study)
    trial = study.ask_one(request_id="r")
    assert raw_values(trial) == prepared
    servers[0].kill()
    assert StudyCalls(two, study.name).ask_one(request_id="r") == trial


def _pause(study: StudyCalls) -> None:
    study.update("state", state=study_pb2.STUDY_STATE_PAUSED)
    assert code_and_reason(study.ask_one) == ("FAILED_PRECONDITION", "STUDY_PAUSED")
    study.update("state", state=study_pb2.STUDY_STATE_ACTIVE)


def _amend(study: StudyCalls) -> None:
    told = next(trial for trial in study.list_trials() if trial.metrics)
    study.rpc.trials.AmendTrial(
        trial_service_pb2.AmendTrialRequest(
            name=told.name,
            outcome=trial_service_pb2.TELL_OUTCOME_SUCCEEDED,
            metrics=metrics(-9.0),
            reason="read from the wrong column",
        )
    )


def _delete(study: StudyCalls) -> None:
    told = next(trial for trial in study.list_trials() if trial.metrics)
    study.rpc.trials.DeleteTrial(trial_service_pb2.DeleteTrialRequest(name=told.name))


@pytest.mark.parametrize("change", [_pause, _amend, _delete])
def test_what_does_not_fit_any_more_is_not_handed_out(
    store: Store, rpcs: tuple[Rpc, Rpc], change: Callable[[StudyCalls], None]
) -> None:
    one, two = rpcs
    study = a_model_study(one, f"fit{change.__name__}".replace("_", "-"), max_staleness=8)
    study.ask_one()
    before = store.client.lrange(_key(study, "ready"), 0, -1) if store.until_ready(study) else []
    change(StudyCalls(two, study.name))
    assert not set(before) & set(store.client.lrange(_key(study, "ready"), 0, -1))
    assert study.ask_one().number


def test_the_store_keeps_what_is_ready(store: Store, rpcs: tuple[Rpc, Rpc], servers: list[ServerProcess]) -> None:
    study = a_model_study(rpcs[0], "kept", max_staleness=8)
    study.ask_one()
    prepared = store.until_ready(study)
    for server in servers:
        server.terminate()
    store.server.kill()
    store.server.start()
    assert store.ready(study) == prepared
    servers[1].restart()
    with Rpc(servers[1].address) as rpc:
        assert raw_values(StudyCalls(rpc, study.name).ask_one()) == prepared[0]


def test_a_server_killed_while_it_prepares_holds_up_nobody(
    store: Store, rpcs: tuple[Rpc, Rpc], servers: list[ServerProcess]
) -> None:
    one, two = rpcs
    study = a_model_study(one, "killed", results=900, dimension=8, max_staleness=8)
    trial = study.ask_one()

    def caught() -> bool:
        """Kills it in the middle; each result makes it prepare again."""
        if store.is_being_prepared(study):
            servers[0].kill()
            return True
        return False

    eventually(caught, what="a preparation", interval_s=0.001)
    other = StudyCalls(two, study.name)
    if store.client.expire(_key(study, "preparing"), HOUR_S):
        found = [other.ask_one() for _ in range(2)]  # no ask waits until the lock of the dead has lapsed
        assert len({key(each) for each in (trial, *found)}) == 3
        store.client.pexpire(_key(study, "preparing"), 1)
    two.trials.Tell(tell_request(trial, 0.1))
    eventually(lambda: store.ready(study), what="the other server prepares once the lock has lapsed", timeout_s=60)


def test_a_deleted_study_leaves_nothing(store: Store, rpcs: tuple[Rpc, Rpc]) -> None:
    study = a_model_study(rpcs[0], "deleted")
    study.ask_one()
    store.until_ready(study)
    rpcs[1].call("StudyService", "DeleteStudy", study_service_pb2.DeleteStudyRequest(name=study.name))
    eventually(
        lambda: not store.client.exists(_key(study, "ready"), _key(study, "preparing")), what="nothing is left of it"
    )
