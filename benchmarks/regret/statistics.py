"""From runs to figures: regret over trials, ranks, and paired differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from benchmarks.regret.results import Row

Vector = npt.NDArray[np.float64]
Regrets = Mapping[tuple[str, int], float]
"""By case and seed."""


def regret_curve(row: Row) -> Vector:
    """Normalised regret after each trial (n): (true value at the best observed - optimum) / (median - optimum).

    The row's optimum must be known (`with_best_optimum` puts one in). Regret may go up where noise misleads.
    """
    assert row.optimum is not None
    observed = np.asarray(row.values, dtype=np.float64)
    true = observed if row.true is None else np.asarray(row.true, dtype=np.float64)
    best = np.minimum.accumulate(observed)
    # The first trial that had the best observed value so far.
    first = np.maximum.accumulate(np.where(np.r_[True, observed[1:] < best[:-1]], np.arange(len(observed)), 0))
    return np.maximum((true[first] - row.optimum) / (row.median - row.optimum), row.floor)


def regrets(rows: Iterable[Row], trials: int) -> dict[tuple[str, int], float]:
    """The normalised regret of each run after so many trials; runs with fewer are left out."""
    return {(row.case, row.seed): float(regret_curve(row)[trials - 1]) for row in rows if len(row.values) >= trials}


def by_case(values: Regrets) -> dict[str, Vector]:
    """The regrets of each case, over its seeds."""
    cases: dict[str, list[float]] = {}
    for (case, _), value in values.items():
        cases.setdefault(case, []).append(value)
    return {case: np.array(each) for case, each in cases.items()}


FAR = 10.0
"""A run is far behind when its regret is above so many times the median of its case."""


def behind(values: Vector) -> int:
    """How many runs of a case (n regrets) end far behind."""
    return int((values > FAR * np.median(values)).sum())


def far_behind(cases: Iterable[Vector]) -> float:
    """The share of all runs that end far behind, between 0 and 1."""
    cases = list(cases)
    return sum(map(behind, cases)) / sum(map(len, cases))


def geometric_mean(values: Regrets) -> float:
    """Over the seeds of a case, then over cases, so that every case counts the same."""
    return float(10 ** np.mean([np.log10(each).mean() for each in by_case(values).values()]))


def mean_ranks(series: Mapping[str, Regrets]) -> dict[str, float]:
    """The mean rank of each over the runs that all have; ties share theirs."""
    shared = set.intersection(*(set(values) for values in series.values()))
    if not shared:
        return dict.fromkeys(series, float("nan"))
    table = np.array([[values[key] for values in series.values()] for key in sorted(shared)])
    return dict(zip(series, stats.rankdata(table, axis=1).mean(axis=0).tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """`first` against `second` on the runs that both have: the same case, seed and noise.

    `delta` is the difference of mean log10 regret (negative: the first is better), `error` its standard error over
    the seeds within cases; `wins`, `losses` and `ties` count runs; the p-values are of two-sided Wilcoxon signed-rank
    tests over runs and over cases (their means): the second knows that runs of one case are alike.
    """

    delta: float
    error: float
    runs: int
    cases: int
    wins: int
    losses: int
    ties: int
    p_runs: float
    p_cases: float


def paired(first: Regrets, second: Regrets) -> Paired | None:
    """Compares two series; None where they have no run in common."""
    shared = sorted(set(first) & set(second))
    if not shared:
        return None
    differences = {key: float(np.log10(first[key]) - np.log10(second[key])) for key in shared}
    every = np.array(list(differences.values()))
    cases = list(by_case(differences).values())
    means = np.array([each.mean() for each in cases])
    errors = [each.var(ddof=1) / len(each) if len(each) > 1 else np.nan for each in cases]
    return Paired(
        delta=float(means.mean()),
        error=float(np.sqrt(np.sum(errors)) / len(cases)),
        runs=len(shared),
        cases=len(cases),
        wins=int((every < 0).sum()),
        losses=int((every > 0).sum()),
        ties=int((every == 0).sum()),
        p_runs=_wilcoxon(every),
        p_cases=_wilcoxon(means),
    )


def _wilcoxon(differences: Vector) -> float:
    """1 where nothing differs; ties are left out."""
    differing = differences[differences != 0]
    return float(stats.wilcoxon(differing).pvalue) if len(differing) else 1.0


def series_of(rows: Iterable[Row], name: Callable[[Row], str]) -> dict[str, list[Row]]:
    """Rows by the name of what they compare."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(name(row), []).append(row)
    return found


def band(curves: Sequence[Vector]) -> tuple[Vector, Vector, Vector]:
    """Lower quartile, median and upper quartile (n each) of curves of one length."""
    low, middle, high = np.percentile(np.stack(curves), (25, 50, 75), axis=0)
    return low, middle, high
