"""Colours, marks and axes, the same in all plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from asktell._core.study_view import StudyView
from asktell.plotting.points import Numeric, Row, choices_of, goal_of, is_log, range_of, ticks_of
from asktell.spaces import Discrete, Domain

# Okabe and Ito's palette, which people with any kind of colour blindness can tell apart; shapes say the same once more.
STATES = {
    "SUCCEEDED": ("#0072B2", "circle"),
    "STOPPED": ("#56B4E9", "square"),
    "FAILED": ("#D55E00", "cross"),
    "INFEASIBLE": ("#E69F00", "diamond"),
    "ABANDONED": ("#CC79A7", "triangle-up"),
    "CANCELLED": ("#7F7F7F", "triangle-down"),
}
BEST = "#009E73"
MODEL = "#0072B2"
QUIET = "#B0B0B0"
TRIAL_TITLE = "trial"

_LONGEST_CHOICE = 110
"""Pixels that the name of a category may take at an axis."""
_ABOVE = -8
"""Where trials without a value are marked, in pixels below the upper edge: above it, where they hide no value."""


def data(rows: Sequence[Row]) -> Any:
    """Rows inside the chart itself, however many they are."""
    return alt.Data(values=list(rows))


def tooltip(*fields: tuple[str, str]) -> list[Any]:
    """What the pointer shows: pairs of field and title, then what `points.row` has of every trial."""
    shown = [alt.Tooltip(field=field, type="quantitative", title=title, format=".5~g") for field, title in fields]
    return [
        alt.Tooltip(field="trial", type="quantitative", title="trial"),
        *shown,
        alt.Tooltip(field="state", type="nominal", title="state"),
        alt.Tooltip(field="configuration", type="nominal", title="configuration"),
        alt.Tooltip(field="reason", type="nominal", title="reason"),
    ]


def state_marks(rows: Sequence[Row]) -> dict[str, Any]:
    """Colour and shape by state; the legend has those that occur."""
    present = [state for state in STATES if any(row["state"] == state for row in rows)]
    domain, legend = present or ["SUCCEEDED"], alt.Legend(title="state") if present else None
    scale = alt.Scale(domain=domain, range=[STATES[state][0] for state in domain])
    shapes = alt.Scale(domain=domain, range=[STATES[state][1] for state in domain])
    return {
        "color": alt.Color(field="state", type="nominal", scale=scale, legend=legend),
        "shape": alt.Shape(field="state", type="nominal", scale=shapes, legend=legend),
    }


def without_value() -> Any:
    """Where a trial stands that has no value."""
    return alt.value(_ABOVE)


def trial_axis(field: str = "trial") -> Any:
    """Trial numbers: whole, from the first one on."""
    return alt.X(
        field=field,
        type="quantitative",
        title=TRIAL_TITLE,
        axis=alt.Axis(format="d", tickMinStep=1),
        scale=alt.Scale(zero=False, nice=False, padding=12),
    )


def value_axis(field: str, title: str, *, log: bool) -> Any:
    """Values of a metric; zero is no special place."""
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False, padding=12)
    return alt.Y(field=field, type="quantitative", title=title, scale=scale)


def parameter_axis(name: str, domain: Domain, *, channel: Any = alt.X, field: str = "x", pad: int = 8) -> Any:
    """The values of a parameter on its own scale. `pad`: room at both ends, in pixels."""
    if not isinstance(domain, Numeric):
        return channel(
            field=field,
            type="nominal",
            title=name,
            sort=None,
            scale=alt.Scale(domain=choices_of(domain)),
            axis=alt.Axis(labelLimit=_LONGEST_CHOICE),
        )
    ends = {"domain": list(range_of(domain)), "nice": False, "padding": pad}
    scale = alt.Scale(type="log", **ends) if is_log(domain) else alt.Scale(type="linear", zero=False, **ends)
    listed = isinstance(domain, Discrete) or is_log(domain)
    ticks = alt.Axis(values=ticks_of(domain)) if listed else alt.Axis(tickCount=5)
    return channel(field=field, type="quantitative", title=name, scale=scale, axis=ticks)


def metric_title(study: StudyView, metric: str) -> str:
    """The metric, and which way is better."""
    goal = goal_of(study, metric)
    return metric if goal is None else f"{metric} ({goal}d)"


def title(text: str, note: str = "") -> Any:
    """Above a plot; the note in smaller letters below."""
    return alt.Title(text, subtitle=note, anchor="start") if note else alt.Title(text, anchor="start")
