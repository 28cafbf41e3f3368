"""Median regret over trials with its quartiles: a panel for each case and one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.regret.report import title
from benchmarks.regret.results import Row
from benchmarks.regret.statistics import band, regret_curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = {  # of Okabe & Ito, told apart by everybody
    "asktell": "#D55E00",
    "asktell-engine": "#D55E00",
    "ax": "#0072B2",
    "optuna-gp": "#009E73",
    "optuna-tpe": "#CC79A7",
    "optuna-cma": "#E69F00",
    "optuna-nsga-ii": "#56B4E9",
    "random": "#999999",
}
COLUMNS = 4


def plot(series: Mapping[str, Sequence[Row]], path: Path, *, trials: int) -> Path:
    """Writes a PNG, and returns its path. (The same as SVG would be tens of thousands of lines in every refresh.)"""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    cases = list(dict.fromkeys(row.case for rows in series.values() for row in rows))
    lines = -(-(len(cases) + 1) // COLUMNS)
    figure, axes = plt.subplots(lines, COLUMNS, figsize=(3.4 * COLUMNS, 2.5 * lines), squeeze=False, sharex=True)
    panels = axes.ravel()
    _overall(panels[0], series, trials)
    for panel, case in zip(panels[1:], cases, strict=False):
        _case(panel, case, series, trials)
    for panel in panels[len(cases) + 1 :]:
        panel.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=len(labels), frameon=False)
    figure.supxlabel("trials", fontsize=9)
    figure.supylabel("normalised regret: median and quartiles", fontsize=9)
    figure.tight_layout(rect=(0, 0, 1, 0.97))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})  # the same figures give the same file
    plt.close(figure)
    return path


def _overall(panel: Axes, series: Mapping[str, Sequence[Row]], trials: int) -> None:
    """The geometric mean over cases."""
    for name, rows in series.items():
        logs: dict[str, list[np.typing.NDArray[np.float64]]] = {}
        for row in rows:
            if len(row.values) >= trials:
                logs.setdefault(row.case, []).append(np.log10(regret_curve(row)[:trials]))
        if logs:
            mean = 10 ** np.mean([np.mean(each, axis=0) for each in logs.values()], axis=0)
            panel.plot(np.arange(1, trials + 1), mean, color=COLOURS.get(name), label=title(name), linewidth=1.5)
    _dress(panel, "all cases, geometric mean")


def _case(panel: Axes, case: str, series: Mapping[str, Sequence[Row]], trials: int) -> None:
    numbers = np.arange(1, trials + 1)
    for name, rows in series.items():
        curves = [regret_curve(row)[:trials] for row in rows if row.case == case and len(row.values) >= trials]
        if curves:
            low, middle, high = band(curves)
            panel.plot(numbers, middle, color=COLOURS.get(name), linewidth=1.2)
            panel.fill_between(numbers, low, high, color=COLOURS.get(name), alpha=0.15, linewidth=0)
    _dress(panel, case)


def _dress(panel: Axes, heading: str) -> None:
    panel.set_title(heading, fontsize=9)
    panel.set_yscale("log")
    panel.tick_params(which="both", labelsize=7)
    panel.grid(visible=True, which="major", alpha=0.25, linewidth=0.5)
