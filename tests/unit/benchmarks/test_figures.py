"""What the benchmarks print, and the function they tune; the measuring itself is `make bench`."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.figures import Target, milliseconds, percentile, table, targets_table
from benchmarks.hartmann import hartmann6, random_results


def test_hartmann6_has_its_known_minimum() -> None:
    assert hartmann6([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573]) == pytest.approx(-3.32237, abs=1e-5)


def test_a_history_is_the_same_for_the_same_seed() -> None:
    assert list(random_results(3, seed=1)) == list(random_results(3, seed=1)) != list(random_results(3, seed=2))


def test_percentiles_lie_between_the_nearest_values() -> None:
    assert percentile([1.0, 2.0, 3.0, 4.0], 50) == 2.5


@pytest.mark.parametrize(("seconds", "shown"), [(0.00123, "1.2"), (0.0999, "99.9"), (0.1234, "123")])
def test_milliseconds_keep_three_digits_at_most(seconds: float, shown: str) -> None:
    assert milliseconds(seconds) == shown


def test_a_table_is_markdown_and_lines_up() -> None:
    assert table(("n", "ms"), [("20", "104"), ("1000", "1.5")]) == (
        "| n    |  ms |\n"
        "|------|----:|\n"
        "| 20   | 104 |\n"
        "| 1000 | 1.5 |"
    )  # fmt: skip


def test_a_missed_target_is_said_plainly() -> None:
    missed = Target(name="rate", wanted="≥ 500", measured="320", met=False)
    assert targets_table([missed]).splitlines()[-1].split() == [
        "|",
        "rate",
        "|",
        "≥",
        "500",
        "|",
        "320",
        "|",
        "NOT",
        "MET",
        "|",
    ]


def test_help_names_the_options() -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0
    for option in ("--quick", "--json", "--only", "--seed"):
        assert option in shown.output
