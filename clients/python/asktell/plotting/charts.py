"""The plots of values: history, slices and curves. Each takes what the server told and returns an Altair chart.

`metrics`: which metrics to plot, one below the other; None = the objectives. Sizes are in pixels. All raise ValueError for
a metric that the study does not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.plotting import look
from asktell.plotting.points import (
    Numeric,
    Row,
    best_of,
    best_so_far,
    chosen_metrics,
    counted,
    failed,
    measured,
    row,
    short,
    spans_magnitudes,
)
from asktell.records import Measurement
from asktell.spaces import Domain

Measured = Sequence[tuple[TrialView, Sequence[Measurement]]]


def history(
    study: StudyView,
    trials: Sequence[TrialView],
    *,
    metrics: Sequence[str] | None = None,
    width: int = 640,
    height: int = 300,
) -> alt.VConcatChart:
    """Each trial's value by its number, the best value so far as a line, failed trials marked above the plot."""
    charts = [
        _history(study, trials, metric).properties(width=width, height=height)
        for metric in chosen_metrics(study, metrics)
    ]
    return alt.vconcat(*charts, title=look.title(f"{study.id}: history", counted(trials)))


def _history(study: StudyView, trials: Sequence[TrialView], metric: str) -> Any:
    rows = [row(trial, metric) for trial in measured(trials, metric)]
    without = [row(trial) for trial in failed(trials)]
    log = spans_magnitudes(each["value"] for each in rows)
    title = look.metric_title(study, metric)
    values = look.value_axis("value", title, log=log)
    marks = look.state_marks([row(trial) for trial in (*measured(trials), *failed(trials))])  # of all metrics the same
    said = look.tooltip(("value", metric))
    points = (
        alt.Chart(look.data(rows))
        .mark_point(filled=True, size=50)
        .encode(look.trial_axis(), values, tooltip=said, **marks)
    )
    best = (
        alt.Chart(look.data(best_so_far(study, trials, metric)))
        .mark_line(interpolate="step-after", color=look.BEST, strokeWidth=2)
        .encode(look.trial_axis(), look.value_axis("best", title, log=log))
    )
    return alt.layer(best, _without_value(without, look.trial_axis(), marks), points)


def _without_value(rows: Sequence[Row], x: Any, marks: Mapping[str, Any]) -> Any:
    return (
        alt.Chart(look.data(rows))
        .mark_point(filled=True, size=50)
        .encode(x, y=look.without_value(), tooltip=look.tooltip(), **marks)
    )


def slices(
    study: StudyView,
    trials: Sequence[TrialView],
    *,
    metrics: Sequence[str] | None = None,
    width: int = 220,
    height: int = 180,
) -> alt.VConcatChart:
    """The values over each parameter, one plot for each; later trials are darker, the best one is ringed."""
    grids = []
    for metric in chosen_metrics(study, metrics):
        best = best_of(study, trials, metric)
        cells = [
            _slice(study, trials, metric, best, name, domain).properties(width=width, height=height)
            for name, domain in study.domains.items()
        ]
        grids.append(alt.concat(*cells, columns=3))
    return alt.vconcat(*grids, title=look.title(f"{study.id}: slices", counted(trials)))


def _slice(
    study: StudyView, trials: Sequence[TrialView], metric: str, best: TrialView | None, name: str, domain: Domain
) -> Any:
    def placed(trial: TrialView) -> Row:
        value = trial.params[name]
        return {**row(trial, metric), "x": value if isinstance(domain, Numeric) else short(value)}

    rows = [placed(trial) for trial in measured(trials, metric) if name in trial.params]
    without = [placed(trial) for trial in failed(trials) if name in trial.params]
    y = look.value_axis("value", look.metric_title(study, metric), log=spans_magnitudes(each["value"] for each in rows))
    x = look.parameter_axis(name, domain)
    later = alt.Color(
        field="trial", type="quantitative", title=look.TRIAL_TITLE, scale=alt.Scale(scheme="viridis", reverse=True)
    )
    points = (
        alt.Chart(look.data(rows))
        .mark_point(filled=True, size=45)
        .encode(x, y, later, tooltip=look.tooltip(("value", metric)))
    )
    ring = (
        alt.Chart(look.data([each for each in rows if best is not None and each["trial"] == best.number]))
        .mark_circle(filled=False, size=160, color="black", strokeWidth=2)
        .encode(x, y)
    )
    crosses = (
        alt.Chart(look.data(without))
        .mark_point(filled=True, size=45, shape="cross", color=look.STATES["FAILED"][0])
        .encode(x, y=look.without_value(), tooltip=look.tooltip())
    )
    return alt.layer(crosses, points, ring)


def curves(
    study: StudyView,
    measured_trials: Measured,
    *,
    metrics: Sequence[str] | None = None,
    width: int = 640,
    height: int = 300,
) -> alt.VConcatChart:
    """What each trial reported by step, in the colour of its state; the best trial is drawn thicker."""
    charts = [
        _curves(study, measured_trials, metric).properties(width=width, height=height)
        for metric in chosen_metrics(study, metrics)
    ]
    trials = [trial for trial, _ in measured_trials]
    with_reports = sum(bool(measurements) for _, measurements in measured_trials)
    note = f"{counted(trials)}, {with_reports} with reports"
    return alt.vconcat(*charts, title=look.title(f"{study.id}: curves", note))


def _curves(study: StudyView, measured_trials: Measured, metric: str) -> Any:
    best = best_of(study, [trial for trial, _ in measured_trials], metric)
    rows: list[Row] = []
    ends: list[Row] = []
    for trial, measurements in measured_trials:
        about = {**row(trial), "best": best is not None and trial.number == best.number}
        found = [
            {**about, "step": each.step, "value": each.metrics[metric]}
            for each in measurements
            if metric in each.metrics
        ]
        rows.extend(found)
        if found and trial.state.has_ended:
            ends.append(max(found, key=lambda each: each["step"]))
    log = spans_magnitudes(each["value"] for each in rows)
    marks = look.state_marks([row(trial) for trial, measurements in measured_trials if measurements])
    x = alt.X(
        field="step",
        type="quantitative",
        title="step",
        axis=alt.Axis(format="d", tickMinStep=1),
        scale=alt.Scale(zero=False, nice=False, padding=12),
    )
    y = look.value_axis("value", metric, log=log)
    said = look.tooltip(("step", "step"), ("value", metric))
    lines = (
        alt.Chart(look.data(rows))
        .mark_line(clip=True)
        .encode(
            x,
            y,
            marks["color"],
            detail=alt.Detail(field="trial", type="nominal"),
            strokeWidth=alt.condition("datum.best", alt.value(3.5), alt.value(1)),
            opacity=alt.condition("datum.best", alt.value(1), alt.value(0.55)),
            tooltip=said,
        )
    )
    last = alt.Chart(look.data(ends)).mark_point(filled=True, size=40).encode(x, y, tooltip=said, **marks)
    return alt.layer(lines, last)
