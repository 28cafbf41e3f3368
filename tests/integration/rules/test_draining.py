"""SIGTERM: calls in flight are finished, streams and new calls are sent elsewhere, nothing is lost."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from asktell.v1 import trial_pb2
from tests.integration.rules.modelling import BATCH, model_study, until_computing
from tests.support.rpc import Rpc, eventually, refusal
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("draining")


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of this test's own."""
    with ServerProcess(tmp_path_factory.mktemp("mortal")) as server:
        yield server


def test_a_server_that_is_told_to_stop_finishes_what_it_has_begun(mortal: ServerProcess) -> None:
    with Rpc(mortal.address) as rpc:
        study = model_study(lambda **changes: rpc.create(f"s-{secrets.token_hex(4)}", **changes), 400)
        health: Any = health_pb2_grpc.HealthStub(rpc.channel)
        healthy = health.Watch(health_pb2.HealthCheckRequest(), timeout=60)
        assert next(healthy).status == health_pb2.HealthCheckResponse.SERVING
        watch = study.watch(study.get().cursor)
        asking = rpc.trials.Ask.future(study.ask_request(BATCH))
        until_computing(mortal, asking)

        mortal.process.send_signal(signal.SIGTERM)
        assert next(healthy).status == health_pb2.HealthCheckResponse.NOT_SERVING
        eventually(lambda: _refuses(rpc), what="new calls are refused")
        with pytest.raises(grpc.RpcError) as ended:
            list(watch)
        assert (refusal(ended.value).code.name, refusal(ended.value).reason) == ("UNAVAILABLE", "SERVER_DRAINING")
        assert refusal(ended.value).retry_delay_s is not None

        trials = asking.result().trials
        assert len(trials) == BATCH
    assert mortal.process.wait(timeout=60) == 0
    assert "Traceback" not in mortal.log()

    mortal.restart()
    with Rpc(mortal.address) as rpc:
        again = type(study)(rpc, study.name)
        running = [trial for trial in again.list_trials() if trial.state == trial_pb2.TRIAL_STATE_RUNNING]
        assert [trial.lease_id for trial in running] == [trial.lease_id for trial in trials]
        again.tell(trials[0], 0.5)


def _refuses(rpc: Rpc) -> bool:
    try:
        rpc.create(f"s-{secrets.token_hex(4)}")
    except grpc.RpcError as error:
        assert error.code() is grpc.StatusCode.UNAVAILABLE, error  # noqa: PT017  # whichever way it goes away
        return True
    return False
