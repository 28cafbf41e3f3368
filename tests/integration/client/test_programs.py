"""Whole programs: the README's loop, and how programs end."""

from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import do
from tests.support.readme import blocks
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("client")  # one server for all of them

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("readme", "trials", "shown"), [("clients/python/README.md", 6, "SUCCEEDED"), ("README.md", 50, "rank")]
)
def test_the_readme_runs(
    server: ServerProcess, capsys: pytest.CaptureFixture[str], readme: str, trials: int, shown: str
) -> None:
    program = blocks(ROOT / readme, "python")[0].replace("localhost:50051", server.address)
    program = program.replace('"lora"', f'"readme-{trials}"').replace("max_trials=50", f"max_trials={trials}")
    training = {"train": lambda lr, rank: lr * rank, "train_an_epoch": lambda lr, rank: lr * rank}
    for _ in ("a worker", "another one, after the end"):
        exec(compile(program, readme, "exec"), dict(training))
    assert shown in capsys.readouterr().out


def test_an_error_is_one_traceback_with_a_way_on(server: ServerProcess) -> None:
    with asktell.Client(server.address, project="twice") as client:
        options: Any = {"space": {"x": asktell.Float(0, 1)}, "objectives": asktell.Minimize("loss")}
        client.create_study("s", **options)
        with pytest.raises(asktell.StudyExists, match="exist_ok=True") as raised:
            client.create_study("s", **options)
        with pytest.raises(asktell.NotFound) as missing:
            client.study("t")
        for error in (raised, missing):
            assert "RpcError" not in "".join(traceback.format_exception(error.value))


HOLD = """
import sys, time
import asktell

client = asktell.Client(sys.argv[1], project=sys.argv[2])
trial = client.study("s").ask()
print("ready", flush=True)
{ending}
"""


@pytest.mark.parametrize(
    ("ending", "interrupt", "states"),
    [
        ("", False, ["QUEUED"]),
        ("raise SystemExit(3)", False, ["QUEUED"]),
        ("raise ValueError", False, ["QUEUED"]),
        ("time.sleep(60)", True, ["QUEUED"]),
        ("with trial:\n    time.sleep(60)", True, ["QUEUED"]),
        ("with trial:\n    raise ValueError('diverged')", False, ["FAILED"]),
        ("import os; os._exit(1)", False, ["RUNNING"]),  # no clean end: the lease runs out
    ],
)
def test_a_program_that_ends_gives_its_trial_back(
    server: ServerProcess, ending: str, interrupt: bool, states: list[str]
) -> None:
    project = f"e{abs(hash((ending, interrupt))) % 10**9}"
    with asktell.Client(server.address, project=project) as client:
        study = client.create_study(
            "s", space={"x": asktell.Float(0, 1)}, objectives=asktell.Minimize("loss"), algorithm="random"
        )
        program = subprocess.Popen(
            [sys.executable, "-c", HOLD.format(ending=ending), server.address, project],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        if interrupt:
            program.send_signal(signal.SIGINT)
        program.communicate(timeout=90)
        assert [trial.state for trial in study.trials()] == states


def test_threads_share_a_client(server: ServerProcess) -> None:
    with asktell.Client(server.address, project="threads") as client:
        study = client.create_study(
            "s",
            space={"x": asktell.Float(0, 1)},
            objectives=asktell.Minimize("loss"),
            algorithm="random",
            max_trials=40,
        )

        def work() -> None:
            while True:
                try:
                    trial = study.ask()
                except asktell.StudyComplete:
                    return
                with trial:
                    trial.tell(loss=trial.params["x"])

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert study.refresh().counts.succeeded == 40


def _elsewhere(client: asktell.Client, study: asktell.Study, trial: asktell.Trial) -> tuple[asktell.Trial, str, bool]:
    assert trial.report(step=1, loss=0.7) is False
    assert not trial.is_open, "its lease is the other process's"
    trial.tell(loss=0.5)
    own = study.ask()
    own.tell(loss=0.25)
    return own, own.worker_id, client.study(study.id).id == study.id


def test_handles_travel_to_another_process(server: ServerProcess) -> None:
    with asktell.Client(server.address, project="travel", worker_id="at home") as client:
        study = client.create_study(
            "s", space={"x": asktell.Float(0, 1)}, objectives=asktell.Minimize("loss"), algorithm="random"
        )
        trial = study.ask()
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            own, worker, found = pool.apply(_elsewhere, (client, study, trial))
        assert found
        assert worker == "at home", "what the client was given"
        assert (own.number, own.state, own.metrics) == (2, "SUCCEEDED", {"loss": 0.25})
        assert own.refresh().state == "SUCCEEDED"
        assert (trial.refresh().state, trial.metrics) == ("SUCCEEDED", {"loss": 0.5})
        assert [each.step for each in trial.measurements] == [1]
        trial.tell(loss=0.5)  # the same result again: nothing happens


async def test_numpy_results(study: Any) -> None:
    numpy = pytest.importorskip("numpy")
    trial = await do(study.ask())
    await do(trial.report({"loss": numpy.float32(0.5)}, step=numpy.int64(1)))
    await do(trial.tell(loss=numpy.mean([0.25, 0.75]), acc=numpy.array(1)))
    assert trial.metrics == {"loss": 0.5, "acc": 1.0}
