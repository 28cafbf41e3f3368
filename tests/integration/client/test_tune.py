"""`asktell.tune`: the whole loop in one call, with real servers and processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import asktell
from tests.support.server import ServerProcess

pytestmark = pytest.mark.timeout(400)  # servers and processes load torch, which takes long on a busy machine

SPACE: dict[str, asktell.Domain] = {"x": asktell.Float(-1, 1), "kind": asktell.Categorical(["a", "b"])}


def bowl(trial: asktell.Trial) -> float:
    return float(trial.params["x"]) ** 2 + (trial.params["kind"] == "b")


def with_process(trial: asktell.Trial) -> dict[str, float]:
    """Which process ran it; long enough that no worker can run all of them before the others have begun."""
    deadline = time.monotonic() + 60
    while len({each.worker_id for each in trial_workers(trial)}) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return {"loss": bowl(trial)}


def trial_workers(trial: asktell.Trial) -> list[asktell.Trial]:
    with asktell.Client(os.environ["TUNE_TEST_ADDRESS"]) as client:
        return [each for each in client.study("shared").trials() if each.worker_id]


def test_one_call_tunes_a_function() -> None:
    tuned = asktell.tune(bowl, SPACE, asktell.Minimize("loss"), trials=12, seed=1, progress=False)
    assert len(tuned.trials) == 12
    assert tuned.best_params["kind"] == "a"
    assert tuned.best_trial.metrics["loss"] == min(trial.metrics["loss"] for trial in tuned.trials)
    assert len(tuned.dataframe()) == 12


def test_a_directory_keeps_the_study_and_more_trials_go_on_with_it(tmp_path: Path) -> None:
    first = asktell.tune(bowl, SPACE, asktell.Minimize("loss"), trials=3, data_dir=tmp_path, progress=False)
    again = asktell.tune(bowl, SPACE, asktell.Minimize("loss"), trials=5, data_dir=tmp_path, progress=False)
    assert [trial.params for trial in again.trials[:3]] == [trial.params for trial in first.trials]
    assert len(again.trials) == 5


def test_workers_are_processes(server: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNE_TEST_ADDRESS", server.address)
    tuned = asktell.tune(
        with_process,
        SPACE,
        asktell.Minimize("loss"),
        trials=4,
        workers=2,
        study="shared",
        address=server.address,
        progress=False,
    )
    assert len(tuned.trials) == 4
    assert len({trial.worker_id for trial in tuned.trials}) == 2
    with pytest.raises(asktell.StudyExists):
        asktell.tune(bowl, {"y": asktell.Float(0, 1)}, asktell.Minimize("loss"), study="shared", address=server.address)


def test_what_cannot_be_done_is_said_before_anything_starts(tmp_path: Path) -> None:
    loss = asktell.Minimize("loss")
    with pytest.raises(TypeError, match="top of a module"):
        asktell.tune(lambda trial: 1.0, SPACE, loss, workers=2)
    with pytest.raises(ValueError, match="workers"):
        asktell.tune(bowl, SPACE, loss, workers=0)
    with pytest.raises(ValueError, match="data_dir"):
        asktell.tune(bowl, SPACE, loss, data_dir=tmp_path, address="localhost:1")
    with pytest.raises(TypeError, match="trials in place of max_trials"):
        asktell.tune(bowl, SPACE, loss, max_trials=3)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match=r"the server did not start: .*file"):
        asktell.tune(bowl, SPACE, asktell.Minimize("loss"), data_dir=tmp_path / "file", progress=False)


PROGRAM = """
import asktell
def objective(trial):
    print("running", flush=True)
    import time; time.sleep(600)
asktell.tune(objective, {"x": asktell.Float(0, 1)}, asktell.Minimize("loss"), progress=False)
"""


def test_the_server_ends_with_its_program() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout is not None
            assert program.stdout.readline() == "running\n"
            processes = psutil.Process(program.pid).children(recursive=True)
            assert any("serve" in each.cmdline() for each in processes)
        finally:
            program.kill()
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
