"""The figures of the comparison, against examples reckoned by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmarks import document
from benchmarks.regret import report, tuning
from benchmarks.regret.plots import plot
from benchmarks.regret.results import Row
from benchmarks.regret.statistics import behind, far_behind, geometric_mean, mean_ranks, paired, regret_curve, regrets


def row(method: str, case: str, seed: int, values: list[float], true: list[float] | None = None) -> Row:
    return Row(
        part="sequential",
        case=case,
        revision=1,
        method=method,
        seed=seed,
        values=values,
        true=true,
        optimum=2.0,
        median=12.0,
        floor=1e-3,
        cpu_s=[0.01] * len(values),
        versions={},
        machine="m",
    )


def test_regret_is_of_the_best_observed_so_far() -> None:
    assert regret_curve(row("a", "x", 0, [12.0, 7.0, 9.0, 2.0])) == pytest.approx([1.0, 0.5, 0.5, 1e-3])


def test_under_noise_it_is_the_true_value_where_the_best_was_observed() -> None:
    # The third trial looks best and is worse than the second; the fourth does not look better and does not count.
    noisy = row("a", "x", 0, [10.0, 8.0, 5.0, 5.0], true=[12.0, 7.0, 9.5, 3.0])
    assert regret_curve(noisy) == pytest.approx([1.0, 0.5, 0.75, 0.75])


def test_a_geometric_mean_counts_every_case_the_same() -> None:
    values = {("x", 0): 0.1, ("x", 1): 0.1, ("x", 2): 0.1, ("y", 0): 0.001}
    assert geometric_mean(values) == pytest.approx(0.01)


def test_runs_far_behind_their_median_are_counted() -> None:
    good, bad = np.array([0.1, 0.1, 0.1, 1.01]), np.array([0.1, 0.1, 0.1, 0.99])
    assert (behind(good), behind(bad)) == (1, 0)
    assert far_behind([good, bad]) == pytest.approx(1 / 8)
    series = {"a": [row("a", "x", seed, [value]) for seed, value in enumerate([3.0, 3.0, 3.0, 12.1])]}
    assert "| 0.74 (1 of 4)" in report.tails_table(series, 1)
    assert "12.5%" not in report.tails_table(series, 1)
    assert "25.0%" in report.tails_table(series, 1)


def test_ranks_are_of_shared_runs_and_ties_share_theirs() -> None:
    series = {
        "a": {("x", 0): 0.1, ("x", 1): 0.2, ("y", 0): 0.1},
        "b": {("x", 0): 0.2, ("x", 1): 0.2},
        "c": {("x", 0): 0.3, ("x", 1): 0.1},
    }
    assert mean_ranks(series) == {"a": 1.75, "b": 2.25, "c": 2.0}


def test_paired_differences_by_hand() -> None:
    first = {("x", 0): 0.1, ("x", 1): 0.01, ("y", 0): 0.1, ("y", 1): 0.1, ("z", 0): 1.0}
    second = {("x", 0): 1.0, ("x", 1): 1.0, ("y", 0): 0.1, ("y", 1): 0.01}
    # By case: x -1 and -2, y 0 and +1. Means -1.5 and +0.5; variance of a mean 0.5/2 = 0.25 each.
    found = paired(first, second)
    assert found is not None
    assert found.delta == pytest.approx(-0.5)
    assert found.error == pytest.approx(np.sqrt(0.25 + 0.25) / 2)
    assert (found.runs, found.cases, found.wins, found.losses, found.ties) == (4, 2, 2, 1, 1)
    # Differences -1, -2 and +1 without the tie: ranks 1.5, 3 and 1.5; the smaller sum of ranks is that of the losses.
    assert 0.2 < found.p_runs <= 1.0


def test_a_test_sees_a_clear_difference() -> None:
    generator = np.random.default_rng(1)
    first = {("x", seed): float(10 ** generator.normal(-1, 0.1)) for seed in range(20)}
    second = {key: value * 3 for key, value in first.items()}
    found = paired(first, second)
    assert found is not None
    assert found.p_runs < 1e-4
    assert (found.wins, found.losses) == (20, 0)


def test_nothing_shared_compares_to_nothing() -> None:
    assert paired({("x", 0): 0.1}, {("x", 1): 0.1}) is None


SERIES = {
    "asktell": [row("asktell", case, seed, [7.0, 2.5, 2.1, 2.0 + seed / 10]) for case in "xy" for seed in (0, 1)],
    "random": [row("random", case, seed, [12.0, 7.0, 7.0, 2.5]) for case in "xy" for seed in (0, 1)],
}


def test_the_report_says_what_is_better_and_what_is_worse() -> None:
    shown = report.report(SERIES, at=(2, 4), ours="asktell")
    assert "| x                     | **0.05** (0.05 to 0.05) | 0.5 (0.5 to 0.5)" in shown
    assert "Worse than a peer after 4 trials, by the median: nowhere." in shown
    turned = {"asktell": SERIES["random"], "random": SERIES["asktell"]}
    assert "Worse than a peer after 2 trials, by the median: x (random 0.05, asktell 0.5)" in report.report(
        turned, at=(2, 4), ours="asktell"
    )


def test_runs_that_are_too_short_are_left_out() -> None:
    assert regrets([row("a", "x", 0, [3.0])], 2) == {}


def test_tuning_names_the_difference() -> None:
    shown = tuning.comparison(SERIES, at=(2,))
    assert "| **all**" in shown
    assert "asktell less random @2" in shown


def test_plots_are_png_and_the_same_figures_give_the_same_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="plots need matplotlib")
    one, two = (plot(SERIES, tmp_path / f"{name}.png", trials=4).read_bytes() for name in ("one", "two"))
    assert one.startswith(b"\x89PNG")
    assert one == two


def test_a_page_carries_what_was_printed_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n")
    document.write(page, "one", "first")
    document.write(page, "two", "other")
    document.write(page, "one", "second\n")
    assert page.read_text() == (
        "# Title\n\n<!-- begin one -->\n\nsecond\n\n<!-- end one -->\n\n<!-- begin two -->\n\nother\n\n<!-- end two -->\n"
    )


def test_spaces_of_floats_alone_are_told_from_others() -> None:
    def both(method: str, last: float) -> list[Row]:
        floats = row(method, "x", 0, [12.0, 7.0])
        return [dataclasses.replace(floats, floor=1e-4), row(method, "y", 0, [12.0, last])]

    shown = report.kinds_table({"asktell": both("asktell", 3.0), "ax": both("ax", 12.0)}, "asktell", (2,))
    floats, mixed = shown.splitlines()[2:]
    assert [cell.strip() for cell in floats.split("|")[1:4]] == ["floats alone @2", "0.5000", "0.5000 (+0.00, SE nan)"]
    assert [cell.strip() for cell in mixed.split("|")[1:4]] == [
        "mixed and discrete @2",
        "0.1000",
        "1.0000 (-1.00, SE nan)",
    ]
