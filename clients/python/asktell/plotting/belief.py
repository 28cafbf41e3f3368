"""The plots of what the model believes along one or two parameters. Sizes are in pixels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.analysis import Slice, SlicePoint
from asktell.plotting import look
from asktell.plotting.points import Numeric, Row, best_of, goal_of, is_log, measured, range_of, row, short
from asktell.spaces import Domain
from asktell.spec import Goal

_MIDDLE_95 = 1.96
_DOT, _DOT_EDGE = "#FFFFFF", "#222222"
"""Of trials on coloured ground, which is the same whatever the page's is."""


def slice_along(study: StudyView, found: Slice, *, width: int = 300, height: int = 200) -> alt.LayerChart:
    """The model's mean along one parameter, and in the shade where 95 % of the mean's uncertainty lie."""
    (name,) = found.parameters
    domain = study.domains[name]
    rows = [_believed(point, name, domain) for point in found.points if name in point.params]
    x = look.parameter_axis(name, domain)
    y = alt.Y(
        field="mean", type="quantitative", title=f"expected {found.metric}", scale=alt.Scale(zero=False, padding=8)
    )
    said = [
        alt.Tooltip(field="x", type="quantitative" if isinstance(domain, Numeric) else "nominal", title=name),
        alt.Tooltip(field="mean", type="quantitative", title=f"expected {found.metric}", format=".5~g"),
        alt.Tooltip(field="deviation", type="quantitative", title="standard deviation", format=".3~g"),
    ]
    chart = alt.Chart(look.data(rows))
    low, high = alt.Y(field="low", type="quantitative"), alt.Y2(field="high")
    if isinstance(domain, Numeric):
        shade = chart.mark_area(opacity=0.25, color=look.MODEL).encode(x, low, high)
        mean = chart.mark_line(color=look.MODEL, strokeWidth=2, point=len(rows) <= 12).encode(x, y, tooltip=said)
    else:
        shade = chart.mark_rule(color=look.MODEL, strokeWidth=2).encode(x, low, high)
        mean = chart.mark_point(color=look.MODEL, filled=True, size=60).encode(x, y, tooltip=said)
    return alt.layer(shade, mean).properties(width=width, height=height)


def slices(study: StudyView, found: Sequence[Slice], *, width: int = 300, height: int = 200) -> alt.VConcatChart:
    """Several slices, each along one parameter from the same reference."""
    cells = [slice_along(study, each, width=width, height=height) for each in found]
    metric = found[0].metric if found else ""
    title = look.title(f"{study.id}: slices of the model for {metric}", "the other parameters do not vary")
    return alt.vconcat(alt.concat(*cells, columns=2), title=title)


def _believed(point: SlicePoint, name: str, domain: Domain) -> Row:
    mean, deviation = point.prediction.mean, point.prediction.standard_deviation
    return {
        "x": _place(point.params[name], domain),
        "mean": mean,
        "deviation": deviation,
        "low": mean - _MIDDLE_95 * deviation,
        "high": mean + _MIDDLE_95 * deviation,
    }


def contour(
    study: StudyView, trials: Sequence[TrialView], found: Slice, *, width: int = 300, height: int = 260
) -> alt.VConcatChart:
    """The model's mean over two parameters, beside it how uncertain it is; the trials are marked, the best one ringed.

    A trial may have other values of the remaining parameters than the slice.
    """
    first, second = found.parameters
    domains = study.domains[first], study.domains[second]
    rows = _rectangles(found, domains)
    better = goal_of(study, found.metric)
    mean = alt.Color(
        field="mean",
        type="quantitative",
        title=f"expected {found.metric}",
        scale=alt.Scale(scheme="viridis", reverse=better is not Goal.MAXIMIZE, zero=False),  # the better, the brighter
    )
    deviation = alt.Color(
        field="deviation", type="quantitative", title="standard deviation", scale=alt.Scale(scheme="purples")
    )
    panels = [
        alt.layer(_area(rows, found, domains, color), *_marks(study, trials, found, domains)).properties(
            width=width, height=height
        )
        for color in (mean, deviation)
    ]
    fixed = ", ".join(f"{name}={short(value)}" for name, value in found.reference.items())
    title = look.title(
        f"{study.id}: {first} and {second}", f"the model for {found.metric}" + (f" at {fixed}" if fixed else "")
    )
    return alt.vconcat(alt.hconcat(*panels).resolve_scale(color="independent"), title=title)


