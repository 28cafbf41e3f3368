"""Nobody starves: a flood on one study, asks on many at once, and more calls than a server takes."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import grpc
import pytest

from asktell.v1 import trial_pb2
from tests.integration.rules.conftest import NewStudy
from tests.integration.rules.modelling import model_study
from tests.support.rpc import Rpc, StudyCalls, algorithm, float_parameter, key, refusal, space
from tests.support.server import ServerProcess

STUDIES = 25
FLOODING = 6
RESULTS = 20
"""Enough for the model to be asked."""
MAX_CALLS = 4


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rpc]:
    """A server that takes few calls at once."""
    directory: Path = tmp_path_factory.mktemp("small")
    with ServerProcess(directory, arguments=["--max-calls", str(MAX_CALLS)]) as server, Rpc(server.address) as rpc:
        yield rpc


def test_no_study_waits_for_ever_while_another_is_flooded(new_study: NewStudy) -> None:
    flooded = model_study(new_study, results=RESULTS)
    others = [model_study(new_study, results=RESULTS) for _ in range(STUDIES)]
    over = threading.Event()
    taken: list[int] = []

    def flood() -> None:
        while not over.is_set():
            taken.append(len(flooded.ask(1)))

    threads = [threading.Thread(target=flood) for _ in range(FLOODING)]
    for thread in threads:
        thread.start()
    try:
        calls = [study.rpc.trials.Ask.future(study.ask_request(1)) for study in others]
        trials = [call.result().trials[0] for call in calls]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    # Only a wait that nobody bounds would end at a deadline or without the model.
    assert {trial.origin for trial in trials} == {trial_pb2.ORIGIN_MODEL}
    assert taken


def test_64_asks_at_once_with_a_model_all_differ(new_study: NewStudy) -> None:
    study = model_study(new_study, results=RESULTS)
    calls = [study.rpc.trials.Ask.future(study.ask_request(1, worker_id=f"w{index}")) for index in range(64)]
    trials = [trial for call in calls for trial in call.result().trials]
    assert len({key(trial) for trial in trials}) == 64
    assert {trial.origin for trial in trials} == {trial_pb2.ORIGIN_MODEL}


def test_more_calls_than_a_server_takes_are_told_when_to_come_again(small: Rpc) -> None:
    studies = [_quick_study(small) for _ in range(8)]
    outcomes: Counter[str] = Counter()
    for _ in range(5):
        calls = [study.rpc.trials.Ask.future(study.ask_request(1)) for study in studies for _ in range(12)]
        for call in calls:
            try:
                assert len(call.result().trials) == 1
                outcomes["answered"] += 1
            except grpc.RpcError as error:
                what = refusal(error)
                assert (what.code.name, what.reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
                assert what.retry_delay_s
                trailers = dict(list(cast(grpc.Call, error).trailing_metadata() or ()))
                assert int(trailers["grpc-retry-pushback-ms"]) == round(what.retry_delay_s * 1000)
                outcomes["refused"] += 1
    assert outcomes["answered"] >= MAX_CALLS
    assert outcomes["refused"] > 0
    # What was refused has left nothing behind, and the server takes calls as before.
    assert sum(study.get().trial_counts.running for study in studies) == outcomes["answered"]
    assert studies[0].ask_one().state == trial_pb2.TRIAL_STATE_RUNNING


def _quick_study(rpc: Rpc) -> StudyCalls:
    return rpc.create(
        f"s-{secrets.token_hex(6)}", algorithm=algorithm("random"), search_space=space(float_parameter("x"))
    )
