"""Deadlines, retries and waiting, of both clients, against a server that misbehaves on request."""

from __future__ import annotations

import asyncio
import gc
import inspect
import logging
import os
import socket
import threading
import time
from collections.abc import AsyncIterator
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

import asktell
from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2
from tests.support.scripted_server import ScriptedServer, refusal

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
NAME = "projects/default/studies/s"


def a_study() -> study_pb2.Study:
    study = study_pb2.Study(name=NAME, state=study_pb2.STUDY_STATE_ACTIVE)
    study.search_space.parameters.add(name="x").float_domain.max = 1
    study.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    return study


def a_trial(number: int = 1, lease_s: float | None = 60.0) -> trial_pb2.Trial:
    trial = trial_pb2.Trial(
        name=f"{NAME}/trials/{number}", number=number, lease_id=f"L{number}", state=trial_pb2.TRIAL_STATE_RUNNING
    )
    trial.parameters["x"].double_value = 0.5
    trial.start_time.FromMilliseconds(1_000_000)
    if lease_s is not None:
        trial.lease_expire_time.FromMilliseconds(1_000_000 + int(lease_s * 1000))
    return trial


def asked(*trials: trial_pb2.Trial) -> trial_service_pb2.AskResponse:
    return trial_service_pb2.AskResponse(trials=trials or [a_trial()])


def told(state: trial_pb2.TrialState.ValueType = trial_pb2.TRIAL_STATE_SUCCEEDED) -> trial_service_pb2.TellResponse:
    return trial_service_pb2.TellResponse(trial=trial_pb2.Trial(name=f"{NAME}/trials/1", number=1, state=state))


async def do(value: Any) -> Any:
    """The result of a call of either client."""
    return await value if inspect.isawaitable(value) else value


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Any:
    return asktell.Client if request.param == "sync" else asktell.AsyncClient


@pytest.fixture
async def client(kind: Any, scripted: ScriptedServer) -> AsyncIterator[Any]:
    scripted.answer("StudyService/GetStudy", a_study())
    scripted.answer("TrialService/ReleaseTrial", trial_pb2.Trial())
    client = kind(scripted.address, timeout_s=30.0, slow_timeout_s=40.0, token="secret", worker_id="me")
    yield client
    await do(client.close())


def calls_of(scripted: ScriptedServer, method: str) -> list[Any]:
    return [call for call in scripted.calls if call.method.endswith(f"/{method}")]


async def test_unavailable_is_tried_again_with_the_same_request(client: Any, scripted: ScriptedServer) -> None:
    scripted.answer("TrialService/Ask", refusal(UNAVAILABLE, "SERVER_DRAINING"), refusal(UNAVAILABLE), asked())
    trial = await do((await do(client.study("s"))).ask())
    assert trial.params == {"x": 0.5}
    requests = [call.request for call in calls_of(scripted, "Ask")]
    assert len(requests) == 3
    assert requests[0].request_id
    assert all(request == requests[0] for request in requests)
    assert requests[0].worker_id == "me"


async def test_fixed_values_are_asked_for_in_their_own_kinds(client: Any, scripted: ScriptedServer) -> None:
    over = refusal(grpc.StatusCode.FAILED_PRECONDITION, "FIXED_EXHAUSTED", fixed="batch=8")
    scripted.answer("TrialService/Ask", asked(), over)
    study = await do(client.study("s"))
    fixed = {"batch": 8, "lr": 0.5, "opt": "sgd", "bias": True}
    await do(study.ask(fixed=fixed, worker_id="me"))
    with pytest.raises(asktell.FixedExhausted) as caught:
        await do(study.ask(fixed=fixed))
    assert caught.value.fixed == "batch=8"
    for call in calls_of(scripted, "Ask"):
        parameters = call.request.fixed_parameters
        assert {name: getattr(value, value.WhichOneof("kind")) for name, value in parameters.items()} == fixed
        assert isinstance(parameters["batch"].int_value, int)
        assert parameters["batch"].HasField("int_value")
    with pytest.raises(TypeError, match="fixed must map names to values"):
        await do(study.ask(fixed="batch=8"))


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, EXHAUSTED, grpc.StatusCode.FAILED_PRECONDITION])
async def test_nothing_else_is_tried_again(client: Any, scripted: ScriptedServer, code: grpc.StatusCode) -> None:
    scripted.answer("StudyService/GetStudy", refusal(code, retry_s=0.01))
    with pytest.raises(asktell.AsktellError):
        await do(client.study("s"))
    assert len(scripted.calls) == 1


