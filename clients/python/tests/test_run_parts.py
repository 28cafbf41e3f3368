"""The parts of `asktell run`: placeholders, metrics, child processes."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from pathlib import Path

import grpc
import pytest

import asktell
from asktell import ParameterValue
from asktell._core.course import Course, Ending, Step
from asktell._sync.runner import Listener, Runner
from asktell.cli.running import process
from asktell.cli.running.metrics import MetricsReader
from asktell.cli.running.process import Child, ending
from asktell.cli.running.template import check_placeholders, check_variables, environment, fill
from asktell.cli.running.trial_run import Job, TrialRun, starter
from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2
from tests.support.scripted_server import ScriptedServer, refusal
from tests.support.valkey import wait_until

PARAMS: dict[str, ParameterValue] = {"lr": 1e-05, "batch.size": 8, "opt": "a b", "nesterov": True}


def test_placeholders_are_words_of_the_command() -> None:
    command = ["train", "--lr={lr}", "{batch.size}", "{opt}", "{nesterov}", '{"json": {lr}}', "{lr"]
    assert fill(command, PARAMS) == [
        "train",
        "--lr=1e-05",
        "8",
        "a b",
        "true",
        '{"json": 1e-05}',
        "{lr",
    ]


def test_what_a_configuration_does_not_have_leaves_no_word() -> None:
    command = [
        "train",
        "--momentum",
        "{momentum}",
        "--decay={decay}",
        "{rank}",
        "--lr",
        "{lr}",
        "a{rank}b",
        "-x",
        "--y={lr}",
    ]
    assert fill(command, {"lr": 0.5}) == ["train", "--lr", "0.5", "ab", "-x", "--y=0.5"]
    assert fill(["sh", "-c", "train {lr} {momentum}"], {"lr": 0.5}) == ["sh", "-c", "train 0.5 "]


def test_values_are_not_filled_in_twice() -> None:
    assert fill(["{a}"], {"a": "{b}", "b": "x"}) == ["{b}"]


def test_doubled_braces_are_braces() -> None:
    command = ["{{lr}}", "${{HOME}}", '{"a": {"b": {lr}}}', "awk {{print}} {lr}"]
    assert fill(command, PARAMS) == ["{lr}", "${HOME}", '{"a": {"b": 1e-05}}', "awk {print} 1e-05"]


def test_placeholders_that_name_no_parameter_are_refused() -> None:
    check_placeholders(["{lr}", "{}", "{{HOME}}", "{1}", "{lr", '{"x": {lr}}'], PARAMS)
    with pytest.raises(ValueError, match=r"\{learning_rat\} in the command .*, did you mean \{learning_rate\}"):
        check_placeholders(["{learning_rat}"], ["learning_rate"])
    with pytest.raises(ValueError, match=r"it has lr; \(\{\{HOME\}\} stands for braces that stay\)"):
        check_placeholders(["echo ${HOME}"], ["lr"])


def test_environment() -> None:
    found = environment("projects/p/studies/s", 7, PARAMS)
    assert found["ASKTELL_TRIAL"] == "7"
    assert found["ASKTELL_PARAM_BATCH_SIZE"] == "8"
    assert found["ASKTELL_PARAM_NESTEROV"] == "true"
    assert float(found["ASKTELL_PARAM_LR"]) == 1e-05
    assert json.loads(found["ASKTELL_PARAMS_JSON"]) == PARAMS


def test_parameters_that_would_share_a_variable_are_refused() -> None:
    with pytest.raises(ValueError, match="'a-b' and 'a_b' would share the variable ASKTELL_PARAM_A_B"):
        check_variables(["a-b", "a_b"])


def reader(pattern: str | None = None) -> MetricsReader:
    return MetricsReader({"loss", "acc"}, "loss", re.compile(pattern) if pattern else None)


def test_an_object_with_a_step_is_a_report() -> None:
    mine = reader()
    assert mine.read('{"step": 3, "loss": 0.5, "lr": 1e-3, "note": "x", "done": true}') == Step(3, {"loss": 0.5})
    assert mine.result is None
    assert mine.dropped == {"lr"}


def test_the_last_object_without_a_step_is_the_result() -> None:
    mine = reader()
    for line in ('{"loss": 1}', '{"loss": 0.5, "acc": 0.9}', '{"event": "done"}', "loss 7", '{"time": 3}'):
        mine.read(line)
    assert mine.result == {"loss": 0.5, "acc": 0.9}


@pytest.mark.parametrize("line", ["epoch 3", "{not json", "[1, 2]", '{"loss": "0.3"}', '{"loss": true}', "{" * 99_999])
def test_other_lines_are_text(line: str) -> None:
    mine = reader()
    assert mine.read(line) == line
    assert mine.result is None


def test_a_pattern_takes_its_last_match() -> None:
    mine = reader(r"loss[= ]([-0-9.e]+)")
    for line in ("loss=3 loss=2.5", "loss=-", '{"acc": 1}', "nothing"):
        mine.read(line)
    assert mine.result == {"acc": 1}
    assert mine.read("loss 1e-3") is None
    assert mine.result == {"acc": 1, "loss": 1e-3}


def test_a_pattern_without_a_group_is_the_number() -> None:
    mine = reader(r"[0-9.]+$")
    mine.read("epoch 2 of 3: 0.25")
    assert mine.result == {"loss": 0.25}


class Output:
    """What a child printed."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.texts: list[str] = []
        self.first = threading.Event()

    def line(self, line: str) -> str | None:
        self.lines.append(line)
        self.first.set()
        return None if line.startswith("{") else line


