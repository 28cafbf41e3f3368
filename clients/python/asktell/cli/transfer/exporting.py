"""Trials of a study as lines of a file, with all that an import takes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.cli.output import metrics_of, time

_FACTS = ("number", "key", "state")
_LATER_FACTS = ("reason", "note", "start_time", "finish_time")


def key(trial: TrialView) -> str:
    """By which an import knows a trial again: its own key, or where and when it came to be."""
    created = "" if trial.create_time is None else f"{trial.create_time:%Y%m%dT%H%M%S.%fZ}"
    return trial.import_key or f"{trial.name}@{created}"


def line(trial: TrialView) -> dict[str, Any]:
    """All cells of a trial by column, in full precision; what it has none of is left out."""
    cells: dict[str, Any] = {
        "number": trial.number,
        "key": key(trial),
        "state": trial.state.value,
        **{f"param.{name}": value for name, value in trial.params.items()},
        **{f"metric.{name}": value for name, value in trial.metrics.items()},
        **{f"standard_error.{name}": value for name, value in trial.standard_errors.items()},
        "reason": trial.reason or None,
        "note": trial.note or None,
        "start_time": time(trial.start_time),
        "finish_time": time(trial.finish_time),
        **{f"label.{name}": value for name, value in trial.labels.items()},
        **{f"annotation.{name}": value for name, value in trial.annotations.items()},
    }
    return {name: value for name, value in cells.items() if value is not None}


def columns(study: StudyView, trials: Sequence[TrialView]) -> list[str]:
    """The columns of a CSV: every parameter and metric, and what any of the trials has besides."""
    metrics = [each.name for each in metrics_of(study)]
    return [
        *_FACTS,
        *(f"param.{name}" for name in study.space),
        *(f"metric.{name}" for name in metrics),
        *(f"standard_error.{name}" for name in metrics if any(name in trial.standard_errors for trial in trials)),
        *_LATER_FACTS,
        *(f"label.{name}" for name in _names(trial.labels for trial in trials)),
        *(f"annotation.{name}" for name in _names(trial.annotations for trial in trials)),
    ]


def _names(maps: Iterable[Iterable[str]]) -> list[str]:
    return sorted({name for names in maps for name in names})
