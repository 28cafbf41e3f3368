"""Figures for people: percentiles, tables, and targets with whether they are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A figure that is to be reached."""

    name: str
    wanted: str
    measured: str
    met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One measured part: a heading, what was done, the table, its targets, and the raw figures for --json."""

    title: str
    method: str
    table: str
    targets: Sequence[Target]
    raw: Sequence[object]


def percentile(values: Sequence[float], percent: float) -> float:
    """Between the nearest two values, linearly."""
    return float(np.percentile(values, percent))


def milliseconds(seconds: float) -> str:
    """Three significant digits, as far as they mean something."""
    value = seconds * 1e3
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal too; numbers stand to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [cells[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells[1:], widths[1:], strict=True))]
        return f"| {' | '.join(padded)} |"

    rule = "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])])
    return "\n".join([line(header), f"|{rule}|", *map(line, rows)])


def targets_table(targets: Sequence[Target]) -> str:
    """Each target with what was measured."""
    rows = [(t.name, t.wanted, t.measured, "met" if t.met else "NOT MET") for t in targets]
    return table(("target", "wanted", "measured", ""), rows)
