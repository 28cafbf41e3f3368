"""`asktell plot`: files that a real browser and a real reader of pictures open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import asktell
from tests.integration.cli.conftest import CommandLine
from tests.support.browser import browse

pytestmark = pytest.mark.xdist_group("cli")  # one server for all of them

EVIL = "</script><script>document.title = 'evil'</script>"


@pytest.fixture
def study(cli: CommandLine) -> asktell.Study:
    """Five results and two failed trials, of a space with a category that somebody meant ill."""
    study = cli.client.create_study(
        "s",
        space={"lr": asktell.Float(1e-5, 1e-1, log=True), "kind": asktell.Categorical([EVIL, "b"])},
        objectives=asktell.Minimize("val.loss"),
        metrics=["acc"],
        algorithm="random",
        seed=1,
    )
    for number in range(7):
        trial = study.ask()
        if number in {2, 5}:
            trial.fail("out of memory")
            continue
        trial.report({"val.loss": 2.0}, step=1)
        trial.tell({"val.loss": trial.params["lr"], "acc": 0.5})
    return study


def test_a_page_shows_every_trial_in_a_browser_without_a_network(
    cli: CommandLine, study: asktell.Study, tmp_path: Path
) -> None:
    out, _ = cli.run("plot", "s", "--kind", "history", "-o", "s.html")
    assert out == "s.html\n"
    shown = browse((cli.directory / "s.html").as_uri(), tmp_path / "profile")
    assert shown.count('aria-roledescription="point"') == 7, "each trial once"
    assert "trial: 7; val.loss (minimized): " in shown
    assert "val.loss (minimized)" in shown
    assert "7 trials ended, 2 of them without a result" in shown
    assert re.findall(r"<title>([^<]*)</title>", shown)[0] == "s - asktell", "no category runs as a script"
    assert study.counts.total == 0, "the handle is as it was"


def test_all_plots_in_one_picture(cli: CommandLine, study: asktell.Study) -> None:
    image = pytest.importorskip("PIL.Image")
    cli.run("plot", "s", "--metric", "acc", "-o", "s.png")
    with image.open(cli.directory / "s.png") as picture:
        picture.load()
        assert picture.format == "PNG"
        assert len(picture.convert("RGB").getcolors(10**6)) > 10


def test_what_cannot_be_plotted_is_said(cli: CommandLine, study: asktell.Study) -> None:
    _, err = cli.run("plot", "s", "-o", "s.pdf", code=2)
    assert "ends in .html, .png, .svg, got 's.pdf'" in err
    _, err = cli.run("plot", "s", "-o", "s.svg", "--metric", "auc", code=2)
    assert "--metric auc: the study has no such metric; it has val.loss, acc" in err
