"""Command line of the comparison: does the runs that are missing, then prints what came of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from benchmarks import clean_tree, document
from benchmarks.regret import experiments, plan, plots, report, tuning
from benchmarks.regret.case import Case
from benchmarks.regret.cases import HALVES
from benchmarks.regret.experiments import Experiment
from benchmarks.regret.methods import ASKTELL, ENGINE, METHODS, with_staleness
from benchmarks.regret.results import Results, Row, engine_digest, only, with_best_optimum
from benchmarks.regret.runs import Job
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
@click.option("--parallel", type=click.IntRange(2), help="So many trials in flight instead of one at a time.")
@click.option("--dimension", is_flag=True, help="The cases of 20 to 100 parameters.")
@click.option("--suite", type=click.Choice([*experiments.SUITES]), help="The cases of other goals or spaces.")
@click.option("--staleness", type=click.IntRange(0), help="asktell alone, its studies with this max_staleness.")
@click.option("--method", "methods", type=click.Choice([*METHODS]), multiple=True, help="This one alone; repeatable.")
@click.option("--case", "names", multiple=True, help="This case alone; repeatable.")
@click.option(
    "--seeds", type=click.IntRange(1), help="Runs of each case. [default: 10, or 3 in flight and with many dimensions]"
)
@click.option("--trials", type=click.IntRange(2), help="Trials of each run. [default: 50, or 200]")
@click.option("--in-process", is_flag=True, help="asktell's engine in this process, for choosing settings.")
@click.option("--label", default="", help="With --in-process: under which name the results are kept.")
@click.option("--against", multiple=True, help="With --in-process: a label or method to compare with; repeatable.")
@click.option("--jobs", "processes", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, help="Where they are.")
@click.option("--report-only", is_flag=True, help="Run nothing.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the report into this page too.")
@click.option("--images", type=click.Path(file_okay=False, path_type=Path), help="Draw plots into this directory.")
@clean_tree.allow_dirty
def main(
    *,
    half: str,
    parallel: int | None,
    dimension: bool,
    suite: str | None,
    staleness: int | None,
    methods: Sequence[str],
    names: Sequence[str],
    seeds: int | None,
    trials: int | None,
    in_process: bool,
    label: str,
    against: Sequence[str],
    processes: int,
    results: Path,
    report_only: bool,
    write: Path | None,
    images: Path | None,
    allow_dirty: bool,
) -> None:
    """Runs and reports."""
    clean_tree.require(dirty_is_fine=allow_dirty or in_process)  # in this process settings are chosen: no report
    say = partial(Console(stderr=True).print, highlight=False, markup=False)
    experiment = _experiment(parallel, dimension=dimension, suite=suite)
    cases = plan.available(_chosen(experiment.cases[half], names), say)
    if in_process:
        field, kept = [ENGINE], Results(TUNING)
    elif staleness is not None:
        field, kept, label = [with_staleness(staleness)], Results(results), f"staleness-{staleness}"
    else:
        field, kept = plan.available([METHODS[name] for name in methods or experiment.field], say), Results(results)
    seeds, trials = seeds or experiment.seeds, trials or experiment.trials
    make = partial(Job, trials=trials, label=label, part=experiment.part)
    planned = [] if report_only else [*plan.jobs(cases, field, seeds=seeds, make=make)]
    failed = plan.execute(planned, kept, run=experiment.run, say=say, processes=processes)

    rows = [*kept.rows, *Results(results).rows] if in_process else kept.rows
    rows = only(rows, part=experiment.part, cases={case.name: case.revision for case in cases})
    rows = with_best_optimum([row for row in rows if row.seed < seeds and len(row.values) >= trials])
    at = experiment.at if trials == experiment.trials else (trials // 2, trials)
    if in_process:
        if not report_only:  # of the label those rows alone that the engine as it is now gave
            rows = [row for row in rows if row.label != label or row.engine in {"", engine_digest()}]
        print(tuning.comparison(_named(rows, (label or ENGINE.name, *against)), at=at))
    else:
        series = _named(rows, [name for name in _order(experiment, rows) if not methods or name in methods])
        heading = f"{experiment.heading}: {half} half"
        text = f"### {heading}\n\n{experiment.method}\n\n{report.report(series, at=at, ours=ASKTELL.name)}"
        name = f"regret-{experiment.part}{'' if half == 'reporting' else f'-{half}'}"
        if images is not None:
            drawn = plots.plot(series, images / f"{name}.png", trials=trials)
            say(f"drawn: {drawn}")
            text += f"\n\n![Regret over trials](images/{drawn.name})"
        print(text)
        if write is not None:
            document.write(write, name, text)
    sys.exit(failed > 0)


def _experiment(parallel: int | None, *, dimension: bool, suite: str | None) -> Experiment:
    if (parallel is not None) + dimension + (suite is not None) > 1:
        raise click.UsageError("one of --parallel, --dimension and --suite")
    if parallel is not None:
        return experiments.parallel(parallel)
    if suite is not None:
        return experiments.SUITES[suite]
    return experiments.DIMENSION if dimension else experiments.SEQUENTIAL


def _chosen(cases: Sequence[Case], names: Sequence[str]) -> list[Case]:
    unknown = set(names) - {case.name for case in cases}
    if unknown:
        known = ", ".join(case.name for case in cases)
        raise click.BadParameter(f"no such case: {', '.join(sorted(unknown))}; there are {known}", param_hint="--case")
    return [case for case in cases if not names or case.name in names]


def _order(experiment: Experiment, rows: Sequence[Row]) -> list[str]:
    """The field in its order, then whatever else there are results of."""
    there = dict.fromkeys(row.series for row in rows)
    return [
        *(name for name in experiment.field if name in there),
        *(name for name in there if name not in experiment.field),
    ]


def _named(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of each series; labels and methods alike name one."""
    found = series_of(rows, lambda row: row.series)
    missing = [name for name in names if name not in found]
    if missing or not names:
        raise click.ClickException(f"no results of {', '.join(missing) or 'any method'} on these cases")
    return {name: found[name] for name in names}


if __name__ == "__main__":
    main()
