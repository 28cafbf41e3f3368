"""The plot of several objectives: which trials no other one betters in all of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import altair as alt

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.plotting import look
from asktell.plotting.points import measured, row, spans_magnitudes


def front(
    study: StudyView, trials: Sequence[TrialView], front: Collection[int], *, width: int = 320, height: int = 260
) -> alt.VConcatChart:
    """The trials by the first objective and each of the others; those on the Pareto front are joined. `front`: their numbers."""
    first, *others = [each.metric for each in study.objectives]
    cells = [_pair(study, trials, front, first, other).properties(width=width, height=height) for other in others]
    note = "no trial is on it yet" if not front else f"trials on it: {len(front)}"
    return alt.vconcat(alt.concat(*cells, columns=2), title=look.title(f"{study.id}: Pareto front", note))


def _pair(study: StudyView, trials: Sequence[TrialView], front: Collection[int], first: str, second: str) -> Any:
    rows = [
        {**row(trial, first), "x": trial.metrics[first], "y": trial.metrics[second], "front": trial.number in front}
        for trial in measured(trials, first)
        if second in trial.metrics
    ]
    x = alt.X(
        field="x",
        type="quantitative",
        title=look.metric_title(study, first),
        scale=alt.Scale(type="log")
        if spans_magnitudes(each["x"] for each in rows)
        else alt.Scale(zero=False, padding=12),
    )
    y = look.value_axis("y", look.metric_title(study, second), log=spans_magnitudes(each["y"] for each in rows))
    said = look.tooltip(("x", first), ("y", second))
    chosen = sorted((each for each in rows if each["front"]), key=lambda each: each["x"])
    others = (
        alt.Chart(look.data([each for each in rows if not each["front"]]))
        .mark_point(filled=True, size=40, color=look.QUIET)
        .encode(x, y, tooltip=said)
    )
    # With more objectives than two, the front is no line in the plane of a pair.
    line = alt.Chart(look.data(chosen if len(study.objectives) == 2 else [])).mark_line(color=look.BEST).encode(x, y)
    best = alt.Chart(look.data(chosen)).mark_point(filled=True, size=70, color=look.BEST).encode(x, y, tooltip=said)
    return alt.layer(others, line, best)
