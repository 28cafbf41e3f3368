"""The report as Markdown: what was run on what, a table of the cases, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from benchmarks.figures import table
from benchmarks.machine import commit
from benchmarks.regret.case import DISCRETE_FLOOR
from benchmarks.regret.methods import METHODS
from benchmarks.regret.results import Row
from benchmarks.regret.statistics import (
    Paired,
    Regrets,
    behind,
    by_case,
    far_behind,
    geometric_mean,
    mean_ranks,
    paired,
    regrets,
)

Series = Mapping[str, Sequence[Row]]

READING = """\
Regret is normalised: (true value at the best observed - optimum) / (median of random configurations - optimum), so 1 is
what a random guess gives and 0 the optimum; below 0.0001 (0.001 where a space has discrete parameters) nothing counts.
Each seed moves the optimum and is the same for every method. CPU/ask is the processor time of all processes that take
part in one ask and its tell, mean over the run, where several things ran on the machine."""

CASES = """\
Median regret with its quartiles over the seeds; the lowest median of a line is **bold**."""

TAILS = """\
The bad runs: the 90th percentile of regret over the seeds and, in brackets, how many runs end above ten times the
median of their method."""

OVERALL = """\
`geometric mean` counts every case the same. `mean rank` is among all methods of the table, on the runs that all have.
`all at once` restricts every method to those runs too. `repeats` are trials of a configuration that was tried before,
`near` the share of trials that differ from an earlier one by at most 0.2 % of the range in every parameter (of the runs
that were counted)."""

PAIRED = """\
asktell against each other method on the runs that both have: wins and losses, the difference of mean log10 regret
(negative: asktell is better; ±0.3 is a factor of two) with its standard error over the seeds, and two-sided Wilcoxon
signed-rank tests, over runs and, more careful, over the means of the cases."""


KINDS = """\
The same for spaces of floats alone and for those that have integers, lists or categories: geometric-mean regret, and in
brackets by how much asktell differs (Δ log10 with its standard error)."""


def title(name: str) -> str:
    """A method as people know it; a label as it is."""
    return METHODS[name].title if name in METHODS else name


def setting(series: Series) -> str:
    """Versions, machines and seeds behind the rows."""
    versions = {name: version for rows in series.values() for row in rows for name, version in row.versions.items()}
    machines = sorted({row.machine for rows in series.values() for row in rows})
    engines = sorted({row.engine for rows in series.values() for row in rows if row.engine})
    seeds = {title(name): [len(each) for each in by_case(regrets(rows, 1)).values()] for name, rows in series.items()}
    lines = [
        f"- machine: {', '.join(machines)}; one thread for each method",
        f"- versions: {', '.join(f'{name} {version}' for name, version in sorted(versions.items()))}",
        f"- engine: {', '.join(engines) or 'no runs of asktell'} (digest of its source)",
        f"- commit {commit()}; printed {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- runs of each case: {', '.join(f'{name} {_span(counts)}' for name, counts in seeds.items())}",
    ]
    return "\n".join(lines)


def cases_table(series: Series, trials: int) -> str:
    """Median and quartiles of each case and method."""
    found = {name: by_case(regrets(rows, trials)) for name, rows in series.items()}
    lines = []
    for case in dict.fromkeys(case for each in found.values() for case in each):
        medians = {name: float(np.median(each[case])) for name, each in found.items() if case in each}
        lowest = min(medians.values())
        cells = [
            _spread(each[case], best=medians[name] == lowest) if case in each else "" for name, each in found.items()
        ]
        lines.append([case, *cells])
    return table([f"regret after {trials} trials", *map(title, series)], lines)


def tails_table(series: Series, trials: int) -> str:
    """The 90th percentile of each case and method, and how many runs are far behind their median."""
    found = {name: by_case(regrets(rows, trials)) for name, rows in series.items()}
    lines = [
        [case, *(_tail(each[case]) if case in each else "" for each in found.values())]
        for case in dict.fromkeys(case for each in found.values() for case in each)
    ]
    shares = [far_behind(each.values()) for each in found.values()]
    lines.append(["**far behind, of all runs**", *(f"{share:.1%}" for share in shares)])
    return table([f"90th percentile after {trials} trials", *map(title, series)], lines)


def overall_table(series: Series, at: Sequence[int]) -> str:
    """Geometric means, ranks and cost of the methods."""
    header = ["method"]
    columns = []
    for trials in at:
        values = {name: regrets(rows, trials) for name, rows in series.items()}
        values = {name: each for name, each in values.items() if each}
        ranks = mean_ranks(values)
        shared = set.intersection(*(set(each) for each in values.values()))
        header += [f"geometric mean @{trials}", f"all at once @{trials}", f"mean rank @{trials}"]
        columns.append(
            {
                name: [
                    f"{geometric_mean(each):.4f}",
                    f"{geometric_mean({key: each[key] for key in shared}):.4f}" if shared else "",
                    f"{ranks[name]:.2f}" if shared else "",
                ]
                for name, each in values.items()
            }
        )
    header += ["runs", "CPU/ask ms", "repeats", "near"]
    lines = []
    for name, rows in series.items():
        cells = [cell for column in columns for cell in column.get(name, ["", "", ""])]
        cpu = np.mean([np.mean(row.cpu_s) for row in rows])
        repeats = str(sum(row.duplicates for row in rows))
        lines.append([title(name), *cells, str(len(rows)), f"{cpu * 1e3:.3g}", repeats, _near(rows)])
    return table(header, lines)


def paired_table(series: Series, first: str, at: Sequence[int]) -> str:
    """The first method against each other one."""
    lines = []
    for other in series:
        for trials in at:
            found = paired(regrets(series[first], trials), regrets(series[other], trials)) if other != first else None
            if found is not None:
                lines.append([f"{title(other)} @{trials}", *_paired_cells(found)])
    header = ["against", "runs", "wins / losses / ties", "Δ log10", "SE", "p, runs", "p, cases"]
    return table(header, lines)


def kinds_table(series: Series, first: str, at: Sequence[int]) -> str:
    """Geometric means by kind of space, and the first method against each other one."""
    lines = []
    for kind, has_discrete in (("floats alone", False), ("mixed and discrete", True)):
        part = {
            name: [row for row in rows if (row.floor >= DISCRETE_FLOOR) == has_discrete]
            for name, rows in series.items()
        }
        for trials in at:
            values = {name: regrets(rows, trials) for name, rows in part.items()}
            if values[first]:
                cells = [_against(values[first], each) if each else "" for each in values.values()]
                lines.append([f"{kind} @{trials}", *cells])
    return table(["geometric mean", *map(title, series)], lines)


def half_as_many(series: Series, first: str, trials: int) -> str:
    """The first method after half the trials against the others after all of them."""
    early = regrets(series[first], trials // 2)
    lines = []
    for other, rows in series.items():
        found = paired(early, regrets(rows, trials)) if other != first else None
        if found is not None:
            lines.append([title(other), *_paired_cells(found)])
    header = [
        f"@{trials // 2} against @{trials} of",
        "runs",
        "wins / losses / ties",
        "Δ log10",
        "SE",
        "p, runs",
        "p, cases",
    ]
    return table(header, lines)


def worse_than_a_peer(series: Series, first: str, trials: int) -> str:
    """The cases where a peer's median is lower, named."""
    ours = by_case(regrets(series[first], trials))
    lines = []
    for case, values in ours.items():
        for other, rows in series.items():
            theirs = by_case(regrets(rows, trials)).get(case) if other != first else None
            if theirs is not None and np.median(theirs) < np.median(values):
                lines.append(f"{case} ({title(other)} {np.median(theirs):.3g}, asktell {np.median(values):.3g})")
    return f"Worse than a peer after {trials} trials, by the median: {'; '.join(lines) or 'nowhere'}."