def child(program: str, tmp_path: Path, output: Output) -> Child:
    return Child(
        [sys.executable, "-c", program],
        {"MARK": "here"},
        log_path=tmp_path / "logs" / "1.log",
        on_line=output.line,
        on_text=output.texts.append,
    )


def test_a_child_is_read_to_the_end(tmp_path: Path) -> None:
    output = Output()
    program = """
import os, sys
print(os.environ["MARK"]); print('{"loss": 1}'); print("oh", file=sys.stderr); print("last", end="")
sys.exit(3)
"""
    running = child(program, tmp_path, output)
    assert running.wait() == 3
    assert output.lines == ["here", '{"loss": 1}', "last"]
    assert sorted(output.texts) == ["here", "last", "oh"]
    assert running.last_errors == "oh"
    assert sorted((tmp_path / "logs/1.log").read_text().split()) == ["here", "last", "oh"]


def test_a_child_that_is_too_slow_is_ended(tmp_path: Path) -> None:
    running = child("import time; time.sleep(60)", tmp_path, Output())
    began = time.monotonic()
    assert running.wait(0.2) == -15
    assert running.stopped_because == "timed out after 0.2 s"
    assert time.monotonic() - began < process.GRACE_S


def test_a_child_that_does_not_comply_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.3)
    output = Output()
    program = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])  # holds stdout open
print("ready", flush=True)
time.sleep(60)
"""
    running = child(program, tmp_path, output)
    assert output.first.wait(10)
    running.terminate("enough")
    running.terminate("a second reason")
    began = time.monotonic()
    assert running.wait() == -9
    assert running.stopped_because == "enough"
    assert time.monotonic() - began < 10


def test_commands_that_cannot_be_started(tmp_path: Path) -> None:
    output = Output()
    with pytest.raises(OSError, match="no-such-program"):
        Child(["no-such-program"], {}, log_path=tmp_path / "l", on_line=output.line, on_text=output.texts.append)


def test_endings_in_words() -> None:
    assert [ending(status) for status in (0, 3, -9, -200)] == [
        "exit status 0",
        "exit status 3",
        "killed by SIGKILL",
        "killed by signal 200",
    ]


def a_job(command: list[str], log_dir: Path) -> Job:
    return Job(
        command=command,
        study="s",
        objective="loss",
        declared=frozenset({"loss"}),
        metric_regex=None,
        timeout_s=None,
        log_dir=log_dir,
    )


def a_runner(client: asktell.Client, scripted: ScriptedServer, tmp_path: Path) -> Runner:
    """Runs one trial that goes on from another one's checkpoint."""
    scripted.answer("StudyService/GetStudy", study_pb2.Study(name="projects/default/studies/s"))
    given = trial_pb2.Trial(name="projects/default/studies/s/trials/2", number=2, lease_id="L", continue_from=1)
    scripted.answer("TrialService/Ask", trial_service_pb2.AskResponse(trials=[given]))
    scripted.answer("TrialService/Tell", trial_service_pb2.TellResponse())
    scripted.answer("TrialService/ReleaseTrial", trial_pb2.Trial())
    job = a_job(["sh", "-c", 'echo "{\\"loss\\": $ASKTELL_CHECKPOINT}"'], tmp_path)
    course = Course(None, None, max_trials=1)
    return Runner(client.study("s"), lambda trial: starter(job, trial), course, workers=1, listener=Listener(), ask={})