async def test_lost_races_are_tried_again_a_few_times(client: Any, scripted: ScriptedServer) -> None:
    lost = refusal(grpc.StatusCode.ABORTED, "CONTENTION", name=NAME)
    scripted.answer("StudyService/GetStudy", lost, lost, a_study())
    assert (await do(client.study("s"))).id == "s"
    scripted.answer("StudyService/GetStudy", refusal(grpc.StatusCode.ABORTED, "ETAG_MISMATCH", etag="e2"))
    scripted.calls.clear()
    with pytest.raises(asktell.EtagMismatch) as caught:
        await do(client.study("s"))
    assert caught.value.etag == "e2"
    assert len(scripted.calls) == 1


@pytest.mark.parametrize("hint", [{"retry_s": 0.4}, {"pushback_ms": 400}])
async def test_the_servers_hint_is_honoured(client: Any, scripted: ScriptedServer, hint: dict[str, Any]) -> None:
    scripted.answer("StudyService/GetStudy", refusal(UNAVAILABLE, "STORE_UNAVAILABLE", **hint), a_study())
    began = time.monotonic()
    await do(client.study("s"))
    assert time.monotonic() - began >= 0.4


async def test_a_hint_beyond_the_deadline_ends_the_call(kind: Any, scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/GetStudy", refusal(UNAVAILABLE, "STORE_UNAVAILABLE", "store away", retry_s=600))
    client = kind(scripted.address, timeout_s=60.0)
    began = time.monotonic()
    with pytest.raises(asktell.Unavailable, match="store away"):
        await do(client.study("s"))
    assert time.monotonic() - began < 30.0  # at once, that is
    await do(client.close())


async def test_every_call_has_a_deadline_and_the_token(kind: Any, scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/GetStudy", a_study())
    scripted.answer("TrialService/Ask", asked())
    client = kind(scripted.address, timeout_s=100.0, slow_timeout_s=200.0, token="secret")
    study = await do(client.study("s"))
    trial = await do(study.ask())
    assert trial.is_open
    get, ask = scripted.calls
    assert get.time_left_s is not None
    assert ask.time_left_s is not None
    assert 50.0 < get.time_left_s < 101.0  # gRPC rounds a little
    assert 150.0 < ask.time_left_s < 201.0
    assert get.metadata["authorization"] == "Bearer secret"
    await do(client.close())


async def test_a_server_that_does_not_answer_in_time(kind: Any, scripted: ScriptedServer) -> None:
    def hang(request: Any, context: grpc.ServicerContext) -> study_pb2.Study:
        while context.is_active():
            time.sleep(0.01)
        return a_study()

    scripted.answer("StudyService/GetStudy", hang)
    client = kind(scripted.address, timeout_s=2.0)  # in which a busy machine makes a connection
    with pytest.raises(asktell.DeadlineExceeded):
        await do(client.study("s"))
    await do(client.close())


def free_port() -> int:
    """A port of this machine that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def test_no_server_at_all(kind: Any) -> None:
    address = f"127.0.0.1:{free_port()}"
    client = kind(address, timeout_s=600.0, wait_s=0.2)
    began = time.monotonic()
    with pytest.raises(asktell.Unavailable) as caught:
        await do(client.study("s"))
    assert time.monotonic() - began < 100.0  # not for as long as a call may take
    assert str(caught.value).startswith(
        f"no server answers at {address}: nothing listens there; start one: asktell-server"
    )
    assert f"--listen {address} " in str(caught.value)
    await do(client.close())


async def test_a_server_that_comes_late_is_waited_for(kind: Any) -> None:
    scripted, server = ScriptedServer(), grpc.server(futures.ThreadPoolExecutor(2))
    scripted.answer("StudyService/GetStudy", a_study())
    server.add_generic_rpc_handlers((scripted,))
    address = f"127.0.0.1:{free_port()}"
    client = kind(address, wait_s=60.0)
    late = threading.Timer(0.5, lambda: (server.add_insecure_port(address), server.start()))
    late.start()
    try:
        assert (await do(client.study("s"))).id == "s"
    finally:
        late.join()
        server.stop(None).wait()
        await do(client.close())


async def test_ask_waits_for_a_trial(client: Any, scripted: ScriptedServer) -> None:
    none = refusal(EXHAUSTED, "NO_TRIAL_AVAILABLE", retry_s=0.1, name=NAME, running="8")
    busy = refusal(EXHAUSTED, "OVERLOADED", retry_s=0.1)
    scripted.answer("TrialService/Ask", none, busy, asked(a_trial(1), a_trial(2)))
    trials = await do((await do(client.study("s"))).ask(2))
    assert [trial.number for trial in trials] == [1, 2]
    requests = [call.request for call in calls_of(scripted, "Ask")]
    assert [request.count for request in requests] == [2, 2, 2]
    assert len({request.request_id for request in requests}) == 3  # a refused request is over


async def test_ask_need_not_wait(client: Any, scripted: ScriptedServer) -> None:
    scripted.answer("TrialService/Ask", refusal(EXHAUSTED, "NO_TRIAL_AVAILABLE", retry_s=30))
    study = await do(client.study("s"))
    for wait in (False, 0.2):
        with pytest.raises(asktell.NoTrialAvailable) as caught:
            await do(study.ask(wait=wait))
        assert caught.value.retry_after_s == 30.0


async def test_a_complete_study_says_so(client: Any, scripted: ScriptedServer) -> None:
    code = grpc.StatusCode.FAILED_PRECONDITION
    scripted.answer("TrialService/Ask", refusal(code, "STUDY_COMPLETE", name=NAME, finish_reason="TARGET"))
    with pytest.raises(asktell.StudyComplete, match=r"^study is complete: "):
        await do((await do(client.study("s"))).ask())


async def test_create_or_open_is_decided_by_the_server(client: Any, scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/CreateStudy", a_study())
    spec: dict[str, Any] = {"space": {"x": asktell.Float(0, 1)}, "objectives": asktell.Minimize("loss")}
    assert (await do(client.create_study("s", exist_ok=True, **spec))).id == "s"
    (call,) = calls_of(scripted, "CreateStudy")
    assert call.request.exist_ok


async def test_a_mistake_in_a_study_file_is_placed(client: Any, scripted: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_text("name: s\n")
    mistake = refusal(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_STUDY_FILE", field="study_file", line="1", column="1")
    scripted.answer("StudyService/CreateStudy", mistake, mistake, a_study())
    for method in (client.create_study_from_file, client.check_study_file):
        with pytest.raises(asktell.InvalidStudyFile) as caught:
            await do(method(file))
        assert str(caught.value).startswith(f"{file}:")
        assert (caught.value.line, caught.value.field) == (1, "study_file")
    assert (await do(client.create_study_from_file(file, study_id="t", exist_ok=True))).id == "s"
    requests = [call.request for call in calls_of(scripted, "CreateStudy")]
    assert [(each.study_file, each.study_id, each.exist_ok, each.validate_only) for each in requests] == [
        ("name: s\n", "", False, False),
        ("name: s\n", "", False, True),
        ("name: s\n", "t", True, False),
    ]


async def test_the_heartbeat_renews_and_stops(client: Any, scripted: ScriptedServer) -> None:
    report = trial_service_pb2.ReportResponse
    scripted.answer("TrialService/Ask", asked(a_trial(lease_s=0.6)))
    scripted.answer("TrialService/Report", report(lease_valid=True), report(lease_valid=True, should_stop=True))
    scripted.answer("TrialService/Tell", told(trial_pb2.TRIAL_STATE_STOPPED))
    trial = await do((await do(client.study("s"))).ask())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    trial.on_stop(lambda: loop.call_soon_threadsafe(stopped.set))
    await asyncio.wait_for(stopped.wait(), 30)
    assert trial.should_stop
    await do(trial.stop())
    assert trial.state is asktell.TrialState.STOPPED
    beats = calls_of(scripted, "Report")
    assert {(call.request.lease_id, len(call.request.metrics)) for call in beats} == {("L1", 0)}
    await asyncio.sleep(0.5)  # two heartbeats' time: none may come after the result
    assert len(calls_of(scripted, "Report")) == len(beats)


async def test_a_dropped_trial_is_not_kept_alive(client: Any, scripted: ScriptedServer) -> None:
    beaten = asyncio.Event()
    loop = asyncio.get_running_loop()

    def beat(request: Any, context: grpc.ServicerContext) -> trial_service_pb2.ReportResponse:
        loop.call_soon_threadsafe(beaten.set)
        return trial_service_pb2.ReportResponse(lease_valid=True)

    scripted.answer("TrialService/Ask", asked(a_trial(lease_s=0.6)))
    scripted.answer("TrialService/Report", beat)
    trial = await do((await do(client.study("s"))).ask())
    await asyncio.wait_for(beaten.wait(), 30)
    assert trial.is_open
    del trial
    gc.collect()
    await asyncio.sleep(0.3)  # one in flight may still arrive
    before = len(calls_of(scripted, "Report"))
    await asyncio.sleep(0.5)  # two heartbeats' time
    assert len(calls_of(scripted, "Report")) == before


async def test_close_gives_trials_back(kind: Any, scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/GetStudy", a_study())
    scripted.answer("TrialService/Ask", asked(a_trial(1), a_trial(2), a_trial(3, lease_s=None)))
    scripted.answer("TrialService/ReleaseTrial", trial_pb2.Trial())
    scripted.answer("TrialService/Tell", told())
    client = kind(scripted.address)
    trials = await do((await do(client.study("s"))).ask(3))
    await do(trials[0].tell(loss=1))
    await do(client.close())
    await do(client.close())
    assert [call.request.lease_id for call in calls_of(scripted, "ReleaseTrial")] == ["L2"]


async def enter(trial: Any, error: BaseException | None) -> None:
    """A `with` block that ends with the error, or without one."""
    if hasattr(trial, "__aenter__"):
        async with trial:
            if error is not None:
                raise error
    else:
        with trial:
            if error is not None:
                raise error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError("diverged"), "Tell"),
        (asktell.NotFinite("loss is nan"), "Tell"),
        (KeyboardInterrupt(), "ReleaseTrial"),
        (SystemExit(1), "ReleaseTrial"),
        (asyncio.CancelledError(), "ReleaseTrial"),
        (asktell.Unavailable("no server"), "ReleaseTrial"),
        (asktell.UnknownMetric("no such metric"), "ReleaseTrial"),
    ],
)
async def test_an_error_in_the_block_ends_the_trial(
    client: Any, scripted: ScriptedServer, error: BaseException, outcome: str
) -> None:
    scripted.answer("TrialService/Ask", asked())
    scripted.answer("TrialService/Tell", told(trial_pb2.TRIAL_STATE_FAILED))
    trial = await do((await do(client.study("s"))).ask())
    with pytest.raises(type(error)):
        await enter(trial, error)
    assert not trial.is_open
    last = scripted.calls[-1]
    assert last.method.endswith(outcome)
    if outcome == "Tell":
        assert last.request.outcome == trial_service_pb2.TELL_OUTCOME_FAILED
        assert last.request.reason == f"{type(error).__name__}: {error}"


async def test_a_block_that_tells_nothing_gives_the_trial_back(client: Any, scripted: ScriptedServer) -> None:
    scripted.answer("TrialService/Ask", asked())
    trial = await do((await do(client.study("s"))).ask())
    with pytest.warns(RuntimeWarning, match="was not told and has been given back"):
        await enter(trial, None)
    assert scripted.calls[-1].method.endswith("ReleaseTrial")


async def test_a_lost_server_does_not_hide_the_error_of_the_block(
    kind: Any, scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    scripted.answer("StudyService/GetStudy", a_study())
    scripted.answer("TrialService/Ask", asked())
    scripted.answer("TrialService/Tell", refusal(UNAVAILABLE))
    client = kind(scripted.address, timeout_s=0.3)
    trial = await do((await do(client.study("s"))).ask())
    with caplog.at_level(logging.WARNING, "asktell"), pytest.raises(ValueError, match="mine"):
        await enter(trial, ValueError("mine"))
    assert "its lease will run out" in caplog.text
    await do(client.close())


async def test_report_wants_a_step(client: Any, scripted: ScriptedServer) -> None:
    scripted.answer("TrialService/Ask", asked())
    scripted.answer("TrialService/Report", trial_service_pb2.ReportResponse(lease_valid=True, should_stop=True))
    trial = await do((await do(client.study("s"))).ask())
    with pytest.raises(TypeError, match="step"):
        await do(trial.report(loss=0.4))
    assert await do(trial.report({"val/loss": 0.4}, step=3, acc=1)) is True
    request = calls_of(scripted, "Report")[-1].request
    assert (request.step, set(request.metrics), request.lease_id) == (3, {"val/loss", "acc"}, "L1")
    assert request.request_id


async def collect(watch: Any, into: list[asktell.Change]) -> None:
    """Follows a watch of either client to its end."""
    if hasattr(watch, "__aiter__"):
        async for change in watch:
            into.append(change)  # noqa: PERF401 # what came before an error is wanted, too
    else:
        into.extend(watch)


async def test_a_watch_goes_on_where_it_broke_off(client: Any, scripted: ScriptedServer) -> None:
    def first(request: Any, context: grpc.ServicerContext) -> Any:
        yield trial_service_pb2.WatchStudyResponse(cursor="1", study=a_study())
        yield trial_service_pb2.WatchStudyResponse(cursor="2", trial=a_trial())
        context.abort(UNAVAILABLE, "going down")

    def second(request: Any, context: grpc.ServicerContext) -> Any:
        gone = trial_service_pb2.DeletedTrial(name=f"{NAME}/trials/7")
        yield trial_service_pb2.WatchStudyResponse(cursor="3", deleted_trial=gone)

    def third(request: Any, context: grpc.ServicerContext) -> Any:
        reported = trial_service_pb2.ReportedMeasurement(name=f"{NAME}/trials/8")
        reported.measurement.step = 4
        reported.measurement.metrics["loss"].value = 0.5
        yield trial_service_pb2.WatchStudyResponse(cursor="4", reported=reported)
        refusal(grpc.StatusCode.NOT_FOUND, "STUDY_NOT_FOUND", name=NAME)(request, context)

    scripted.answer("TrialService/WatchStudy", first, second, third)
    study = await do(client.study("s"))
    changes: list[asktell.Change] = []
    watch = study.watch("0")
    with pytest.raises(asktell.StudyNotFound):
        await collect(watch, changes)
    assert [change.cursor for change in changes] == ["1", "2", "3", "4"]
    assert [call.request.cursor for call in calls_of(scripted, "WatchStudy")] == ["0", "2", "3"]
    assert changes[1].trial is not None
    assert changes[1].trial.params == {"x": 0.5}
    assert changes[2].deleted_trial == 7
    assert changes[3].reported is not None
    assert (changes[3].reported[0], changes[3].reported[1].metrics) == (8, {"loss": 0.5})


def test_a_dropped_client_gives_its_trials_back(scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/GetStudy", a_study())
    scripted.answer("TrialService/Ask", asked())
    scripted.answer("TrialService/ReleaseTrial", trial_pb2.Trial())
    trial = asktell.Client(scripted.address).study("s").ask()
    gc.collect()
    assert trial.is_open  # the handle keeps the connection
    assert not calls_of(scripted, "ReleaseTrial")
    lease = trial._lease
    del trial
    gc.collect()
    assert lease is not None
    assert len(calls_of(scripted, "ReleaseTrial")) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_refuses_the_parents_client(scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/GetStudy", a_study())
    with asktell.Client(scripted.address) as client:
        client.study("s")
        child = os.fork()
        if child == 0:
            try:
                client.study("s")
            except RuntimeError as error:
                os._exit(0 if "fork" in str(error) else 1)
            os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.study("s").id == "s"


async def test_a_closed_client_says_so(kind: Any, scripted: ScriptedServer) -> None:
    scripted.answer("StudyService/GetStudy", a_study())
    client = kind(scripted.address)
    study = await do(client.study("s"))
    await do(client.close())
    await do(client.close())
    assert repr(client).endswith("project default closed>")
    for call in (lambda: client.study("s"), study.refresh, study.ask, lambda: study.trial(1)):
        with pytest.raises(asktell.ClientClosed, match=r"^this client is closed, .*: make another one$"):
            await do(call())


async def test_closing_ends_what_another_thread_or_task_waits_for(kind: Any, scripted: ScriptedServer) -> None:
    begun, release = threading.Event(), threading.Event()

    def wait(request: Any, context: grpc.ServicerContext) -> Any:
        begun.set()
        release.wait(30)
        return a_study()

    scripted.answer("StudyService/GetStudy", wait)
    client = kind(scripted.address)
    if kind is asktell.Client:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.study, "s")
            assert begun.wait(30)
            client.close()
            with pytest.raises(asktell.ClientClosed):
                waiting.result(30)
    else:
        task = asyncio.create_task(client.study("s"))
        assert await asyncio.to_thread(begun.wait, 30)
        await client.close()
        with pytest.raises(asktell.ClientClosed):
            await task
    release.set()
