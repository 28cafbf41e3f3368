"""Studies and trials into files and back, by the commands, against a real server."""

from __future__ import annotations

import re

import pytest

import asktell
from tests.integration.cli.conftest import STUDY, CommandLine

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

FULL = """\
name: full
display_name: "A title: with 'quotes'"
objectives: [{metric: val/loss, goal: maximize, split: train}]
metrics: [acc, {metric: t, split: test}]
parameters:
  lr: {type: float, min: 1e-5, max: 1e-1, scale: log, default: 0.001}
  m: {type: float, min: 0.5, max: 0.99, scale: reverse_log}
  s: {type: float, min: 0.0, max: 1, step: 0.25}
  n: {type: int, min: 1, max: 64, scale: log, default: 8}
  d: {type: discrete, values: [1e-7, 0.1, 0.2]}
  "no": {type: categorical, values: ["yes", "a b", "1e3", 'x"y', "é"], default: "yes"}
  b: {type: bool, default: false, prior: {weights: [1, 3]}}
  p: {type: int, min: 1, max: 9, prior: {mean: 4, relative_standard_deviation: 0.25}}
algorithm: {bayesian: {start_trials: 7}}
stopping: {max_trials: 60, target: 0.75, patience: 40, deadline: 2090-12-01T12:00:00Z}
early_stopping:
  - median
  - percentile: {percentile: 12.5, min_steps: 2, min_trials: 4, interval_steps: 3, grace_trials: 9}
  - threshold: {metric: acc, max: 1e9, min: -0.5}
  - patience: {patience_steps: 7, min_gain: 1e-4, metric: acc, goal: maximize}
  - hyperband: {min_steps: 2, max_steps: 81, reduction_factor: 4}
lease: {duration_s: 0, max_attempts: 5}
max_running: 4
replicates: 2
max_staleness: 3
seed: 42
labels: {team: nlp, "on": "yes"}
annotations: {note: "two\\nlines"}
"""


GOALS = """name: goals
objectives:
  - {metric: loss, goal: minimize, reference: 1}
  - {metric: speed, goal: maximize, reference: 0.5}
outcome_constraints:
  - {metric: ms, max: 50}
  - {metric: accuracy, min: 0.9, of_baseline: true, split: train}
baseline_trial: 3
parameters: {x: {type: float, min: 0, max: 1}}
stopping: {target: {loss: 0.25, speed: 2}}
early_stopping: {successive_halving: {min_steps: 3, metric: loss}}
"""


@pytest.mark.parametrize("file", [FULL, STUDY, GOALS])
def test_a_study_as_a_file_is_the_same_study(cli: CommandLine, file: str) -> None:
    name = file.partition("\n")[0].removeprefix("name: ")
    cli.run("study", "create", cli.file("first.yaml", file))
    text, err = cli.run("study", "show", name, "--yaml")
    assert err == ""
    _, err = cli.run("study", "create", cli.file("second.yaml", text), "--exist-ok")
    assert "differs" not in err  # neither in what is fixed, which would be an error, nor in what may change


@pytest.mark.parametrize("file", ["trials.csv", "trials.jsonl"])
def test_an_export_makes_the_same_study_again(cli: CommandLine, file: str) -> None:
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    study = cli.client.study("s")
    for index in range(7):
        trial = study.ask()
        match index:
            case 1:
                trial.fail('out of "memory",\nkilled')
            case 3:
                trial.infeasible("too large")
            case 4:
                trial.report(step=1, loss=0.7)
                trial.stop(reason="pruned")
            case 5:
                trial.tell(loss=asktell.MetricValue(0.1 + index / 3, standard_error=0.01))
            case 6:
                trial.label(host="a b")
            case _:
                trial.tell(loss=1 / (index + 3), acc=index / 7)
    cli.run("export", "s", "-o", file)
    text = cli.run("study", "show", "s", "--yaml")[0]
    cli.run("study", "create", cli.file("again.yaml", text.replace("name: s\n", "name: again\n")))
    out, _ = cli.run("import", "again", file)
    assert out.strip().endswith("studies/again (1 RUNNING without a result)")
    assert out.startswith("imported 6 trials")
    again = cli.client.study("again")

    def facts(of: asktell.Study) -> list[object]:
        return [
            (
                each.params,
                each.metrics,
                each.standard_errors,
                each.state,
                each.reason,
                each.start_time,
                each.finish_time,
            )
            for each in of.trials()
            if each.state.has_ended
        ]

    assert facts(again) == facts(study)
    assert again.best_trial.params == study.best_trial.params
    for name in ("again", "s"):  # where the trials came from knows them, too
        assert cli.run("import", name, file)[0].startswith("imported 0 trials")
    assert (again.refresh().counts.total, study.refresh().counts.total) == (6, 7)


def test_a_wrong_line_keeps_the_others_out(cli: CommandLine) -> None:
    cli.run("study", "create", cli.file("study.yaml", STUDY))
    study = cli.client.study("s")
    rows = [f"{10 ** -(2 + index / 200)!r},{(8, 16)[index % 2]},yes,{index}" for index in range(600)]
    rows[550] = "7,8,no,1"  # beyond the first batch, and wrong by a rule that the server alone knows
    rows[3] = "0.1,8,no,"
    file = cli.file("runs.csv", "\n".join(["lr,batch-size,nesterov,Loss", *rows]))
    _, err = cli.run("import", "s", file, "--map", "Loss=loss", code=2)
    assert err.splitlines() == [
        "error: runs.csv:5: column Loss: a successful trial must tell its objective 'loss'",
        "error: runs.csv:552: column lr: must be in [1e-05, 0.1], got 7.0",
        "error: nothing imported (--skip-bad imports the other lines)",
    ]
    assert study.refresh().counts.total == 0
    out, _ = cli.run("import", "s", file, "--map", "Loss=loss", "--skip-bad")
    assert re.match(r"imported 598 trials into \S+ \(2 wrong\)$", out.strip())
    more = cli.file("more.csv", "\n".join(["lr,batch-size,nesterov,loss", "0.01,8,true,0.0", *rows[1:3], "0.02,8,1,9"]))
    out, _ = cli.run("import", "s", more)
    assert re.match(r"imported 1 trials into \S+ \(3 there already\)$", out.strip())
    assert study.refresh().counts.succeeded == 599
