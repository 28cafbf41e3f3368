"""The command of the comparison: runs, tells of what is missing, prints and writes; in this process, on cheap cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks.regret.__main__ import main
from benchmarks.regret.methods import with_staleness

CHEAP = ["--case", "nk-8x4", "--half", "development", "--seeds", "2", "--trials", "4"]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes the threads of its whole process, which here is that of the tests."""
    monkeypatch.setattr("benchmarks.regret.plan.single_thread", lambda: None)


def called(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments, "--allow-dirty"])


def test_it_runs_and_reports_and_then_only_reports(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    results = ["--results", str(tmp_path / "results"), "--method", "random"]
    first = called(*CHEAP, *results, "--write", str(page))
    assert first.exit_code == 0, first.output
    assert "4/4" not in first.output
    assert "2/2 random on nk-8x4, seed 1" in first.output
    assert "regret after 4 trials" in page.read_text()
    again = called(*CHEAP, *results)
    assert "2 of 2 runs are there already" in again.output


def test_an_unknown_case_is_answered_with_the_known_ones() -> None:
    refused = called("--case", "nk-9")
    assert refused.exit_code == 2
    assert "no such case: nk-9; there are hartmann-3" in refused.output


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    refused = called(*CHEAP, "--report-only", "--results", str(tmp_path))
    assert refused.exit_code == 1
    assert "no results of any method on these cases" in refused.output


def test_settings_are_compared_by_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.regret.__main__.TUNING", tmp_path)
    for label in ("one", "two"):
        assert called(*CHEAP, "--in-process", "--label", label).exit_code == 0
    shown = called(*CHEAP, "--in-process", "--label", "one", "--against", "two", "--report-only")
    assert "one less two @4" in shown.output


def test_staleness_is_a_series_of_its_own(tmp_path: Path) -> None:
    refused = called("--parallel", "8", "--staleness", "2", "--report-only", "--results", str(tmp_path))
    assert refused.exit_code == 1
    assert "no results" in refused.output
    method = with_staleness(2)
    assert (method.name, method.ours) == ("asktell", True)
