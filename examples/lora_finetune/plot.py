"""Draw best-so-far of a study: ``asktell trials STUDY --json | python -m examples.lora_finetune.plot best.png``."""

import argparse
import dataclasses
import itertools
import json
import math
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

METRIC = "perplexity"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One trial of the table: `value` is infinite where it has no result."""

    number: int
    value: float
    from_model: bool


def read_points(trials: Sequence[Mapping[str, Any]]) -> list[Point]:
    """The trials of ``asktell trials --json``, in the order of their numbers."""
    points = (
        Point(
            number=trial["number"],
            value=trial["metrics"][METRIC] if trial["state"] == "SUCCEEDED" else math.inf,
            from_model=trial["origin"] == "MODEL",
        )
        for trial in trials
    )
    return sorted(points, key=lambda point: point.number)


def best_so_far(points: Sequence[Point]) -> list[float]:
    """The lowest value up to each trial; infinite before the first result."""
    return list(itertools.accumulate((point.value for point in points), min))


def draw(points: Sequence[Point], *, default: float) -> Figure:
    """Every trial as a dot, the best so far as a line, the default settings as a dashed line.

    The axis is scaled to what tuning gains over the default; failed and far worse trials are arrows at its upper edge.
    """
    best = best_so_far(points)
    gain = abs(default - best[-1]) or 1.0
    ceiling = best[-1] + 1.6 * gain
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    axes = figure.subplots()
    for from_model, colour, name in ((False, "#8a8f98", "space-filling start"), (True, "#2f6fde", "model")):
        inside = [point for point in points if point.from_model == from_model and point.value < ceiling]
        above = [point for point in points if point.from_model == from_model and point.value >= ceiling]
        axes.scatter([p.number for p in inside], [p.value for p in inside], s=22, color=colour, label=name, zorder=3)
        axes.scatter([p.number for p in above], [ceiling - 0.04 * gain] * len(above), s=30, color=colour, marker="^")
    numbers = [point.number for point in points]
    axes.step(numbers, best, where="post", color="#d1495b", linewidth=2, label=f"best so far ({best[-1]:.2f})")
    axes.axhline(default, color="#333333", linestyle="--", linewidth=1, label=f"default settings ({default:.2f})")
    axes.set_ylim(best[-1] - 0.1 * gain, ceiling)
    axes.set_xlabel("trial   (▲ failed or off the scale)")
    axes.set_ylabel("validation perplexity per character")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.25)
    figure.legend(frameon=False, loc="outside upper center", ncols=4)
    return figure


def main() -> None:
    """Read the trials from standard input and write the picture."""
    parser = argparse.ArgumentParser(prog="python -m examples.lora_finetune.plot", description=__doc__)
    parser.add_argument("picture", type=pathlib.Path, help="the PNG file to write")
    parser.add_argument("--default", type=float, required=True, help="perplexity of the default settings")
    options = parser.parse_args()
    draw(read_points(json.load(sys.stdin)), default=options.default).savefig(options.picture, dpi=120)


if __name__ == "__main__":
    main()
