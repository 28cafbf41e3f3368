"""Constraints between parameters from a study file to trials and back: the example of docs/parameter-constraints.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import asktell
from tests.integration.cli.conftest import CommandLine
from tests.support.readme import blocks

PAGE = Path(__file__).parents[3] / "docs/parameter-constraints.md"
CONSTRAINTS = ["width + 2*depth <= 64", "low <= high"]
BROKEN = {"width": 60, "depth": 4, "low": 0.0, "high": 1.0}


def test_the_page_s_study(cli: CommandLine) -> None:
    (text,) = blocks(PAGE, "yaml")
    cli.run("study", "create", cli.file("network.yaml", text.replace("name: network", "name: file")))
    names: dict[str, Any] = {"asktell": asktell, "client": cli.client}
    exec("\n".join(blocks(PAGE, "python")), names)
    study = names["study"]
    assert study.parameter_constraints == CONSTRAINTS
    assert cli.client.study("file").message.search_space == study.message.search_space
    out, _ = cli.run("study", "show", "network")
    assert "parameters keep  width + 2*depth <= 64" in out

    _, err = cli.run("enqueue", "network", "width=60", "depth=4", "low=0", "high=1", code=2)
    assert "must keep width + 2*depth <= 64, got width = 60, depth = 4" in err
    with pytest.raises(asktell.InvalidArgument, match=r"^params: must keep width . 2\*depth <= 64, got width = 60"):
        study.enqueue(BROKEN)
    with pytest.raises(asktell.InvalidArgument, match=r"^parameter_constraints\[0\]: the space has no parameter 'b'"):
        cli.client.create_study(
            "t", space={"a": asktell.Int(1, 3)}, parameter_constraints=["a <= b"], objectives=study.objectives
        )
    with pytest.raises(TypeError, match="must be a list"):
        cli.client.create_study(
            "t", space=study.space, parameter_constraints="low <= high", objectives=study.objectives
        )

    for _ in range(12):  # the start and the model
        trial = study.ask()
        assert trial.params["width"] + 2 * trial.params["depth"] <= 64
        assert trial.params["low"] <= trial.params["high"] + 1e-9  # kept but for rounding, as the page says
        trial.tell(loss=-trial.params["width"] - 3 * trial.params["depth"] - trial.params["low"])
    yaml, _ = cli.run("study", "show", "network", "--yaml")
    cli.run("study", "create", cli.file("again.yaml", yaml.replace("name: network", "name: again")))
    again = cli.client.study("again")
    assert again.parameter_constraints == CONSTRAINTS
    cli.run("export", "network", "-o", "trials.csv")
    cli.run("import", "again", "trials.csv")
    assert [trial.params for trial in again.trials()] == [trial.params for trial in study.trials()]
    cli.file("broken.csv", "width,depth,low,high,loss\n60,4,0,1,0.5\n")
    _, err = cli.run("import", "again", "broken.csv", code=2)
    assert "must keep width + 2*depth <= 64, got width = 60, depth = 4" in err


def test_the_stateless_door_keeps_them(cli: CommandLine) -> None:
    space: asktell.Space = {"a": asktell.Int(0, 9), "b": asktell.Int(0, 9)}
    tried = [asktell.Observation({"a": a, "b": 6 - a}, {"loss": float(a)}) for a in range(5)]
    suggested = cli.client.suggest(
        space, asktell.Minimize("loss"), tried, parameter_constraints=["a + b <= 6", "a + b >= 6"], count=5
    )
    assert sorted(each.params["a"] for each in suggested) == [5, 6]  # all that is left
    with pytest.raises(asktell.InvalidArgument, match=r"must keep a . b <= 6, got a = 9, b = 9"):
        cli.client.suggest(
            space, asktell.Minimize("loss"), pending=[{"a": 9, "b": 9}], parameter_constraints=["a + b <= 6"]
        )
