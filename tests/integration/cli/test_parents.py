"""Earlier studies from a study file to what people see of them."""

from __future__ import annotations

import json

from tests.integration.cli.conftest import CommandLine

OLD = """\
name: october
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
algorithm: sobol
stopping: {max_trials: 6}
seed: 1
"""
NEW = (
    OLD.replace("october", "november")
    .replace("algorithm: sobol\n", "parents: [october]\n")
    .replace("max: 1", "max: 0.5")
)


def test_a_study_that_starts_from_another(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("october.yaml", OLD))
    old = cli.client.study("october")
    for trial in old.ask(count=6):
        trial.tell(loss=(trial.params["x"] - 0.3) ** 2)
    _, said = cli.run("study", "create", cli.file("november.yaml", NEW))
    assert (
        "november.yaml:5:11: parents[0]: october has 3 of 6 results with values that this space does not have" in said
    )
    assert "parents" in cli.run("study", "show", "november")[0]
    assert json.loads(cli.run("study", "show", "november", "--json")[0])["parents"] == ["october"]
    yaml, _ = cli.run("study", "show", "november", "--yaml")
    assert "\nparents: [october]\n" in yaml
    cli.run("study", "create", cli.file("again.yaml", yaml.replace("name: november", "name: december")))
    trial = cli.client.study("november").ask()
    assert trial.origin == "MODEL"
    assert abs(trial.params["x"] - 0.3) < 0.15
