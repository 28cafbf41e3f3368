"""Reopened studies on the command line, and what a scheduler runs."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.cli.conftest import CommandLine

SCRIPT = Path(__file__).parents[3] / "examples/retune.sh"
STUDY = """\
name: churn
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
algorithm: random
stopping: {max_trials: 3}
seed: 1
"""
PROGRAM = """
import json, os
print(json.dumps({"loss": (float(os.environ["ASKTELL_PARAM_X"]) - 0.3) ** 2}))
"""


def test_a_study_goes_on_with_new_data(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("churn.yaml", STUDY))
    study = cli.client.study("churn")
    for value in (3.0, 1.0, 2.0):
        study.ask().tell(loss=value)
    assert "data_epoch" not in cli.run("trials", "churn")[0]
    _, said = cli.run("study", "reopen", "churn", code=2)
    assert "--decay X, --remeasure K or --keep" in said
    cli.run("study", "reopen", "churn", "--keep", "--decay", "0.5", code=2)
    _, said = cli.run("study", "reopen", "churn", "--decay", "1.5", code=2)
    assert "decay" in said
    assert "above 0 and at most 1" in said
    said, _ = cli.run("study", "reopen", "churn", "--remeasure", "1", "--more-trials", "2")
    assert "ACTIVE" in said
    assert "data epoch 2" in said
    assert cli.run("study", "reopen", "churn", "--keep", "--if-finished")[0] == said, (
        "it is not finished: nothing to do"
    )
    trial = study.ask()
    assert (trial.remeasures, trial.data_epoch) == (2, 2)
    trial.tell(loss=5.0)
    assert study.best_trial is not None
    assert study.best_trial.number == 4
    header, *lines = cli.run("trials", "churn")[0].splitlines()
    assert "data_epoch" in header.split()
    rows = list(csv.DictReader(io.StringIO(cli.run("trials", "churn", "--csv")[0])))
    assert [row["data_epoch"] for row in rows] == ["1", "1", "1", "2"]
    assert [each["data_epoch"] for each in json.loads(cli.run("trials", "churn", "--json")[0])] == [1, 1, 1, 2]
    assert json.loads(cli.run("study", "show", "churn", "--json")[0])["data_epoch"] == 2
    assert len(lines) >= 4
    (reopening,) = cli.client.study("churn").reopenings
    assert (reopening.decay, reopening.remeasured) == (0.5, (2,))


def test_what_a_scheduler_runs(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("churn.yaml", STUDY))
    program = cli.file("train.py", PROGRAM)
    command = Path(cli.directory / "bin")
    command.mkdir()
    wrapper = command / "asktell"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -m asktell --project {cli.project} "$@"\n')
    wrapper.chmod(0o755)
    environment = {**cli.environment, "PATH": f"{command}{os.pathsep}{os.environ['PATH']}"}

    def retune(study: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", str(SCRIPT), study, sys.executable, program],
            cwd=cli.directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    for epoch in (1, 2, 3):
        done = retune("churn")
        assert done.returncode == 0, done.stderr
        study = cli.client.study("churn")
        assert (study.data_epoch, study.counts.ended) == (epoch, 3 * epoch)
        best = json.loads(done.stdout.splitlines()[-1])
        assert best["data_epoch"] == epoch
    missing = retune("nowhere")
    assert missing.returncode == 3
    assert "nowhere" in missing.stderr
