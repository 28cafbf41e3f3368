"""The plots of what explains a metric's variation: importances and interactions. Sizes are in pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from asktell._core.study_view import StudyView
from asktell.analysis import Importances, Interactions
from asktell.plotting import look
from asktell.plotting.points import Row

_MOST_PAIRS = 10
_TOGETHER, _ALONE = "with all others", "alone"
_SHADES = {_TOGETHER: "#56B4E9", _ALONE: look.MODEL}


def importances(study: StudyView, found: Importances, *, width: int = 480) -> alt.LayerChart:
    """A bar for each parameter: what it explains with all others, and darker what it explains alone."""
    together = [
        _bar(each.parameter, _TOGETHER, each.total_share, each.total_share_deviation) for each in found.values()
    ]
    alone = [_bar(each.parameter, _ALONE, each.share, each.share_deviation) for each in found.values()]
    y = alt.Y(field="parameter", type="nominal", title=None, sort=list(found))
    color = alt.Color(
        field="kind",
        type="nominal",
        title="explains",
        scale=alt.Scale(domain=list(_SHADES), range=list(_SHADES.values())),
    )
    drawn = [
        alt.Chart(look.data(bars)).mark_bar(size=size).encode(_share_axis(), y, color, tooltip=_of_share("parameter"))
        for bars, size in ((together, 16), (alone, 8))
    ]
    return _with_ranges(drawn, [_range(bar) for bar in together], y).properties(
        width=width,
        title=look.title(f"{study.id}: importances for {found.metric}", f"from {found.result_count} results"),
    )


def _bar(parameter: str, kind: str, share: float, deviation: float) -> Row:
    return {"parameter": parameter, "kind": kind, "share": share, "deviation": deviation}


def interactions(study: StudyView, found: Interactions, *, width: int = 480) -> alt.LayerChart:
    """A bar for each of the pairs that explain most beyond what each parameter does alone, ten at most."""
    bars = [
        {"pair": " and ".join(each.parameters), "share": each.share, "deviation": each.share_deviation}
        for each in found[:_MOST_PAIRS]
    ]
    y = alt.Y(
        field="pair", type="nominal", title=None, sort=[bar["pair"] for bar in bars], axis=alt.Axis(labelLimit=260)
    )
    drawn = (
        alt.Chart(look.data(bars))
        .mark_bar(color=look.BEST, size=14)
        .encode(_share_axis(), y, tooltip=_of_share("pair"))
    )
    return _with_ranges([drawn], [_range(bar) for bar in bars], y).properties(
        width=width,
        title=look.title(f"{study.id}: interactions for {found.metric}", f"from {found.result_count} results"),
    )


def _share_axis() -> Any:
    return alt.X(
        field="share", type="quantitative", title="share of the variation", scale=alt.Scale(domain=[0, 1]), stack=None
    )


def _of_share(name: str) -> list[Any]:
    return [
        alt.Tooltip(field=name, type="nominal", title=name),
        alt.Tooltip(field="share", type="quantitative", title="share", format=".3f"),
        alt.Tooltip(field="deviation", type="quantitative", title="standard deviation", format=".3f"),
    ]


def _range(bar: Mapping[str, Any]) -> Row:
    """One standard deviation to both sides, inside the axis."""
    return {
        **bar,
        "low": max(0.0, bar["share"] - bar["deviation"]),
        "high": min(1.0, bar["share"] + bar["deviation"]),
    }


def _with_ranges(bars: Sequence[Any], ranges: Sequence[Row], y: Any) -> alt.LayerChart:
    lines = (
        alt.Chart(look.data(ranges))
        .mark_rule(color="black", strokeWidth=1.5)
        .encode(x=alt.X(field="low", type="quantitative"), x2=alt.X2(field="high"), y=y)
    )
    return alt.layer(*bars, lines)
