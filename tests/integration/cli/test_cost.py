"""A cost metric from a study file to asks for improvement per cost, and what people see of it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import asktell
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.test_run import python
from tests.support.readme import blocks

PAGE = Path(__file__).parents[3] / "docs/cost.md"

STUDY = """\
name: dear
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
cost: seconds
algorithm: {bayesian: {start_trials: 4}}
stopping: {max_trials: 8}
seed: 1
"""
PROGRAM = """
import json, os
x = float(os.environ["ASKTELL_PARAM_X"])
print(json.dumps({"loss": (x - 0.3) ** 2, "seconds": 10 ** (2 * x)}))
"""


def test_what_trials_cost(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("dear.yaml", STUDY))
    cli.run("run", "dear", "--cost-aware", *python(cli, PROGRAM))
    study = cli.client.study("dear")
    trials = study.trials()
    costs = [trial.metrics["seconds"] for trial in trials]
    assert len(costs) == 8
    assert study.total_cost == sum(costs)
    assert f"seconds, {sum(costs):.6g} spent" in cli.run("study", "show", "dear")[0]
    assert "seconds" in cli.run("trials", "dear")[0].splitlines()[0].split()
    rows = list(csv.DictReader(io.StringIO(cli.run("trials", "dear", "--csv")[0])))
    assert [float(row["metric.seconds"]) for row in rows] == costs
    yaml, _ = cli.run("study", "show", "dear", "--yaml")
    assert "\ncost: seconds\n" in yaml
    cli.run("study", "create", cli.file("again.yaml", yaml.replace("name: dear", "name: again")))
    cli.run("export", "dear", "-o", "trials.csv")
    cli.run("import", "again", "trials.csv")
    assert cli.client.study("again").total_cost == sum(costs)


def test_the_page_s_program(cli: CommandLine) -> None:
    exec("\n".join(blocks(PAGE, "python")), {"asktell": asktell, "client": cli.client})
    study = cli.client.study("net")
    assert (study.cost, study.total_cost) == ("train_s", 41.7)


def test_without_a_cost_metric_it_is_refused(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("free.yaml", STUDY.replace("cost: seconds\n", "").replace("dear", "free")))
    _, err = cli.run("run", "free", "--cost-aware", *python(cli, PROGRAM), code=2)
    assert "--cost-aware needs a study with a cost metric, and free has none" in err
