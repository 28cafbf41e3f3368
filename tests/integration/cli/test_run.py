"""`asktell run` with real commands, processes and signals."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine
from tests.support.terminals import asktell_command, on_terminal

PATIENCE_S = 90.0
"""For what a process does at once, on a machine that has other things to do."""

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

OBJECTIVE = """
import json, math, os, sys
lr = float(sys.argv[1])
print("training", os.environ["ASKTELL_TRIAL"], flush=True)
print("a warning", file=sys.stderr)
for step in range(3):
    print(json.dumps({"step": step, "loss": 3.0 - step, "seconds": 0.1}), flush=True)
params = json.loads(os.environ["ASKTELL_PARAMS_JSON"])
assert params["lr"] == lr == float(os.environ["ASKTELL_PARAM_LR"])
assert str(params["batch-size"]) == os.environ["ASKTELL_PARAM_BATCH_SIZE"] == sys.argv[2].removeprefix("--batch=")
print(json.dumps({"loss": abs(math.log10(lr) + 3), "acc": 0.5}))
"""
HANG = """
import os, pathlib, sys, time
pathlib.Path(f"pid-{os.getpid()}").write_text("")
time.sleep(120)
"""


@pytest.fixture
def study(cli: CommandLine) -> asktell.Study:
    """The study of STUDY."""
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    return cli.client.study("s")


def python(cli: CommandLine, program: str, *arguments: str) -> tuple[str, ...]:
    """A command that runs a program."""
    return ("--", "python3", cli.file("objective.py", program), *arguments)


def wait_for(directory: Path, pattern: str, count: int) -> list[Path]:
    """Waits for files that a command writes."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := list(directory.glob(pattern))) < count:
        assert time.monotonic() < deadline, f"no {count} files {pattern}"
        time.sleep(0.02)
    return found


def gone(pid: int) -> bool:
    """No such process (or only its remains)."""
    try:
        return "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True


def test_a_program_is_an_objective(cli: CommandLine, study: asktell.Study) -> None:
    command = python(cli, OBJECTIVE, "{lr}", "--batch={batch-size}")
    out, err = cli.run("run", "s", "--workers", "2", "--max-trials", "6", *command)
    trials = study.trials()
    assert [trial.state for trial in trials] == ["SUCCEEDED"] * 6
    assert all(set(trial.metrics) == {"loss", "acc"} for trial in trials)
    assert [(each.step, each.metrics) for each in study.trial(1).measurements] == [
        (0, {"loss": 3.0}),
        (1, {"loss": 2.0}),
        (2, {"loss": 1.0}),
    ]
    assert err.count("does not declare the metric seconds") == 1
    best = study.best_trial
    assert best is not None
    assert f"6 done, best {best.metrics['loss']:.6g} (trial {best.number}); logs in asktell-logs/s" in out
    assert "★ BEST" in out
    log = (cli.directory / "asktell-logs/s/trial-1.log").read_text()
    assert sorted(log.splitlines()) == ["a warning", "training 1"]


def test_a_file_is_created_and_then_loaded(cli: CommandLine) -> None:
    file = cli.file("study.yaml", f"{STUDY}stopping: {{max_trials: 3}}\n")
    command = python(cli, OBJECTIVE, "{lr}", "--batch={batch-size}")
    cli.run("run", file, "--max-trials", "1", *command)
    out, err = cli.run("run", file, *command)
    assert "study is complete: " in err
    assert "2 done" in out
    _, err = cli.run("run", file, *command, code=4)
    assert err.splitlines()[-1].startswith("error: study is complete: ")


def test_the_last_number_by_pattern(cli: CommandLine, study: asktell.Study) -> None:
    cli.run(
        "run",
        "s",
        "--max-trials",
        "1",
        "--metric-regex",
        r"loss=(\S+)",
        "--",
        "sh",
        "-c",
        "echo loss=3; echo loss=2.5 x",
    )
    assert study.trials()[0].metrics == {"loss": 2.5}


