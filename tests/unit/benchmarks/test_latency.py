"""The report of ask latencies: its ratios and its goals, on figures made up for it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from benchmarks.hartmann import random_results
from benchmarks.latency.__main__ import main
from benchmarks.latency.measure import Timing, measure
from benchmarks.latency.report import ratios_table, report, targets
from benchmarks.latency.subjects import ENGINE, configuration, value


def timing(kind: str, observations: int, wall_s: float, cpu_s: float) -> Timing:
    return Timing(kind=kind, observations=observations, wall_s=[wall_s] * 3, cpu_s=[cpu_s] * 3, load_average=0.5)


TIMINGS = [
    timing("engine", 100, 0.020, 0.010),
    timing("server", 100, 0.040, 0.030),
    timing("ready", 100, 0.004, 0.030),
    timing("optuna-gp", 100, 0.120, 0.050),
    timing("ax", 100, 0.600, 0.200),
    timing("engine", 10_000, 1.2, 1.1),
    timing("server", 10_000, 1.4, 1.2),
]


def test_goals_are_judged_one_by_one() -> None:
    judged = {target.name: (target.measured, target.met) for target in targets(TIMINGS)}
    assert judged == {
        "ask in the engine, CPU, n = 100": ("10.0 ms", True),
        "end to end, on top of the engine, n = 100": ("20.0 ms", False),
        "times faster than Optuna GP, n = 100": ("5.0", True),
        "times faster than Ax, n = 100": ("20.0", False),
        "ask in the engine, CPU, n = 10,000": ("1100 ms", False),
    }


def test_ratios_are_of_wall_and_processor_time() -> None:
    cells = [cell.strip() for cell in ratios_table(TIMINGS).splitlines()[-1].strip("|").split("|")]
    assert cells == ["Ax", "100", "30.0", "20.0", "15.0"]


def test_the_report_says_what_is_not_met() -> None:
    assert "NOT MET" in report(TIMINGS)


@pytest.mark.parametrize("observations", [20])
def test_the_engine_is_timed_after_a_history(observations: int, tmp_path: object) -> None:
    said: list[str] = []
    found = list(measure([ENGINE], [observations], scratch=tmp_path, seed=1, quick=True, say=said.append))  # type: ignore[arg-type]
    assert [(each.kind, each.observations, len(each.wall_s), len(each.cpu_s)) for each in found] == [
        ("engine", observations, 2, 2)
    ]
    assert said == ["n = 20: asktell, in the engine, 2 asks and one before"]


def test_points_and_parameters_are_the_same() -> None:
    (point, observed) = next(iter(random_results(1, seed=1)))
    assert value(configuration(point)) == observed


def test_help_names_the_options() -> None:
    shown = CliRunner().invoke(main, ["--help"])
    assert shown.exit_code == 0
    for option in ("--quick", "--only", "--write"):
        assert option in shown.output
