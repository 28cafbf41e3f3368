"""`asktell explain` and `asktell predict`: what is said in a terminal, as JSON, and on a page that a real browser opens."""

from __future__ import annotations

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
            trial.tell({"loss": loss, "ms": float(trial.params["rank"])} if objectives > 1 else {"loss": loss})
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
    for key in ("history", "parallel", "curves"):
        assert "<svg" in found[key], key
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


def test_what_if(cli: CommandLine) -> None:
    study = a_study(cli, 24)
    best = study.best_params
    out, _ = cli.run("predict", "s", "rank=16")
    assert re.search(r"^loss +[-\d.]+ ± [\d.]+$", out, re.MULTILINE)
    assert "rank=16" in out
    said = json.loads(cli.run("predict", "s", "lr=0.1", "--json")[0])
    assert said["params"] == {**best, "lr": 0.1}
    near = study.predict({**best, "lr": 0.1})
    assert said["mean"] == near.mean
    assert said["mean"] > study.predict(best).mean + 1, "far from the best rate the model expects a worse loss"
    _, err = cli.run("predict", "s", "rang=16", code=2)
    assert "no parameter 'rang', did you mean 'rank'?" in err
    _, err = cli.run("predict", "s", "lr=7", code=2)
    assert err.startswith("error: lr: ")


def test_what_cannot_be_explained_is_said(cli: CommandLine) -> None:
    _, err = cli.run("explain", "nobody", code=3)
    assert "nobody" in err