@pytest.mark.parametrize(
    ("program", "options", "reason"),
    [
        (
            "import sys; print('CUDA out of memory', file=sys.stderr); sys.exit(3)",
            (),
            "exit status 3\nCUDA out of memory",
        ),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", (), "killed by SIGKILL"),
        ("import time; time.sleep(60)", ("--timeout", "0.5"), "timed out after 0.5 s"),
        ("print('fine')", (), 'no result: the command succeeded, but stdout had no line {"loss": …}'),
        ('print(\'{"step": 1, "loss": 2}\')', (), "it reported steps only"),
        ("print('{\"los\": 1}')", (), "it printed los"),
        ("print('{\"loss\": NaN}')", (), "must be finite"),
        ("print('fine')", ("--metric-regex", "x=(.)"), "no line of stdout matched 'x=(.)'"),
    ],
)
def test_failed_trials_say_why(
    cli: CommandLine, study: asktell.Study, program: str, options: tuple[str, ...], reason: str
) -> None:
    out, _ = cli.run("run", "s", "--max-trials", "1", *options, *python(cli, program))
    assert "1 done, 1 failed" in out
    trial = study.trials()[0]
    assert trial.state == "FAILED"
    assert reason in trial.reason


def test_three_failures_in_a_row_end_the_run(cli: CommandLine, study: asktell.Study) -> None:
    _, err = cli.run("run", "s", "--max-trials", "9", "--", "false", code=1)
    assert "3 trials failed in a row" in err
    assert study.refresh().counts.failed == 3
    cli.run("run", "s", "--max-trials", "4", "--keep-going", "--", "false")
    assert study.refresh().counts.failed == 7


def test_commands_that_do_not_exist_cost_no_trial(cli: CommandLine, study: asktell.Study) -> None:
    assert "command not found: nonsense" in cli.run("run", "s", "--", "nonsense", code=2)[1]
    assert "nonsense-" in cli.run("run", "s", "--", "./nonsense-{lr}", code=1)[1]
    counts = study.refresh().counts
    assert (counts.queued, counts.ended) == (1, 0)  # given back


def test_a_placeholder_that_is_no_parameter_ends_the_run_before_it_begins(
    cli: CommandLine, study: asktell.Study
) -> None:
    _, err = cli.run("run", "s", "--max-trials", "1", "--", "echo", "{batch_size}", code=2)
    assert "{batch_size} in the command is no parameter of the study, did you mean {batch-size}?" in err
    assert study.refresh().counts.total == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_gives_the_trials_back(
    cli: CommandLine, study: asktell.Study, number: signal.Signals, code: int
) -> None:
    run = cli.start("run", "s", "--workers", "2", *python(cli, HANG))
    pids = [int(file.name.removeprefix("pid-")) for file in wait_for(cli.directory, "pid-*", 2)]
    run.send_signal(number)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == code, err
    assert out.count("given back") == 2
    assert "Traceback" not in err
    assert all(gone(pid) for pid in pids)
    counts = study.refresh().counts
    assert (counts.running, counts.queued, counts.ended) == (0, 2, 0)
    again = study.ask()
    assert again.attempt == 1  # an orderly end does not count as an attempt


def test_a_second_interrupt_does_not_wait(cli: CommandLine, study: asktell.Study) -> None:
    stubborn = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{HANG}"
    for_ever = "from asktell.cli.running import process; process.GRACE_S = 3600"
    run = cli.start("run", "s", *python(cli, stubborn), prelude=for_ever)
    (file,) = wait_for(cli.directory, "pid-*", 1)
    run.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        run.wait(timeout=0.5)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 130
    assert gone(int(file.name.removeprefix("pid-")))
    assert study.refresh().counts.queued == 1


def test_a_cancelled_trial_ends_its_command(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}lease: {{duration_s: 1}}\n"))
    study = cli.client.study("s")
    run = cli.start("run", "s", "--max-trials", "1", *python(cli, HANG))
    (file,) = wait_for(cli.directory, "pid-*", 1)
    study.trials()[0].cancel("not wanted")
    out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, err
    assert gone(int(file.name.removeprefix("pid-")))
    assert study.trials()[0].state == "CANCELLED"
    assert "trial 1" in out


