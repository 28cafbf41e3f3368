"""`asktell diff`: trials and studies side by side."""

from __future__ import annotations

import json
import re

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

COMMIT = {"left": "a" * 40, "right": "b" * 40}
PARAMS = {"lr": 1e-3, "batch-size": 8, "nesterov": True}


def _told(study: asktell.Study, side: str, loss: float, **params: object) -> None:
    study.enqueue({**PARAMS, **params})  # type: ignore[dict-item]
    study.ask().tell(loss=loss, annotations={"run.git_commit": COMMIT[side], "run.host": "gpu", "note": "same"})


def _cells(out: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in out.splitlines()]


def test_two_trials(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    study = cli.client.study("s")
    _told(study, "left", 0.5)
    _told(study, "right", 0.25, lr=1e-2)
    study.trial(2).set_note("warm-up")
    out, err = cli.run("diff", "s", "1", "2")
    rows = _cells(out)
    assert rows[0] == ["what", "name", "trial 1", "trial 2", "change"]
    assert ["parameter", "lr", "0.001", "0.01", "+0.009"] in rows
    assert ["metric", "loss", "0.5", "0.25", "-0.25 (better)"] in rows
    assert ["run", "git_commit", "a" * 40, "b" * 40, "-"] in rows
    assert ["trial", "note", "-", "warm-up", "-"] in rows
    assert not any("batch-size" in row or "host" in row for row in rows)
    assert out.splitlines()[-1] == f"the code: git diff {'a' * 12} {'b' * 12}"
    assert err.startswith("the same: 2 parameters, 1 fact of the runs, 1 annotation, ")
    assert ["parameter", "batch-size", "8", "8", "-"] in _cells(cli.run("diff", "s", "1", "2", "--all")[0])
    said = json.loads(cli.run("diff", "s", "2", "1", "--json")[0])
    assert (said["left"], said["right"]) == (f"{study.name}/trials/2", f"{study.name}/trials/1")
    assert said["differing"][:2] == [
        {
            "group": "parameter",
            "name": "lr",
            "left": 0.01,
            "right": 0.001,
            "change": -0.009000000000000001,
            "better": "",
        },
        {"group": "metric", "name": "loss", "left": 0.25, "right": 0.5, "change": 0.25, "better": "left"},
    ]
    assert {"group": "run", "name": "host", "left": "gpu", "right": "gpu", "change": None, "better": ""} in said["same"]
    out, err = cli.run("diff", "s", "1", "1")
    assert (out, err.splitlines()[0]) == ("", "trial 1 and trial 1 do not differ")
    cli.run("diff", "s", "1", "9", code=3)
    assert "'x' is not the number of a trial" in cli.run("diff", "s", "1", "x", code=2)[1]
    assert "name two trials of the study" in cli.run("diff", "s", "1", "2", "3", code=2)[1]


def test_two_studies(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    other = (
        STUDY.replace("name: s", "name: t")
        .replace("max: 1e-1", "max: 1")
        .replace("algorithm: random", "algorithm: sobol")
    )
    cli.run("study", "create", cli.file("other.yaml", f"{other}early_stopping: median\n"))
    left, right = cli.client.study("s"), cli.client.study("t")
    for loss in (0.5, 0.4, 0.3):
        _told(left, "left", loss)
    _told(right, "right", 0.6)
    right.enqueue(PARAMS)
    right.ask().fail("diverged")
    _told(right, "right", 0.2, lr=0.5)
    _told(right, "right", 0.1)
    right.import_trials([asktell.ImportedTrial(key="k", params=PARAMS, metrics={"loss": 0.0})])
    out, err = cli.run("diff", "s", "t")
    rows = _cells(out)
    assert rows[0] == ["what", "name", "s", "t", "change"]
    assert ["best", "loss after 1 trial", "0.5", "0.6", "+0.1 (worse)"] in rows
    assert ["best", "loss after 2 trials", "0.4", "0.6", "+0.2 (worse)"] in rows, "a failed trial counts as one"
    assert ["best", "loss after 3 trials", "0.3", "0.2", "-0.1 (better)"] in rows
    assert ["best trial", "number", "3", "4", "-"] in rows, "the imported one is none of the study's own"
    assert ["parameter", "lr", "float 1e-05 to 0.1, log", "float 1e-05 to 1, log", "-"] in rows
    assert ["setting", "algorithm", "random", "sobol", "-"] in rows
    assert ["setting", "early_stopping", "-", "median", "-"] in rows
    assert ["run", "git_commit", "a" * 40, "b" * 40, "-"] in rows
    assert ["study", "trials ended", "3", "4", "+1"] in rows
    assert f"the code: git diff {'a' * 12} {'b' * 12}" in out
    assert re.search(r"the same: .*2 parameters, .* settings", err)
    said = json.loads(cli.run("diff", "s", "t", "--json")[0])
    differing = {(each["group"], each["name"]): each for each in said["differing"]}
    assert differing["setting", "algorithm"]["right"] == {"type": "sobol"}
    assert differing["parameter", "lr"]["left"]["max"] == 0.1
    assert differing["best", "loss after 3 trials"]["better"] == "right"
    cli.run("diff", "s", "nobody", code=3)
