"""`asktell explain` and `asktell predict`: what is said in a terminal, as JSON, and on a page that a real browser opens."""

from __future__ import annotations

import html
import json
import math
import re
from pathlib import Path

import pytest

import asktell
from tests.integration.cli.conftest import CommandLine
from tests.support.browser import visit

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

EVIL = "</script><script>document.title = 'evil'</script>"
CHART = 'class="marks"'
"""What a drawn chart has."""
SPACE: dict[str, asktell.Domain] = {
    "lr": asktell.Float(1e-5, 1e-1, log=True),
    "rank": asktell.Discrete([4, 8, 16]),
    "kind": asktell.Categorical(["plain", EVIL]),
}


def loss_of(lr: float, rank: int) -> float:
    """Best at 1e-3; the rank matters less, and depends on nothing."""
    return (math.log10(lr) + 3) ** 2 + 0.1 * math.log2(rank)


def a_study(cli: CommandLine, trials: int, *, objectives: int = 1) -> asktell.Study:
    """A study of so many trials: each fifth one fails, each seventh one is stopped early."""
    study = cli.client.create_study(
        "s",
        space=SPACE,
        objectives=[asktell.Minimize("loss"), asktell.Minimize("ms")][:objectives],
        algorithm="sobol",
        seed=1,
    )
    for number in range(1, trials + 1):
        trial = study.ask()
        loss = loss_of(trial.params["lr"], trial.params["rank"])
        for step in (1, 2):
            trial.report({"loss": loss + 1 / step}, step=step)
        if number % 5 == 0:
            trial.fail("out of memory")
        elif number % 7 == 0:
            trial.stop()
        else:
            slow = {"ms": math.log10(trial.params["lr"]) + 6}  # best where the loss is not
            trial.tell({"loss": loss, **(slow if objectives > 1 else {})})
    return study


def sections_of(shown: str) -> dict[str, str]:
    """The sections of a page by their anchors."""
    return dict(re.findall(r'<section id="(\w+)">(.*?)</section>', shown, re.DOTALL))


def test_a_page_of_a_study_has_everything(cli: CommandLine, tmp_path: Path) -> None:
    study = a_study(cli, 24)
    best = study.best_trial
    out, _ = cli.run("explain", "s", "--html", "s.html")
    assert out == "s.html\n"
    seen = visit((cli.directory / "s.html").as_uri(), tmp_path / "profile")
    assert seen.requests == []
    assert seen.console == []
    assert re.findall(r"<title>([^<]*)</title>", seen.shown)[0] == "s - asktell", "no category runs as a script"
    found = sections_of(seen.shown)
    assert f"loss {best.metrics['loss']:.6g} in trial {best.number}" in found["summary"]
    assert repr(best.params["lr"]) in found["use"]
    assert "Expected: loss" in found["use"]
    assert found["history"].count('aria-roledescription="point"') == 24
    (marked,) = re.findall(r'<tr class="best">.*?</tr>', found["trials"])
    assert "BEST" in marked
    assert found["trials"].count("<tr") == 1 + 24
    for key in ("history", "parallel", "importances", "interactions", "contours", "slices", "curves"):
        assert CHART in found[key], key
    assert re.search(r"role=\"img\" aria-label=\"What the model expects of loss over [^\"]+\"", found["contours"])
    assert "rank correlation" in found["trust"]
    assert all(each.advice in html.unescape(found["health"]) for each in study.health().findings)
    assert "Trials that were stopped early: 3." in found["curves"]
    assert "failed" in found["summary"]


def test_a_page_of_a_study_without_a_result_says_what_is_missing(cli: CommandLine, tmp_path: Path) -> None:
    a_study(cli, 0)
    out, _ = cli.run("explain", "s")
    assert "no trial has a result yet" in out
    assert "needs a result" in out
    cli.run("explain", "s", "--html", "s.html")
    seen = visit((cli.directory / "s.html").as_uri(), tmp_path / "profile")
    assert (seen.requests, seen.console) == ([], [])
    found = sections_of(seen.shown)
    assert "Needs a result." in found["use"]
    assert "No trial has a result yet." in found["history"]
    assert "There is no trial yet." in found["trials"]
    assert "No trial has reported anything." in found["curves"]