def test_a_trial_that_should_stop_ends_its_command(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}early_stopping: {{threshold: {{max: 2}}}}\n"))
    study = cli.client.study("s")
    program = 'import time\nfor step in (1, 2, 3): print(f\'{{"step": {step}, "loss": {step}}}\', flush=True)\ntime.sleep(120)'
    cli.run("run", "s", "--max-trials", "1", *python(cli, program))
    trial = study.trials()[0]
    assert (trial.state, trial.reason) == ("STOPPED", "threshold: its loss at step 3, 3, is above 2")
    assert trial.metrics == {"loss": 3.0}
    assert "early stopping  threshold (max 2)" in cli.run("study", "show", "s")[0]
    cli.run("study", "update", "s", "--early-stopping", "median:min_steps=4+patience:patience_steps=9")
    rules = asktell.MedianStopping(min_steps=4) | asktell.PatienceStopping(9)
    assert study.refresh().early_stopping == rules
    cli.run("study", "update", "s", "--early-stopping", "none")
    assert study.refresh().early_stopping is None


def test_a_long_trial_outlives_its_lease(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}lease: {{duration_s: 3}}\n"))
    program = "import time; time.sleep(4.5); print('{\"loss\": 1}')"
    cli.run("run", "s", "--max-trials", "1", *python(cli, program))
    trial = cli.client.study("s").trials()[0]
    assert (trial.state, trial.attempt) == ("SUCCEEDED", 1)


def test_several_runs_share_a_study(cli: CommandLine) -> None:
    file = cli.file("study.yaml", f"{STUDY}stopping: {{max_trials: 8}}\nmax_running: 2\n")
    cli.run("study", "create", file)
    command = python(cli, OBJECTIVE, "{lr}", "--batch={batch-size}")
    runs = [cli.start("run", "s", "--workers", "2", *command) for _ in range(2)]
    for run in runs:
        _, err = run.communicate(timeout=60)
        assert run.returncode in {0, 4}, err
    study: Any = cli.client.study("s")
    assert (study.state, study.counts.succeeded, study.counts.total) == ("FINISHED", 8, 8)


def test_the_display_on_a_terminal(cli: CommandLine, study: asktell.Study) -> None:
    command = python(cli, OBJECTIVE + "\nimport time; time.sleep(1)", "{lr}", "--batch={batch-size}")
    code, text = on_terminal(
        asktell_command("--project", cli.project, "run", "s", "--max-trials", "2", *command),
        width=60,
        directory=cli.directory,
        environment=cli.environment,
    )
    assert code == 0
    assert "2 done" in text
    assert "0 of 2 done" in text
    header = next(line for line in text.splitlines() if "running" in line and "loss" in line)
    assert header.split() == ["#", "running", "step", "loss", "lr", "batch-size", "nesterov"]
    row = next(line for line in text.splitlines() if re.match(r" *1 +[0-9.]+ s +2 +1 ", line))  # its last report
    assert "…" not in row


def test_the_log_of_a_rerun_is_its_own(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}lease: {{duration_s: 1}}\nmax_running: 1\n"))
    study = cli.client.study("s")
    lost = study.ask()
    assert lost._lease is not None
    lost._lease.closed = True  # its worker dies: no more heartbeats
    # This one's ask waits until the lease has run out.
    cli.run("run", "s", "--max-trials", "1", "--log-dir", "logs", "--", "echo", '{"loss": 1}')
    assert study.trials()[0].attempt == 2
    assert [file.name for file in (cli.directory / "logs").iterdir()] == ["trial-1-attempt-2.log"]
    assert json.loads(cli.run("best", "s", "--json")[0])["attempt"] == 2


def test_a_run_that_waits_for_a_trial_says_so_once(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", f"{STUDY}max_running: 1\n"))
    study = cli.client.study("s")
    held = study.ask()
    run = cli.start("run", "s", "--max-trials", "2", "--", "echo", '{"loss": 1}')
    assert run.stderr is not None
    line = run.stderr.readline()
    assert line.startswith("waiting: study ")
    assert "no trial to hand out now" in line
    held.tell(loss=0.5)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, err
    assert "waiting: " not in err
    assert "2 done" in out
