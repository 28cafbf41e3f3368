"""What plots draw: trials as flat rows whose field names are this package's own.

Parameters and metrics may be called anything; in Vega-Lite a name with dots or brackets is a path. So fields are called
`value`, `x`, …, and people's names appear in titles alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from asktell._core import shown
from asktell._core.rivals import MEASURED, rivals
from asktell._core.study_view import StudyView, names_of
from asktell._core.trial_view import TrialView
from asktell.records import TrialState
from asktell.spaces import Bool, Discrete, Domain, Float, Int
from asktell.spec import Goal

Row: TypeAlias = dict[str, Any]
Numeric: TypeAlias = Float | Int | Discrete
"""Domains of which values have distances; those of the others stand beside each other."""

FAILED = (TrialState.FAILED, TrialState.INFEASIBLE, TrialState.ABANDONED, TrialState.CANCELLED)
_LARGE_RATIO = 1000.0
_GROWING = 8.0  # [4, 8, 16, 32]: numbers that were chosen by their ratios
_MOST_TICKS = 12
_LONGEST_REASON = 200
_DIGITS = 5


def chosen_metrics(study: StudyView, metrics: Sequence[str] | None) -> list[str]:
    """The metrics to plot: those given, or the objectives.

    Raises:
        ValueError: the study has no such metric.
    """
    known = names_of(study.message).metrics
    for metric in metrics or ():
        if metric not in known:
            raise ValueError(f"the study has no metric {metric!r}; it has {', '.join(known)}")
    return list(dict.fromkeys(metrics or [each.metric for each in study.objectives]))


def goal_of(study: StudyView, metric: str) -> Goal | None:
    """Which way the metric is better; None for one that is only logged."""
    return next((each.goal for each in study.objectives if each.metric == metric), None)


def measured(trials: Iterable[TrialView], metric: str | None = None) -> list[TrialView]:
    """The trials that have a value of the metric, or with None of any."""
    return [trial for trial in trials if trial.state in MEASURED and _has(trial, metric)]


def _has(trial: TrialView, metric: str | None) -> bool:
    return bool(trial.metrics) if metric is None else metric in trial.metrics


def failed(trials: Iterable[TrialView]) -> list[TrialView]:
    """The trials that ended without a result."""
    return [trial for trial in trials if trial.state in FAILED]


def best_of(study: StudyView, trials: Iterable[TrialView], metric: str) -> TrialView | None:
    """The first trial with the best value; None without one that keeps the constraints, or where no way is better."""
    goal, found = goal_of(study, metric), rivals(study, trials, metric)
    if goal is None or not found:
        return None
    sign = 1 if goal is Goal.MINIMIZE else -1
    return min(found, key=lambda trial: sign * trial.metrics[metric])


def row(trial: TrialView, metric: str | None = None) -> Row:
    """What every mark of a trial says when the pointer is over it."""
    params = ", ".join(f"{name}={short(value)}" for name, value in trial.params.items())
    found: Row = {"trial": trial.number, "state": trial.state.value, "configuration": params}
    if reason := shown.last_line(trial.reason):
        found["reason"] = reason[:_LONGEST_REASON]
    if metric is not None and metric in trial.metrics:
        found["value"] = trial.metrics[metric]
    return found


def counted(trials: Sequence[TrialView]) -> str:
    """How many trials have ended, and how many of them without a result, for the line below a title."""
    ended, lost = sum(trial.state.has_ended for trial in trials), len(failed(trials))
    if not ended:
        return "no trial has ended yet"
    found = "1 trial ended" if ended == 1 else f"{ended} trials ended"
    return found + (f", {lost} of them without a result" if lost else "")


def best_so_far(study: StudyView, trials: Iterable[TrialView], metric: str) -> list[Row]:
    """The best value after each trial that keeps the constraints, by number; empty where no way is better."""
    goal = goal_of(study, metric)
    if goal is None:
        return []
    better = min if goal is Goal.MINIMIZE else max
    rows: list[Row] = []
    for trial in rivals(study, trials, metric):
        value = trial.metrics[metric]
        rows.append({"trial": trial.number, "best": better(rows[-1]["best"], value) if rows else value})
    return rows


def spans_magnitudes(values: Iterable[float]) -> bool:
    """The values need a logarithmic axis: all positive, and the largest a thousand times the smallest."""
    found = list(values)
    return bool(found) and min(found) > 0 and max(found) / min(found) >= _LARGE_RATIO


def is_log(domain: Domain) -> bool:
    """The axis is logarithmic. A reverse-log one is drawn linear: Vega-Lite has no such scale."""
    if isinstance(domain, Discrete):
        low, high = range_of(domain)
        return low > 0 and high / low >= _GROWING
    return isinstance(domain, Float | Int) and domain.log


def range_of(domain: Numeric) -> tuple[float, float]:
    """The smallest and the largest value."""
    if isinstance(domain, Discrete):
        return float(min(domain.values)), float(max(domain.values))
    return float(domain.min), float(domain.max)


def ticks_of(domain: Numeric) -> list[float]:
    """Values to write at an axis: those of a short list, powers of ten, or ends and middle."""
    low, high = range_of(domain)
    if isinstance(domain, Discrete) and len(domain.values) <= _MOST_TICKS:
        return [float(value) for value in domain.values]
    if is_log(domain):
        powers = [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
        return powers if len(powers) > 1 else [low, _plain(math.sqrt(low * high), domain), high]
    middle = low + (high - low) / 2
    return [low, middle if isinstance(domain, Float) else float(round(middle)), high]


def _plain(value: float, domain: Domain) -> float:
    """A number near the value that is short to write."""
    return float(round(value)) if isinstance(domain, Int) else float(f"{value:.2g}")


def choices_of(domain: Domain) -> list[str]:
    """The values of a categorical or bool parameter as they are shown."""
    return ["false", "true"] if isinstance(domain, Bool) else [short(value) for value in getattr(domain, "values", ())]


def short(value: object) -> str:
    """A parameter or metric where there is little room."""
    return shown.short(value, _DIGITS)
