"""A quick look at series side by side, for choosing settings on the development half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.figures import table
from benchmarks.regret.results import Row
from benchmarks.regret.statistics import by_case, far_behind, geometric_mean, paired, regrets


def comparison(series: Mapping[str, Sequence[Row]], *, at: Sequence[int]) -> str:
    """Geometric-mean regret by case and overall, then Δ of the first series against each other one."""
    after = {
        (name, trials): found for trials in at for name, rows in series.items() if (found := regrets(rows, trials))
    }
    cases = {key: by_case(values) for key, values in after.items()}
    names = dict.fromkeys(case for each in cases.values() for case in each)
    rows = [[case, *(_mean(each.get(case)) for each in cases.values())] for case in names]
    rows.append(["**all**", *(f"{geometric_mean(values):.3g}" for values in after.values())])
    cpu = [np.mean([np.mean(row.cpu_s) for row in series[name]]) for name, _ in after]
    rows.append(["far behind", *(f"{far_behind(each.values()):.1%}" for each in cases.values())])
    rows.append(["CPU ms/ask", *(f"{seconds * 1e3:.0f}" for seconds in cpu)])
    header = ["geometric-mean regret", *(f"{name} @{trials}" for name, trials in after)]
    parts = [table(header, rows)]
    first, *others = series
    deltas = []
    for other in others:
        for trials in at:
            difference = paired(after.get((first, trials), {}), after.get((other, trials), {}))
            if difference is not None:
                deltas.append(
                    [
                        f"{first} less {other} @{trials}",
                        f"{difference.delta:+.3f}",
                        f"{difference.error:.3f}",
                        str(difference.runs),
                    ]
                )
    if deltas:
        parts.append(table(["Δ of mean log10 regret (negative: the first is better)", "Δ", "SE", "runs"], deltas))
    return "\n\n".join(parts)


def _mean(values: np.typing.NDArray[np.float64] | None) -> str:
    return "" if values is None else f"{10 ** np.log10(values).mean():.3g}"