def _area(rows: Sequence[Row], found: Slice, domains: tuple[Domain, Domain], color: Any) -> Any:
    first, second = found.parameters
    said = [
        alt.Tooltip(field="first", type="nominal", title=first),
        alt.Tooltip(field="second", type="nominal", title=second),
        alt.Tooltip(field="mean", type="quantitative", title=f"expected {found.metric}", format=".5~g"),
        alt.Tooltip(field="deviation", type="quantitative", title="standard deviation", format=".3~g"),
    ]
    ends: dict[str, Any] = {}
    if isinstance(domains[0], Numeric):
        ends["x2"] = alt.X2(field="x2")
    if isinstance(domains[1], Numeric):
        ends["y2"] = alt.Y2(field="y2")
    x = look.parameter_axis(first, domains[0], pad=0)
    y = look.parameter_axis(second, domains[1], channel=alt.Y, field="y", pad=0)
    return alt.Chart(look.data(rows)).mark_rect(clip=True).encode(x, y, color, tooltip=said, **ends)


def _marks(
    study: StudyView, trials: Sequence[TrialView], found: Slice, domains: tuple[Domain, Domain]
) -> tuple[Any, Any]:
    first, second = found.parameters
    placed = [
        {
            **row(trial, found.metric),
            "x": _place(trial.params[first], domains[0]),
            "y": _place(trial.params[second], domains[1]),
        }
        for trial in measured(trials, found.metric)
        if first in trial.params and second in trial.params
    ]
    best = best_of(study, trials, found.metric)
    x = look.parameter_axis(first, domains[0], pad=0)
    y = look.parameter_axis(second, domains[1], channel=alt.Y, field="y", pad=0)
    dots = (
        alt.Chart(look.data(placed))
        .mark_point(filled=True, size=22, color=_DOT, stroke=_DOT_EDGE, strokeWidth=0.8)
        .encode(x, y, tooltip=look.tooltip(("value", found.metric)))
    )
    ring = (
        alt.Chart(look.data([each for each in placed if best is not None and each["trial"] == best.number]))
        .mark_circle(filled=False, size=160, color="#D55E00", strokeWidth=3)
        .encode(x, y)
    )
    return dots, ring


def _rectangles(found: Slice, domains: tuple[Domain, Domain]) -> list[Row]:
    first, second = found.parameters
    points = [point for point in found.points if first in point.params and second in point.params]
    edges = [
        _edges([point.params[name] for point in points], domain)
        for name, domain in zip(found.parameters, domains, strict=True)
    ]
    rows = []
    for point in points:
        rectangle: Row = {
            "first": short(point.params[first]),
            "second": short(point.params[second]),
            "mean": point.prediction.mean,
            "deviation": point.prediction.standard_deviation,
        }
        for axis, name, domain, ends in zip("xy", found.parameters, domains, edges, strict=True):
            if isinstance(domain, Numeric):
                rectangle[axis], rectangle[f"{axis}2"] = ends[float(point.params[name])]
            else:
                rectangle[axis] = short(point.params[name])
        rows.append(rectangle)
    return rows


def _edges(values: Sequence[Any], domain: Domain) -> dict[float, tuple[float, float]]:
    """Where the rectangle of each value begins and ends: half-way to its neighbours, on the parameter's own scale."""
    if not isinstance(domain, Numeric):
        return {}
    log = is_log(domain)
    low, high = range_of(domain)
    found = sorted({float(value) for value in values})

    def between(left: float, right: float) -> float:
        return math.sqrt(left * right) if log else left + (right - left) / 2

    inner = [between(left, right) for left, right in itertools.pairwise(found)]
    bounds = [low, *inner, high]
    return {value: (bounds[index], bounds[index + 1]) for index, value in enumerate(found)}


def _place(value: Any, domain: Domain) -> Any:
    return value if isinstance(domain, Numeric) else short(value)
