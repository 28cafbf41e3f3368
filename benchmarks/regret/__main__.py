"""Command line of the comparison: does the runs that are missing, then prints what came of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from benchmarks.regret import plan, tuning
from benchmarks.regret.case import Case
from benchmarks.regret.cases import HALVES
from benchmarks.regret.methods import ENGINE, FIELD, METHODS
from benchmarks.regret.results import Results, Row, engine_digest, only, with_best_optimum
from benchmarks.regret.runs import SEQUENTIAL, Job, run
from benchmarks.regret.statistics import series_of

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
TUNING = ROOT / "build" / "tuning"

HELP = """Compare asktell with its peers: does the runs that have no result yet, then prints the tables.

Ctrl-C loses at most the run in progress: start it again and it goes on. Results of asktell are run again when the
engine's source has changed, those of the others are kept.

To choose settings: `--half development --in-process --label NAME` runs the engine in this process and keeps the
results below build/, `--against NAME` compares with another label or with a peer.
"""


@click.command(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--half", type=click.Choice([*HALVES]), default="reporting", show_default=True, help="Of the cases.")
@click.option("--method", "methods", type=click.Choice([*METHODS]), multiple=True, help="This one alone; repeatable.")
@click.option("--case", "names", multiple=True, help="This case alone; repeatable.")
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True, help="Runs of each case.")
@click.option("--trials", type=click.IntRange(1), default=50, show_default=True, help="Trials of each run.")
@click.option("--in-process", is_flag=True, help="asktell's engine in this process, for choosing settings.")
@click.option("--label", default="", help="With --in-process: under which name the results are kept.")
@click.option("--against", multiple=True, help="With --in-process: a label or method to compare with; repeatable.")
@click.option("--jobs", "processes", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, help="Where they are.")
@click.option("--report-only", is_flag=True, help="Run nothing.")
def main(
    *,
    half: str,
    methods: Sequence[str],
    names: Sequence[str],
    seeds: int,
    trials: int,
    in_process: bool,
    label: str,
    against: Sequence[str],
    processes: int,
    results: Path,
    report_only: bool,
) -> None:
    """Runs and reports."""
    say = partial(Console(stderr=True).print, highlight=False, markup=False)
    cases = plan.available(_chosen(half, names), say)
    if in_process:
        kept = Results(TUNING)
        make = partial(Job, trials=trials, label=label)
        planned = [] if report_only else [*plan.jobs(cases, [ENGINE], seeds=seeds, make=make)]
        failed = plan.execute(planned, kept, run=run, say=say, processes=processes)
        rows = [*kept.rows, *Results(results).rows]
        if not report_only:  # of the label those rows alone that the engine as it is now gave
            rows = [row for row in rows if row.label != label or row.engine in {"", engine_digest()}]
        print(_tuning(rows, cases, names=(label or ENGINE.name, *against), seeds=seeds, at=(trials // 2, trials)))
        sys.exit(failed > 0)
    field = plan.available([METHODS[name] for name in methods or FIELD], say)
    kept = Results(results)
    planned = [] if report_only else [*plan.jobs(cases, field, seeds=seeds, make=partial(Job, trials=trials))]
    failed = plan.execute(planned, kept, run=run, say=say, processes=processes)
    sys.exit(failed > 0)


def _chosen(half: str, names: Sequence[str]) -> list[Case]:
    unknown = set(names) - {case.name for case in HALVES[half]}
    if unknown:
        raise click.BadParameter(f"the {half} half has no {', '.join(sorted(unknown))}", param_hint="--case")
    return [case for case in HALVES[half] if not names or case.name in names]


def _tuning(rows: Sequence[Row], cases: Sequence[Case], *, names: Sequence[str], seeds: int, at: Sequence[int]) -> str:
    """The first series beside the others; labels and methods alike name one."""
    wanted = only(rows, part=SEQUENTIAL, cases={case.name: case.revision for case in cases})
    wanted = [row for row in wanted if row.seed < seeds and row.series in names]
    found = series_of(with_best_optimum(wanted), lambda row: row.series)
    missing = [name for name in names if name not in found]
    if missing:
        raise click.ClickException(f"no results of {', '.join(missing)} on these cases")
    return tuning.comparison({name: found[name] for name in names}, at=at)


if __name__ == "__main__":
    main()
