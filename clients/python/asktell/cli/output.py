"""How results look: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView

_UNLIMITED = 10_000


def console(*, stderr: bool = False) -> Console:
    """A console that neither wraps nor cuts what goes into a file or pipe."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _UNLIMITED, highlight=False, soft_wrap=True)


def complain(message: str, *, kind: str = "error") -> None:
    """One line on stderr."""
    style = {"error": "red", "warning": "yellow"}.get(kind)
    click.echo((click.style(f"{kind}: ", fg=style, bold=True) if kind else "") + message, err=True)


def print_json(value: object) -> None:
    """Indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def best_mark() -> str:
    """The mark of the best trial; without the star where the terminal's encoding has none."""
    return _marked("★", "BEST")


def model_mark() -> str:
    """The mark of the trial that is best by a model."""
    return _marked("☆", "MODEL")


def _marked(star: str, word: str) -> str:
    try:
        star.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return word
    return f"{star} {word}"


def short(value: object) -> str:
    """A parameter or metric for people: six digits are enough to tell values apart."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def pairs(values: Mapping[str, object]) -> str:
    """`lr=0.001 rank=8`."""
    return " ".join(f"{name}={short(value)}" for name, value in values.items())


def seconds(value: float | None) -> str:
    """`12.3 s`, `4 m 05 s`, `2 h 03 m`; empty for None."""
    if value is None:
        return ""
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} m"


def time(value: datetime | None) -> str | None:
    """ISO 8601, for JSON."""
    return None if value is None else value.isoformat()


def metric_names(study: StudyView) -> list[str]:
    """Objectives first, then the tracked metrics."""
    return [each.metric for each in study.objectives] + [each.name for each in study.metrics]


@dataclass(frozen=True, slots=True)
class Best:
    """The numbers of the best trial and of the one that is best by a model; None = there is none."""

    observed: int | None = None
    by_model: int | None = None

    def marks(self, number: int) -> str:
        """What is shown beside trial `number`."""
        marks = [(best_mark(), self.observed), (model_mark(), self.by_model)]
        return " ".join(mark for mark, best in marks if best == number)


def trials_table(study: StudyView, trials: Sequence[TrialView], best: Best) -> Table:
    """The trials by number, the best ones marked."""
    parameters, metrics = list(study.space), metric_names(study)
    with_reason = any(trial.reason for trial in trials)
    table = Table(box=box.SIMPLE_HEAD, title=study.name, title_justify="left", title_style="bold")
    table.add_column("#", justify="right")
    for name in ("", "state", "origin"):
        table.add_column(name, no_wrap=True)
    for name in ("attempt", "duration", *parameters, *metrics):
        table.add_column(name, justify="right", no_wrap=name in {"attempt", "duration"})
    if with_reason:
        table.add_column("reason", max_width=60, overflow="ellipsis", no_wrap=True)
    for trial in trials:
        is_best = trial.number == best.observed
        row = [
            str(trial.number),
            best.marks(trial.number),
            trial.state.value,
            trial.origin.value,
            str(trial.attempt),
            seconds(trial.duration_s),
            *(short(trial.params.get(name, "")) for name in parameters),
            *(short(trial.metrics.get(name, "")) for name in metrics),
        ]
        if with_reason:
            row.append(trial.reason.strip().splitlines()[-1] if trial.reason.strip() else "")
        table.add_row(*(Text(cell) for cell in row), style="bold green" if is_best else "")
    return table


def trial_record(trial: TrialView, best: Best) -> dict[str, Any]:
    """A trial for JSON."""
    return {
        "number": trial.number,
        "name": trial.name,
        "state": trial.state.value,
        "best": trial.number == best.observed,
        "best_by_model": trial.number == best.by_model,
        "origin": trial.origin.value,
        "attempt": trial.attempt,
        "params": trial.params,
        "metrics": trial.metrics,
        "standard_errors": trial.standard_errors,
        "reason": trial.reason,
        "worker_id": trial.worker_id,
        "create_time": time(trial.create_time),
        "start_time": time(trial.start_time),
        "finish_time": time(trial.finish_time),
        "duration_s": trial.duration_s,
        "labels": trial.labels,
        "annotations": trial.annotations,
    }


def trials_csv(study: StudyView, trials: Iterable[TrialView], best: Best) -> str:
    """A row for each trial; parameters and metrics in columns `param.…` and `metric.…`, values in full precision."""
    parameters, metrics = list(study.space), metric_names(study)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["number", "state", "best", "origin", "attempt", "duration_s"]
        + [f"param.{name}" for name in parameters]
        + [f"metric.{name}" for name in metrics]
        + ["reason", "best_by_model"]
    )
    for trial in trials:
        writer.writerow(
            [trial.number, trial.state.value, int(trial.number == best.observed), trial.origin.value, trial.attempt]
            + ["" if trial.duration_s is None else trial.duration_s]
            + [_cell(trial.params.get(name, "")) for name in parameters]
            + [trial.metrics.get(name, "") for name in metrics]
            + [trial.reason, int(trial.number == best.by_model)]
        )
    return text.getvalue()


def _cell(value: object) -> object:
    return short(value) if isinstance(value, bool) else value
