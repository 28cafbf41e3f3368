"""Derived parameters from a study file to the program that trains and back out of a table: the example of docs/derived.md."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import asktell
from tests.integration.cli.conftest import CommandLine
from tests.support.readme import blocks

PAGE = Path(__file__).parents[3] / "docs/derived.md"
PARAMS = {"batch_size": 16, "accumulate": 2, "global_batch": 32, "warmup_steps": 625}
PROGRAM = 'echo "{\\"loss\\": {global_batch}}"; echo "$ASKTELL_PARAM_WARMUP_STEPS" >> steps'


def test_the_page_s_study(cli: CommandLine) -> None:
    (text,) = blocks(PAGE, "yaml")
    cli.run("study", "create", cli.file("batches.yaml", text))
    study = cli.client.study("batches")
    names: dict[str, Any] = {"asktell": asktell}
    exec("\n".join(blocks(PAGE, "python")), names)
    assert study.space == names["space"]
    assert list(study.domains) == ["batch_size", "accumulate"]

    out, _ = cli.run("enqueue", "batches", "batch_size=16", "accumulate=2")
    assert "global_batch=32 warmup_steps=625" in out
    _, err = cli.run("enqueue", "batches", "batch_size=16", "accumulate=2", "global_batch=33", code=2)
    assert "global_batch: is derived and may be left out: batch_size * accumulate is 32, got 33" in err
    cli.run("run", "batches", "--max-trials", "2", "--", "sh", "-c", PROGRAM)
    first, second = study.trials()
    assert first.params == PARAMS
    assert (first["param.global_batch"], dict(first)["param.warmup_steps"]) == (32, 625)
    assert first.metrics == {"loss": 32.0}
    assert second.params["global_batch"] == second.params["batch_size"] * second.params["accumulate"]
    steps = (cli.directory / "steps").read_text().split()
    assert steps == [str(trial.params["warmup_steps"]) for trial in (first, second)]
    assert study.enqueue(second.params).params == second.params

    (row, *_) = csv.DictReader(io.StringIO(cli.run("trials", "batches", "--csv")[0]))
    assert (row["param.global_batch"], row["param.warmup_steps"]) == ("32", "625")
    yaml, _ = cli.run("study", "show", "batches", "--yaml")
    cli.run("study", "create", cli.file("again.yaml", yaml.replace("name: batches", "name: again")))
    cli.run("export", "batches", "-o", "trials.csv")
    cli.run("import", "again", "trials.csv")
    cli.run("import", "again", "trials.csv")
    assert [trial.params for trial in cli.client.study("again").trials()] == [first.params, second.params]
    cli.file("rounded.csv", "batch_size,accumulate,global_batch,loss\n16,2,31,0.5\n")
    _, err = cli.run("import", "again", "rounded.csv", code=2)
    assert "is derived" in err


def test_the_stateless_door_suggests_with_them(cli: CommandLine) -> None:
    space: asktell.Space = {"x": asktell.Int(1, 9), "square": asktell.Derived("x ** 2")}
    suggested = cli.client.suggest(space, asktell.Minimize("loss"), count=2, algorithm="random")
    assert [each.params["square"] for each in suggested] == [each.params["x"] ** 2 for each in suggested]
    tried = [asktell.Observation(suggested[0].params, {"loss": 1.0})]
    (again,) = cli.client.suggest(space, asktell.Minimize("loss"), tried, pending=[suggested[1].params], count=1)
    assert again.params["square"] == again.params["x"] ** 2
