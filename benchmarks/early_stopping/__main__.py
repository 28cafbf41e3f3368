"""Command line: does the runs that have no result yet, then prints what came of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from benchmarks import clean_tree, document
from benchmarks.early_stopping import report
from benchmarks.early_stopping.report import Run
from benchmarks.early_stopping.studies import METHODS, Training
from benchmarks.early_stopping.tables import TABLES, load

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results" / "early-stopping" / "runs.jsonl"
CURVES = ROOT / "build" / "curves"
TRAININGS = 20

HELP = f"""Compare early stopping with Optuna's pruners on recorded learning curves: epochs and what they found.

Each run has the epochs of {TRAININGS} whole trainings. Runs that are recorded already are not done again; Ctrl-C loses the run in
progress. The curves are trained once, in about 10 minutes of a processor, and kept below build/.

\b
Examples:
  python -m benchmarks.early_stopping
  python -m benchmarks.early_stopping --table digits --method "asktell, auto" --seeds 20
  python -m benchmarks.early_stopping --report-only --write docs/early-stopping.md
"""


@click.command(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--table", "tables", type=click.Choice([*TABLES]), multiple=True, help="This one alone; repeatable.")
@click.option("--method", "methods", type=click.Choice([*METHODS]), multiple=True, help="This one alone; repeatable.")
@click.option(
    "--seeds", type=click.IntRange(1), default=10, show_default=True, help="Runs of each method on each table."
)
@click.option("--results", type=click.Path(dir_okay=False, path_type=Path), default=RESULTS, help="Where they are.")
@click.option(
    "--curves", type=click.Path(file_okay=False, path_type=Path), default=CURVES, help="Where the tables are."
)
@click.option("--report-only", is_flag=True, help="Run nothing.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the report into this page too.")
@clean_tree.allow_dirty
def main(
    *,
    tables: Sequence[str],
    methods: Sequence[str],
    seeds: int,
    results: Path,
    curves: Path,
    report_only: bool,
    write: Path | None,
    allow_dirty: bool,
) -> None:
    """See HELP."""
    known = _read(results)
    if not report_only:
        _run(tables or [*TABLES], methods or [*METHODS], seeds, results, curves, known)
    clean_tree.require(dirty_is_fine=allow_dirty)
    text = report.text(known, {name: load(name, curves) for name in dict.fromkeys(run.table for run in known)})
    click.echo(text)
    if write is not None:
        document.write(write, "early-stopping", text)


def _run(
    tables: Sequence[str], methods: Sequence[str], seeds: int, results: Path, curves: Path, known: list[Run]
) -> None:
    """Seed by seed, so that what is there when somebody interrupts it is comparable."""
    import torch

    torch.set_num_threads(1)
    done = {(run.table, run.method, run.seed) for run in known}
    jobs = [(seed, table, method) for seed in range(seeds) for table in tables for method in methods]
    jobs = [(seed, table, method) for seed, table, method in jobs if (table, method, seed) not in done]
    results.parent.mkdir(parents=True, exist_ok=True)
    for place, (seed, table, method) in enumerate(jobs, start=1):
        click.echo(f"{place} of {len(jobs)}: {table}, {method}, seed {seed}", err=True)
        curve = load(table, curves)
        training = Training(curve, TRAININGS * curve.epochs)
        METHODS[method](training, seed)
        run = Run(table, method, seed, training.spent, training.configurations, training.path)
        with results.open("a") as file:
            file.write(json.dumps(run._asdict()) + "\n")
        known.append(run)


def _read(results: Path) -> list[Run]:
    if not results.exists():
        return []
    return [Run(**json.loads(line)) for line in results.read_text().splitlines()]


main()
