"""What came of the runs, as tables for the docs."""

from __future__ import annotations

import math
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks import machine
from benchmarks.early_stopping.tables import Table

_SHARES = (0.25, 0.5, 1.0)
"""Of the budget, at which results are compared."""
_LEAST_SEEDS = 2


class Run(NamedTuple):
    """One study: how many epochs it trained, of how many configurations, and its `path` (see Training)."""

    table: str
    method: str
    seed: int
    spent: int
    configurations: int
    path: Sequence[tuple[int, float]]


def text(runs: Sequence[Run], tables: Mapping[str, Table]) -> str:
    """The report."""
    with tempfile.TemporaryDirectory() as directory:
        lines = machine.describe(
            Path(directory), packages=("asktell-server", "optuna", "torch", "scikit-learn")
        ).lines()
    lines = [line for line in lines if not line.startswith("- disk")]
    for name, table in tables.items():
        lines += ["", *_of_table(table, [run for run in runs if run.table == name])]
    return "\n".join(lines)


def _of_table(table: Table, runs: Sequence[Run]) -> list[str]:
    methods = [*dict.fromkeys(run.method for run in runs)]
    budget = 20 * table.epochs
    finals = np.sort(table.losses[..., -1].ravel())
    heads = [f"{share * budget:.0f} epochs" for share in _SHARES]
    lines = [
        f"**{table.name}**: {finals.size} configurations, {table.epochs} epochs, best final loss {table.best:.4f}",
        "",
        f"| method | runs | configurations | trained to the end | final loss after {heads[0]} | {heads[1]} | {heads[2]} | better ones |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for method in methods:
        own = [run for run in runs if run.method == method]
        columns = [[_found(run.path, share * budget, float(finals[-1])) for run in own] for share in _SHARES]
        better = statistics.mean(int(np.searchsorted(finals, loss - 1e-9)) for loss in columns[-1])
        cells = [
            method,
            str(len(own)),
            f"{statistics.mean(run.configurations for run in own):.0f}",
            f"{statistics.mean(len(run.path) for run in own):.0f}",
            *map(_mean, columns),
            f"{better:.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _found(path: Sequence[tuple[int, float]], epochs: float, worst: float) -> float:
    """The lowest final loss after so many epochs; the worst of all while no training has come to its end."""
    return min((loss for spent, loss in path if spent <= epochs), default=worst)


def _mean(losses: Sequence[float]) -> str:
    error = statistics.stdev(losses) / math.sqrt(len(losses)) if len(losses) >= _LEAST_SEEDS else math.nan
    return f"{statistics.mean(losses):.4f} (± {error:.4f})"
