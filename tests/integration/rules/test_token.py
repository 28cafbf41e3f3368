"""With ASKTELL_TOKEN set, every call but health and reflection needs the token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from asktell.v1 import suggestion_service_pb2, trial_service_pb2
from tests.support.rpc import Rpc, code_and_reason
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("token")

TOKEN = "s3cret-t0ken"  # of this test's server alone
REFUSED = ("UNAUTHENTICATED", "UNAUTHENTICATED")
TOO_LARGE = ("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED")
LARGE_BYTES = 20_000_000


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that wants a token."""
    directory = tmp_path_factory.mktemp("guarded")
    with ServerProcess(directory, environment={"ASKTELL_TOKEN": TOKEN}) as server:
        yield server


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper()])
def test_without_the_token_nothing_is_answered(guarded: ServerProcess, token: str | None) -> None:
    with Rpc(guarded.address, token=token) as rpc:
        assert code_and_reason(lambda: rpc.create("a-study")) == REFUSED
        watch = trial_service_pb2.WatchStudyRequest(study="a-study")
        assert code_and_reason(lambda: list(rpc.trials.WatchStudy(watch))) == REFUSED
        suggest = suggestion_service_pb2.SuggestRequest()
        assert code_and_reason(lambda: rpc.suggestions.Suggest(suggest)) == REFUSED


def test_with_the_token_everything_is(guarded: ServerProcess) -> None:
    with Rpc(guarded.address, token=TOKEN) as rpc:
        study = rpc.create("a-study")
        study.tell(study.ask_one(), 0.5)
        with study.watch() as watch:
            assert len(watch.until(study.get().cursor)) == 3


def test_probes_need_no_token(guarded: ServerProcess) -> None:
    with grpc.insecure_channel(guarded.address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_the_token_is_in_no_log_and_no_process_list(guarded: ServerProcess) -> None:
    assert TOKEN not in guarded.log()
    assert TOKEN not in str(guarded.process.args)


@pytest.mark.parametrize(
    ("method", "token", "refusal"),
    [
        ("SuggestionService/Suggest", "wrong", REFUSED),
        ("TrialService/Ask", "wrong", REFUSED),
        ("TrialService/Ask", TOKEN, TOO_LARGE),
    ],
)
def test_refused_calls_of_the_largest_size_leave_nothing_in_memory(
    guarded: ServerProcess, method: str, token: str, refusal: tuple[str, str]
) -> None:
    body = suggestion_service_pb2.SuggestRequest(warm_start=b"x" * LARGE_BYTES).SerializeToString()
    metadata = [("authorization", f"Bearer {token}")]
    server = psutil.Process(guarded.process.pid)
    with grpc.insecure_channel(guarded.address, options=[("grpc.max_send_message_length", -1)]) as channel:
        call: Any = channel.unary_unary(f"/asktell.v1.{method}")
        for _ in range(5):  # grpc and the allocator keep these for the next ones
            assert code_and_reason(lambda: call(body, timeout=60, metadata=metadata)) == refusal
        before = server.memory_info().rss
        for _ in range(30):
            assert code_and_reason(lambda: call(body, timeout=60, metadata=metadata)) == refusal
        assert server.memory_info().rss - before < 10 * LARGE_BYTES