def count(scripted: ScriptedServer, method: str) -> int:
    return sum(call.method.endswith(f"/{method}") for call in scripted.calls)


def test_a_start_waits_for_the_server(scripted: ScriptedServer, tmp_path: Path) -> None:
    away, back = refusal(grpc.StatusCode.UNAVAILABLE), trial_pb2.Trial(annotations={"checkpoint": "7"})
    scripted.answer("TrialService/GetTrial", *[away] * 6, back)
    with asktell.Client(scripted.address, timeout_s=0.3) as client:  # several times shorter than the outage
        a_runner(client, scripted, tmp_path).run_here()
    told = next(call.request for call in scripted.calls if call.method.endswith("/Tell"))
    assert told.metrics["loss"].value == 7
    assert count(scripted, "GetTrial") >= 7


def test_a_start_that_waits_for_the_server_can_be_interrupted(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer("TrialService/GetTrial", refusal(grpc.StatusCode.UNAVAILABLE))
    with asktell.Client(scripted.address, timeout_s=2.0) as client:
        runner = a_runner(client, scripted, tmp_path)
        runner.start()
        wait_until(lambda: count(scripted, "GetTrial") > 0)
        runner.interrupt()
        wait_until(lambda: runner.wait(0.1))
    assert runner.course.ending is Ending.INTERRUPTED
    assert runner.course.error is None
    assert runner.begun == 0
    assert count(scripted, "ReleaseTrial") > 0


def test_a_trial_that_cannot_be_started_is_given_back(scripted: ScriptedServer, tmp_path: Path) -> None:
    scripted.answer("TrialService/GetTrial", refusal(grpc.StatusCode.UNAUTHENTICATED))
    with asktell.Client(scripted.address, timeout_s=2.0) as client:
        runner = a_runner(client, scripted, tmp_path)
        runner.run_here()
    assert runner.course.ending is Ending.ERROR
    assert isinstance(runner.course.error, asktell.errors.Unauthenticated)
    assert runner.begun == 0
    assert count(scripted, "ReleaseTrial") > 0


def test_a_result_waits_for_the_server(scripted: ScriptedServer, tmp_path: Path) -> None:
    away, back = refusal(grpc.StatusCode.UNAVAILABLE), trial_service_pb2.TellResponse()
    scripted.answer("StudyService/GetStudy", study_pb2.Study(name="projects/default/studies/s"))
    scripted.answer("TrialService/Ask", trial_service_pb2.AskResponse(trials=[trial_pb2.Trial(number=1, lease_id="L")]))
    scripted.answer("TrialService/Tell", *[away] * 6, back)
    with asktell.Client(scripted.address, timeout_s=0.3) as client:  # several times shorter than the outage
        trial = client.study("s").ask()
        job = a_job(["echo", '{"loss": 0.5}'], tmp_path)
        run = TrialRun(job, trial, on_step=lambda step: None, on_text=lambda text: None)
        run.finish()
        assert not trial.is_open
    tells = [call.request for call in scripted.calls if call.method.endswith("/Tell")]
    assert len(tells) == 7
    assert all(request.metrics["loss"].value == 0.5 for request in tells)
