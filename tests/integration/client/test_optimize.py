"""`study.optimize`: the loop in one call, with a real server, real threads and a real Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import do
from tests.support.server import ServerProcess
from tests.support.terminals import on_terminal
from tests.support.valkey import wait_until

pytestmark = pytest.mark.xdist_group("client")  # one server for all of them

SPACE = {"x": asktell.Float(0, 1)}
PATIENCE_S = 60.0


@pytest.fixture
def new(client: Any, kind: Any) -> Callable[..., Any]:
    """Makes studies of random search."""

    async def make(**options: Any) -> Any:
        objectives = asktell.Minimize("loss")
        return await do(
            client.create_study("s", space=SPACE, objectives=objectives, metrics=["acc"], algorithm="random", **options)
        )

    return make


def of(study: Any, function: Callable[[Any], Any]) -> Any:
    """The function as the client takes it: a coroutine function for the asynchronous one."""
    if isinstance(study, asktell.Study):
        return function

    async def awaited(trial: Any) -> Any:
        return await do(function(trial))

    return awaited


async def test_until_the_study_is_complete(new: Any, caplog: pytest.LogCaptureFixture) -> None:
    study = await new(max_trials=6)
    with caplog.at_level(logging.INFO, "asktell"):
        assert await do(study.optimize(of(study, lambda trial: trial.params["x"]), workers=3)) is study
    assert repr(study).endswith("FINISHED (MAX_TRIALS), 6 trials ended, budget 6>")
    assert await do(study.best_value) == min(trial.params["x"] for trial in await do(study.trials()))
    assert sum(" SUCCEEDED " in record.getMessage() for record in caplog.records) == 6
    await do(study.optimize(of(study, lambda trial: 0.0)))  # nothing is left to do


def _give(value: Any, _trial: Any) -> Any:
    return value


async def test_what_a_function_may_return(new: Any) -> None:
    study = await new()
    returned = [0.5, {"loss": 0.25, "acc": 1}, asktell.MetricValue(0.75, 0.1)]
    await do(study.optimize(of(study, lambda trial: returned[trial.number - 1]), trials=3))
    first, second, third = await do(study.trials())
    assert (first.metrics, second.metrics) == ({"loss": 0.5}, {"loss": 0.25, "acc": 1.0})
    assert third.standard_errors == {"loss": 0.1}

    def tells(trial: Any) -> Any:
        return trial.infeasible("too large")

    await do(study.optimize(of(study, tells), trials=1))
    assert (await do(study.trial(4))).state == "INFEASIBLE"
    wrongs: list[tuple[Any, str]] = [
        (None, "it told nothing and returned None"),
        ("0.5", "it returned str '0.5'"),
    ]
    for wrong, words in wrongs:
        with pytest.raises(asktell.InvalidArgument, match=f"the value of loss, or metrics by name, .*: {words}$"):
            await do(study.optimize(of(study, functools.partial(_give, wrong))))
        assert (await do(study.trial(5))).state == "QUEUED", "a bug is not the configuration's fault"
    with pytest.raises(asktell.UnknownMetric):
        await do(study.optimize(of(study, lambda trial: {"loss": 1, "f1": 2})))
    assert (await do(study.trial(5))).state == "QUEUED"


async def test_failures_are_counted_and_too_many_in_a_row_end_it(new: Any) -> None:
    study = await new()

    def function(trial: Any) -> float:
        if trial.number != 2:
            raise ValueError(f"boom {trial.number}")
        return float("nan") if trial.number > 2 else 1.0

    with pytest.raises(asktell.TooManyFailures) as caught:
        await do(study.optimize(of(study, function)))
    assert str(caught.value) == (
        "3 trials in a row failed, the last one, trial 5, with: ValueError: boom 5 "
        "(max_failures_in_a_row=None goes on whatever happens)"
    )
    assert isinstance(caught.value.__cause__, ValueError)
    assert [trial.state for trial in await do(study.trials())] == ["FAILED", "SUCCEEDED", *["FAILED"] * 3]
    assert (await do(study.trial(1))).reason == "ValueError: boom 1"
    await do(study.optimize(of(study, function), trials=4, max_failures_in_a_row=None))
    assert study.counts.failed == 8
    with pytest.raises(ValueError, match="boom 10"):
        await do(study.optimize(of(study, function), catch=KeyError))
    assert (await do(study.trial(10))).state == "FAILED"
    await do(study.optimize(of(study, lambda trial: float("nan")), trials=1))
    assert (await do(study.trial(11))).reason.startswith("NotFinite: ")


def test_a_trial_that_was_called_off_is_not_told(server: ServerProcess) -> None:
    with asktell.Client(server.address, project=f"p{uuid.uuid4().hex[:12]}") as client:
        study = client.create_study("s", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random")

        def function(trial: asktell.Trial) -> float:
            study.trial(trial.number).cancel("enough")
            assert trial.report(step=1, loss=1) is True
            return 0.5

        study.optimize(function, trials=1)
        assert [(trial.state, trial.metrics) for trial in study.trials()] == [("CANCELLED", {})]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"trials": 0}, "trials must be at least 1, got 0"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"timeout_s": 0}, "timeout_s must be greater than 0, got 0"),
        ({"max_failures_in_a_row": 0}, "max_failures_in_a_row must be at least 1, got 0"),
    ],
)
async def test_arguments_without_sense_are_refused(new: Any, arguments: Any, words: str) -> None:
    study = await new()
    with pytest.raises(ValueError, match=f"^{words}$"):
        await do(study.optimize(of(study, lambda trial: 0.0), **arguments))
    assert await do(study.trials()) == []


async def test_after_its_time_no_more_trials_begin(new: Any) -> None:
    study = await new(max_running=1)
    held = await do(study.ask())  # so that there is nothing to be had: it waits until its time is up
    await do(study.optimize(of(study, lambda trial: 0.0), timeout_s=0.5, workers=2))
    assert [trial.number for trial in await do(study.trials())] == [held.number]


async def test_workers_work_at_the_same_time(new: Any, kind: Any) -> None:
    study = await new()
    if kind is asktell.Client:
        together = threading.Barrier(3)
        study.optimize(lambda trial: float(together.wait(PATIENCE_S)), trials=3, workers=3)
    else:
        meeting = asyncio.Barrier(3)

        async def function(trial: Any) -> float:
            async with asyncio.timeout(PATIENCE_S):
                return float(await meeting.wait())

        await study.optimize(function, trials=3, workers=3)
    assert study.counts.succeeded == 3


async def test_cancelling_gives_the_trials_back(server: ServerProcess) -> None:
    async with asktell.AsyncClient(server.address, project=f"p{uuid.uuid4().hex[:12]}") as client:
        study = await client.create_study("s", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random")
        begun = asyncio.Semaphore(0)

        async def function(trial: asktell.AsyncTrial) -> float:
            begun.release()
            await asyncio.sleep(PATIENCE_S)
            return 0.0

        task = asyncio.create_task(study.optimize(function, workers=2))
        async with asyncio.timeout(PATIENCE_S):
            await begun.acquire()
            await begun.acquire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [trial.state for trial in await study.trials()] == ["QUEUED", "QUEUED"]


PROGRAM = """
import sys, threading, time
import asktell

