"""Trials that go on from checkpoints, and a fidelity, from a study file through `asktell run` to what people see."""

from __future__ import annotations

import json
from pathlib import Path

import asktell
from tests.integration.cli.conftest import CommandLine
from tests.integration.cli.test_run import python
from tests.support.readme import blocks

DOCS = Path(__file__).parents[3] / "docs"

STUDY = """\
name: deep
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
  epochs: {type: int, min: 1, max: 9, fidelity: {fixed_cost_share: 0, reduction_factor: 3}}
metrics: [begun]
algorithm: {bayesian: {start_trials: 50}}
stopping: {max_trials: 10}
seed: 1
"""
PROGRAM = """
import json, os
epochs, number = int(os.environ["ASKTELL_PARAM_EPOCHS"]), os.environ["ASKTELL_TRIAL"]
before = os.environ.get("ASKTELL_CHECKPOINT")
begun = int(before.split("@")[1]) if before else 0
assert (before is None) == ("ASKTELL_CONTINUE_FROM" not in os.environ)
assert before is None or before == f"{os.environ['ASKTELL_CONTINUE_FROM']}@{begun}", before
print(json.dumps({"annotations": {"checkpoint": f"{number}@{epochs}"}}))
print(json.dumps({"loss": (float(os.environ["ASKTELL_PARAM_X"]) - 0.3) ** 2 + 1 / epochs, "begun": begun}))
"""


def test_a_study_with_a_fidelity_goes_on_from_checkpoints(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("deep.yaml", STUDY))
    cli.run("run", "deep", "--max-trials", "2", *python(cli, PROGRAM))
    assert "no trial has run with epochs=9 yet" in cli.run("best", "deep")[1]
    cli.run("run", "deep", *python(cli, PROGRAM))
    study = cli.client.study("deep")
    trials = {trial.number: trial for trial in study.trials()}
    assert len(trials) == 10
    assert {trial.state for trial in trials.values()} == {asktell.TrialState.SUCCEEDED}
    promoted = [trial for trial in trials.values() if trial.origin is asktell.Origin.PROMOTION]
    assert promoted
    for trial in promoted:
        assert trial.continue_from is not None
        below = trials[trial.continue_from]
        assert trial.metrics["begun"] == below.params["epochs"] < trial.params["epochs"]
        assert trial.params["x"] == below.params["x"]
        assert trial.start_checkpoint == below.annotations["checkpoint"]
    best = study.best_trial
    assert best.params["epochs"] == 9
    out, err = cli.run("best", "deep")
    assert "epochs" in out
    assert "no trial has run" not in err
    assert study.space["epochs"] == asktell.Int(1, 9, fidelity=True)
    yaml, _ = cli.run("study", "show", "deep", "--yaml")
    cli.run("study", "create", cli.file("again.yaml", yaml.replace("name: deep", "name: again")))
    assert cli.client.study("again").space == study.space


def test_a_trial_is_enqueued_to_go_on_from_another_one(cli: CommandLine) -> None:
    study = cli.client.create_study("plain", space={"x": asktell.Float(0, 1)}, objectives=asktell.Minimize("loss"))
    study.ask().tell(loss=1.0)
    cli.run("enqueue", "plain", "x=0.5", "--continue-from", "1")
    queued = study.ask()
    assert (queued.continue_from, queued.start_checkpoint) == (1, None)
    queued.tell(loss=0.5)
    assert study.ask(continue_from=2).continue_from == 2
    _, err = cli.run("enqueue", "plain", "x=0.5", "--continue-from", "9", code=2)
    assert "continue_from" in err
    assert "9" in err


def test_the_pages_programs(cli: CommandLine) -> None:
    exec("\n".join(blocks(DOCS / "multi-fidelity.md", "python")), {"asktell": asktell, "client": cli.client})
    study = cli.client.create_study("rates", space={"lr": asktell.Float(0, 1)}, objectives=asktell.Minimize("val_loss"))
    for _ in range(7):
        study.ask().tell(val_loss=1.0)
    exec("\n".join(blocks(DOCS / "checkpoints.md", "python")), {"study": study})
    assert json.loads(json.dumps(study.trial(8).annotations)) == {"checkpoint": "s3://runs/8.pt"}