def report(series: Series, *, at: Sequence[int], ours: str) -> str:
    """The whole report; the parts about asktell only where it was run."""
    parts = [setting(series), READING, CASES, *(cases_table(series, trials) for trials in at)]
    parts += [TAILS, *(tails_table(series, trials) for trials in at), OVERALL, overall_table(series, at)]
    if ours in series and len(series) > 1:
        parts += [PAIRED, paired_table(series, ours, at), half_as_many(series, ours, at[-1])]
        parts += [KINDS, kinds_table(series, ours, at)]
        parts += [worse_than_a_peer(series, ours, trials) for trials in at]
    return "\n\n".join(parts)


def _near(rows: Sequence[Row]) -> str:
    counted = [row for row in rows if row.near is not None]
    trials = sum(len(row.values) for row in counted)
    return f"{sum(row.near or 0 for row in counted) / trials:.1%}" if trials else ""


def _tail(values: npt.NDArray[np.float64]) -> str:
    return f"{np.percentile(values, 90):.2g} ({behind(values)} of {len(values)})"


def _paired_cells(found: Paired) -> list[str]:
    outcome = f"{found.wins} / {found.losses} / {found.ties}"
    p_values = [f"{found.p_runs:.2g}", f"{found.p_cases:.2g}"]
    return [str(found.runs), outcome, f"{found.delta:+.3f}", f"{found.error:.3f}", *p_values]


def _against(ours: Regrets, theirs: Regrets) -> str:
    found = paired(ours, theirs) if theirs is not ours else None
    difference = f" ({found.delta:+.2f}, SE {found.error:.2f})" if found else ""
    return f"{geometric_mean(theirs):.4f}{difference}"


def _spread(values: npt.NDArray[np.float64], *, best: bool) -> str:
    low, middle, high = np.percentile(values, (25, 50, 75))
    shown = f"{middle:.2g}"
    return f"{f'**{shown}**' if best else shown} ({low:.2g} to {high:.2g})"


def _span(counts: Sequence[int]) -> str:
    return str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