workers, stubborn = int(sys.argv[3]), sys.argv[4] == "stubborn"
study = asktell.Client(sys.argv[1], project=sys.argv[2]).study("s")
begun = threading.Semaphore(0)

def function(trial):
    if trial.number <= 2:
        return 0.5
    begun.release()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (stubborn or not trial.should_stop):
        time.sleep(0.01)
    assert stubborn or trial.report(step=1, loss=1)
    return 0.1

def say():
    for _ in range(workers):
        begun.acquire()
    print("ready", flush=True)

threading.Thread(target=say, daemon=True).start()
try:
    study.optimize(function, workers=workers, progress=True)
except KeyboardInterrupt:
    print("left at once", flush=True)
print(study, flush=True)
"""


@pytest.mark.parametrize(
    ("workers", "kind_of_function", "interrupts"), [(1, "stubborn", 1), (3, "cooperative", 1), (3, "stubborn", 2)]
)
def test_ctrl_c_gives_running_trials_back_and_returns(
    server: ServerProcess, workers: int, kind_of_function: str, interrupts: int
) -> None:
    project = f"p{uuid.uuid4().hex[:12]}"
    with asktell.Client(server.address, project=project) as client:
        study = client.create_study("s", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random")
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, server.address, project, str(workers), kind_of_function],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGINT)
        if interrupts == 2:
            given_back = "giving the trials back while their functions go on"
            wait_until(lambda: study.refresh().counts.queued == workers, timeout_s=PATIENCE_S, what=given_back)
            program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=PATIENCE_S)
        assert program.returncode == 0, out + err
        assert "Traceback" not in err
        assert [trial.state for trial in study.trials()] == ["SUCCEEDED"] * 2 + ["QUEUED"] * workers
        assert ("left at once" in out) is (interrupts == 2)
        assert out.rstrip().endswith(">")
        if interrupts == 1:
            assert f"ACTIVE, 2 trials ended, {workers} queued" in out


def test_a_terminal_shows_the_best_so_far(server: ServerProcess, tmp_path: Path) -> None:
    project = f"p{uuid.uuid4().hex[:12]}"
    program = (
        "import sys, asktell\n"
        "study = asktell.Client(sys.argv[1], project=sys.argv[2]).create_study('s', space={'x': asktell.Float(0, 1)},"
        " objectives=asktell.Minimize('loss'), algorithm='random', max_trials=4)\n"
        "study.optimize(lambda trial: 0.125 if trial.number == 3 else 1 / 0 if trial.number == 2 else 0.5)\n"
    )
    command = [sys.executable, "-c", program, server.address, project]
    code, shown = on_terminal(command, width=120, directory=tmp_path, environment=os.environ)
    assert code == 0, shown
    assert "4/4" in shown
    assert "1 failed, best 0.125 (trial 3)" in shown


async def test_of_all_errors_the_last_one_is_kept(new: Any) -> None:
    study = await new()
    models: list[weakref.ref[Any]] = []
    alive = []

    class Model:
        """What a function's frame holds."""

    def function(trial: Any) -> Any:
        gc.collect()
        alive.append(sum(model() is not None for model in models))
        model = Model()
        models.append(weakref.ref(model))
        raise ValueError(f"boom {trial.number}")

    await do(study.optimize(of(study, function), trials=5, max_failures_in_a_row=None))
    assert max(alive) <= 1


