"""Parallel coordinates: an axis for each parameter and metric, a line for each trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.plotting import look
from asktell.plotting.points import (
    Numeric,
    best_of,
    choices_of,
    chosen_metrics,
    goal_of,
    is_log,
    measured,
    range_of,
    row,
    short,
    spans_magnitudes,
    ticks_of,
)
from asktell.spaces import Domain
from asktell.spec import Goal


@dataclass(frozen=True, slots=True)
class _Axis:
    """`place`: where a value stands, from 0 at the bottom to 1 at the top. `ticks`: labels by place."""

    name: str
    place: Callable[[Any], float]
    ticks: Sequence[tuple[float, str]] = field(default_factory=list)


_MOST_CHOICES = 12
"""Of more, every axis would be black with labels: only the first and the last are shown."""


def parallel(
    study: StudyView,
    trials: Sequence[TrialView],
    *,
    metrics: Sequence[str] | None = None,
    width: int | None = None,
    height: int = 320,
) -> alt.LayerChart:
    """A line for each trial with a result, in the colour of its first metric; the best one is drawn thicker.

    `width`: None gives every axis 110 pixels. `metrics`, by default the objectives, are the last axes.
    """
    chosen = chosen_metrics(study, metrics)
    shown = measured(trials, chosen[0])
    axes = [_parameter(name, domain) for name, domain in study.domains.items()]
    values = [
        _metric(metric, [trial.metrics[metric] for trial in shown if metric in trial.metrics]) for metric in chosen
    ]
    best = best_of(study, trials, chosen[0])
    rows = [
        {
            **row(trial, chosen[0]),
            "axis": index,
            "place": place,
            "best": best is not None and trial.number == best.number,
        }
        for trial in shown
        for index, place in _places(trial, axes, values)
    ]
    names = [axis.name for axis in (*axes, *values)]
    color = alt.Color(
        field="value",
        type="quantitative",
        title=chosen[0],
        scale=alt.Scale(
            scheme="viridis",
            reverse=goal_of(study, chosen[0]) is not Goal.MAXIMIZE,  # the better, the brighter
            type="log" if spans_magnitudes(trial.metrics[chosen[0]] for trial in shown) else "linear",
        ),
    )
    x = alt.X(
        field="axis",
        type="quantitative",
        title=None,
        scale=alt.Scale(domain=[-0.3, len(names) - 0.7], nice=False, zero=False),
        axis=None,
    )
    y = alt.Y(field="place", type="quantitative", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    lines = (
        alt.Chart(look.data(rows))
        .mark_line(clip=False)
        .encode(
            x,
            y,
            color,
            detail=alt.Detail(field="trial", type="nominal"),
            strokeWidth=alt.condition("datum.best", alt.value(4), alt.value(1.2)),
            opacity=alt.condition("datum.best", alt.value(1), alt.value(0.6)),
            tooltip=look.tooltip(("value", chosen[0])),
        )
    )
    labelled = [
        {"axis": index, "place": place, "label": label}
        for index, axis in enumerate((*axes, *values))
        for place, label in axis.ticks
    ]
    heads = [{"axis": index, "place": 1, "label": name} for index, name in enumerate(names)]
    rules = alt.Chart(look.data(heads)).mark_rule(color=look.QUIET).encode(x)
    ticks = (
        alt.Chart(look.data(labelled))
        .mark_text(align="left", dx=4, fontSize=10)
        .encode(x, y, text=alt.Text(field="label", type="nominal"))
    )
    titles = (
        alt.Chart(look.data(heads))
        .mark_text(dy=-16, fontWeight="bold", limit=105)
        .encode(x, y, text=alt.Text(field="label", type="nominal"))
    )
    halo = ticks.mark_text(align="left", dx=4, fontSize=10, stroke="white", strokeWidth=3)  # or lines cross out labels
    note = f"trials with a result: {len(shown)}" if shown else "no trial has a result yet"
    return alt.layer(rules, lines, halo, ticks, titles).properties(
        width=width or 110 * len(names),
        height=height,
        view=alt.ViewBackground(stroke=None),
        title=alt.Title(f"{study.id}: parallel", subtitle=note, anchor="start", offset=24),
    )


def _places(trial: TrialView, axes: Sequence[_Axis], metrics: Sequence[_Axis]) -> list[tuple[int, float]]:
    params, values = trial.params, trial.metrics
    found = [(index, axis.place(params[axis.name])) for index, axis in enumerate(axes) if axis.name in params]
    return found + [
        (len(axes) + index, axis.place(values[axis.name])) for index, axis in enumerate(metrics) if axis.name in values
    ]


def _parameter(name: str, domain: Domain) -> _Axis:
    if not isinstance(domain, Numeric):
        choices = choices_of(domain)
        last = max(1, len(choices) - 1)
        shown = range(len(choices)) if len(choices) <= _MOST_CHOICES else (0, len(choices) - 1)
        places = {choice: index / last for index, choice in enumerate(choices)}
        return _Axis(
            name, lambda value: places.get(short(value), 0.0), [(index / last, choices[index]) for index in shown]
        )
    low, high = range_of(domain)
    return _numbers(name, low, high, ticks_of(domain), log=is_log(domain))


def _metric(name: str, values: Sequence[float]) -> _Axis:
    if not values:
        return _Axis(name, lambda _: 0.0)
    low, high = min(values), max(values)
    log = spans_magnitudes(values)
    return _numbers(name, low, high, [low, math.sqrt(low * high) if log else low + (high - low) / 2, high], log=log)


def _numbers(name: str, low: float, high: float, ticks: Sequence[float], *, log: bool) -> _Axis:
    scaled: Callable[[float], float] = math.log if log else float
    span = scaled(high) - scaled(low)
    if span == 0:
        return _Axis(name, lambda _: 0.5, [(0.5, short(low))])

    def place(value: float) -> float:
        return (scaled(float(value)) - scaled(low)) / span

    return _Axis(name, place, [(place(tick), short(tick)) for tick in ticks])
