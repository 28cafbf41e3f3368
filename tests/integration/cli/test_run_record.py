"""What `asktell run` keeps of each trial's run, in a real git repository with real processes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

FOUND = {"run.command", "run.exit_code", "run.duration_s", "run.cpu_s", "run.host", "run.os", "run.python"}
MAYBE = {"run.peak_memory_bytes"}
"""Not told of commands that take less than `asktell run` itself."""
PROGRAM = """
import json, sys
if float(sys.argv[1]) > 1: sys.exit(3)
print(json.dumps({"annotations": {"run.artifact.model": "file:///m", "run.seed": 7}}))
print(json.dumps({"loss": 0.5}))
"""


def _git(directory: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ["git", *identity, *words], cwd=directory, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def study(cli: CommandLine) -> asktell.Study:
    """The study of STUDY, and the working directory a repository whose only commit has the program."""
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    cli.file("train.py", PROGRAM)
    _git(cli.directory, "init", "-q")
    _git(cli.directory, "add", "train.py")
    _git(cli.directory, "commit", "-qm", "first")
    return cli.client.study("s")


def test_a_run_is_kept_with_the_result(cli: CommandLine, study: asktell.Study) -> None:
    command = ("--annotation", "team=nlp", "--", "python3", "train.py", "{lr}", "--hub-token", "abc")
    cli.run("run", "s", "--max-trials", "1", *command)
    (trial,) = study.trials()
    said = trial.annotations
    assert set(said) - MAYBE == FOUND | {"run.git_commit", "run.git_dirty", "run.artifact.model", "run.seed", "team"}
    assert said["run.git_commit"] == _git(cli.directory, "rev-parse", "HEAD")
    assert said["run.git_dirty"] == "false"
    assert said["run.command"] == f"python3 train.py {trial.params['lr']!r} --hub-token '***'"
    assert (said["run.exit_code"], said["run.artifact.model"], said["run.seed"]) == ("0", "file:///m", "7")
    assert float(said["run.duration_s"]) > 0
    assert said["team"] == "nlp"
    # One change for the start, one for the end: nothing is written beside the result.
    assert trial.measurement_count == 0
    assert len(list(_changes(study))) == 3, "the study, the start, the result"


def test_failures_are_kept_too_and_changed_files_are_said(cli: CommandLine, study: asktell.Study) -> None:
    (cli.directory / "train.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    cli.run("run", "s", "--max-trials", "1", "--", "python3", "train.py")
    (trial,) = study.trials()
    assert (trial.state, trial.reason) == ("FAILED", "killed by SIGKILL")
    assert (trial.annotations["run.exit_code"], trial.annotations["run.git_dirty"]) == ("-9", "true")


def test_nothing_is_found_out_where_nobody_wants_it(cli: CommandLine, study: asktell.Study) -> None:
    cli.run("run", "s", "--max-trials", "1", "--no-record", "--annotation", "a=b=c", "--", "echo", '{"loss": 1}')
    assert study.trials()[0].annotations == {"a": "b=c"}
    assert "--annotation ab: is not KEY=VALUE" in cli.run("run", "s", "--annotation", "ab", "--", "true", code=2)[1]


def test_a_record_that_is_too_large_costs_no_result(cli: CommandLine, study: asktell.Study) -> None:
    program = "import json\nfor key in 'xy': print(json.dumps({'loss': 1, 'annotations': {key: 'z' * 40_000}}))"
    _, err = cli.run("run", "s", "--max-trials", "1", "--", "python3", "-c", program)
    (trial,) = study.trials()
    assert (trial.state, trial.metrics, trial.annotations) == ("SUCCEEDED", {"loss": 1.0}, {})
    assert "trial 1: its record is too large and was dropped: annotations: must have at most 65536 bytes" in err


def _changes(study: asktell.Study) -> list[object]:
    """All changes of the study up to now."""
    cursor = study.refresh().cursor
    found: list[object] = []
    for change in study.watch():
        found.append(change)
        if change.cursor == cursor:
            break
    return found