async def test_a_failure_that_the_function_told_has_no_cause(new: Any) -> None:
    study = await new()

    def function(trial: Any) -> Any:
        if trial.number == 1:
            raise ValueError("boom")
        return trial.fail("diverged")

    with pytest.raises(asktell.TooManyFailures, match="trial 2, with: diverged") as caught:
        await do(study.optimize(of(study, function), max_failures_in_a_row=2))
    assert caught.value.__cause__ is None


async def test_an_error_that_ends_it_keeps_its_cause(new: Any) -> None:
    study = await new()

    def function(trial: Any) -> Any:
        raise KeyError("boom") from OSError("disk full")

    with pytest.raises(KeyError) as caught:
        await do(study.optimize(of(study, function), catch=ValueError))
    assert isinstance(caught.value.__cause__, OSError)


WAITING = """
import asyncio, sys, asktell
address, project, kind = sys.argv[1:]

def function(trial):
    print("at work", flush=True)
    sys.stdin.readline()
    return 0.5

async def main():
    async with asktell.AsyncClient(address, project=project) as client:
        study = await client.study("s")
        await study.optimize(lambda trial: asyncio.to_thread(function, trial), trials=2, workers=2)

if kind == "async":
    asyncio.run(main())
else:
    with asktell.Client(address, project=project) as client:
        client.study("s").optimize(function, trials=2, workers=2)
"""


@pytest.mark.parametrize("client_kind", ["sync", "async"])
def test_the_bar_says_waiting_only_while_nothing_runs(server: ServerProcess, client_kind: str) -> None:
    project = f"p{uuid.uuid4().hex[:12]}"
    control, terminal = os.openpty()
    frames: list[str] = [""]  # what the bar drew; of the last one perhaps only the beginning yet

    def look() -> None:
        with contextlib.suppress(OSError):  # what Linux says once the other end is closed
            while piece := os.read(control, 65536):
                first, *more = piece.decode(errors="replace").split("\r")
                frames[-1] += first
                frames.extend(more)

    with asktell.Client(server.address, project=project) as client:
        study = client.create_study(
            "s", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", max_running=1
        )
        held = study.ask()
        program = subprocess.Popen(
            [sys.executable, "-c", WAITING, server.address, project, client_kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=terminal,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "160"},
            text=True,
        )
        os.close(terminal)
        looking = threading.Thread(target=look, daemon=True)  # all the while: a full terminal would block the program
        looking.start()
        assert program.stdout is not None
        try:
            wait_until(
                lambda: any("waiting: " in frame for frame in frames), timeout_s=PATIENCE_S, what="the bar says waiting"
            )
            held.tell(loss=1)
            assert program.stdout.readline() == "at work\n"
            before = len(frames)  # the other worker is refused from here on
            wait_until(
                lambda: any("0/2" in frame and "waiting" not in frame for frame in frames[before:-1]),
                timeout_s=PATIENCE_S,
                what="the bar says no more that it waits",
            )
            out, _ = program.communicate("\n\n", timeout=PATIENCE_S)
            assert (program.returncode, out) == (0, "at work\n")
        finally:
            program.kill()
            program.wait()
            looking.join()
            os.close(control)