def test_a_terminal_says_what_matters(cli: CommandLine) -> None:
    study = a_study(cli, 24)
    out, _ = cli.run("explain", "s")
    explained = out.partition("what explains the variation\n")[2].splitlines()
    assert explained[0].startswith("lr "), "what matters most comes first"
    assert re.search(r"^expected +loss [-\d.]+ ± [\d.]+$", out, re.MULTILINE)
    assert re.search(r"rank correlation [01]\.\d\d, error [\d.]+; of \d+ results \d+ % lie in their middle 95 %", out)
    said = json.loads(cli.run("explain", "s", "--json")[0])
    best = study.best_trial
    assert (said["best"][0]["number"], said["recommended"]["trial"]["params"]) == (best.number, best.params)
    shares = {each["parameter"]: each["total_share"] for each in said["metrics"]["loss"]["importances"]}
    assert shares.keys() == SPACE.keys()
    assert max(shares, key=shares.__getitem__) == "lr"
    assert said["recommended"]["expected"]["mean"] == pytest.approx(study.predict(best.params).mean, rel=1e-6)


def test_several_objectives_have_a_front_with_trade_offs(cli: CommandLine, tmp_path: Path) -> None:
    study = a_study(cli, 24, objectives=2)
    front = {trial.number for trial in study.pareto_front}
    assert len(front) > 1
    out, _ = cli.run("explain", "s")
    lines = out.partition("trade-offs along the Pareto front\n")[2].partition("\n\n")[0].splitlines()
    assert {int(line.split()[1]) for line in lines} == front
    assert all("changes ms by -" in line for line in lines[:-1]), "what is given up of one is gained in the other"
    assert "what explains the variation of ms" in out
    cli.run("explain", "s", "--html", "s.html")
    seen = visit((cli.directory / "s.html").as_uri(), tmp_path / "profile")
    assert (seen.requests, seen.console) == ([], [])
    found = sections_of(seen.shown)
    assert CHART in found["front"]
    assert found["trials"].count('<tr class="best">') == len(front)
    assert found["importances"].count(CHART) == 2, "one for each objective"


def test_too_few_results_are_said(cli: CommandLine) -> None:
    a_study(cli, 1)
    out, _ = cli.run("explain", "s")
    assert "needs 3 results, there is 1" in out
    assert "loss" in out.partition("best so far")[2].splitlines()[0]
    _, err = cli.run("predict", "s", "rank=8", code=1)
    assert "3" in err


def test_health_comes_with_advice(cli: CommandLine) -> None:
    study = cli.client.create_study(
        "s",
        space=SPACE,
        objectives=asktell.Minimize("loss"),
        outcome_constraints=[asktell.AtMost("gb", 16)],
        algorithm="sobol",
    )
    for _ in range(5):
        study.ask().tell(loss=1.0, gb=32.0)
    (finding,) = [each for each in study.health().findings if each.kind == asktell.HealthKind.NOTHING_FEASIBLE]
    out, _ = cli.run("explain", "s")
    health = out.partition("\nhealth\n")[2]
    assert finding.message in health
    assert finding.advice in health
    assert "no trial keeps the outcome constraints yet" in out
    said = json.loads(cli.run("explain", "s", "--json", "--html", "s.html")[0])
    assert "NOTHING_FEASIBLE" in [each["kind"] for each in said["health"]["findings"]]
    assert "outcome constraints" in said["recommended"]["absent"]
    found = sections_of((cli.directory / "s.html").read_text(encoding="utf-8"))
    assert finding.message in html.unescape(found["health"])
    assert finding.advice in html.unescape(found["health"])
    assert '<tr class="best">' not in found["trials"]


def test_what_if(cli: CommandLine) -> None:
    study = a_study(cli, 24)
    best = study.best_params
    out, _ = cli.run("predict", "s", "rank=16")
    assert re.search(r"^loss +[-\d.]+ ± [\d.]+$", out, re.MULTILINE)
    assert "rank=16" in out
    said = json.loads(cli.run("predict", "s", "lr=0.1", "--json")[0])
    assert said["params"] == {**best, "lr": 0.1}
    near = study.predict({**best, "lr": 0.1})
    assert said["mean"] == pytest.approx(near.mean, rel=1e-6)
    assert said["mean"] > study.predict(best).mean + 1, "far from the best rate the model expects a worse loss"
    _, err = cli.run("predict", "s", "rang=16", code=2)
    assert "no parameter 'rang', did you mean 'rank'?" in err
    _, err = cli.run("predict", "s", "lr=7", code=2)
    assert err.startswith("error: lr: ")


def test_what_cannot_be_explained_is_said(cli: CommandLine) -> None:
    _, err = cli.run("explain", "nobody", code=3)
    assert "nobody" in err
