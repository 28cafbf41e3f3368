"""How results look: tables for people, JSON and CSV for programs."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from rich.console import Console

from asktell._core.shown import short
from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.cli.transfer.files import write_csv
from asktell.spec import Goal

_UNLIMITED = 10_000


def console(*, stderr: bool = False) -> Console:
    """A console that neither wraps nor cuts what goes into a file or pipe, and shows people's texts as they are."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if stream.isatty() else _UNLIMITED,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )


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
    return f"{star} {word}" if can_show(star) else word


def can_show(character: str) -> bool:
    """The encoding of stdout has the character."""
    try:
        character.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


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


def stamp(value: datetime | None) -> str:
    """A time for people, in their own zone; empty for None."""
    return "" if value is None else f"{value.astimezone():%Y-%m-%d %H:%M}"


def time(value: datetime | None) -> str | None:
    """ISO 8601, for JSON."""
    return None if value is None else value.isoformat()


def state_words(study: StudyView) -> str:
    """The state, with the reason of a finished study."""
    return study.state.value if study.finish_reason == "UNSPECIFIED" else f"{study.state} ({study.finish_reason})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMetric:
    """A metric of a study. `goal`: None = it is not optimised. `decides`: it is an objective or a constraint."""

    name: str
    goal: Goal | None = None
    decides: bool = False


def metrics_of(study: StudyView) -> list[ShownMetric]:
    """Objectives, then constraints, then tracked metrics, then the cost; each name once."""
    listed = [ShownMetric(name=each.metric, goal=each.goal, decides=True) for each in study.objectives]
    listed += [ShownMetric(name=each.metric, decides=True) for each in study.outcome_constraints]
    listed += [ShownMetric(name=each.name) for each in study.metrics]
    listed += [ShownMetric(name=study.cost)] if study.cost else []
    first: dict[str, ShownMetric] = {}
    for each in listed:
        first.setdefault(each.name, each)
    return list(first.values())


@dataclass(frozen=True, slots=True)
class Best:
    """The numbers of the best trials (one, or a front), and of the one that is best by a model; None = there is none."""

    observed: frozenset[int] = frozenset()
    by_model: int | None = None

    def marks(self, number: int, *, compact: bool = False) -> str:
        """What is shown beside trial `number`; `compact`: without words."""
        marks = [best_mark()] if number in self.observed else []
        marks += [model_mark()] if number == self.by_model else []
        return " ".join(mark[:1] if compact else mark for mark in marks)


def trial_record(trial: TrialView, best: Best) -> dict[str, Any]:
    """A trial for JSON."""
    return {
        "number": trial.number,
        "name": trial.name,
        "state": trial.state.value,
        "best": trial.number in best.observed,
        "best_by_model": trial.number == best.by_model,
        "origin": trial.origin.value,
        "attempt": trial.attempt,
        "data_epoch": trial.data_epoch,
        "params": trial.params,
        "metrics": trial.metrics,
        "standard_errors": trial.standard_errors,
        "violation": trial.violation,
        "reason": trial.reason,
        "worker_id": trial.worker_id,
        "create_time": time(trial.create_time),
        "start_time": time(trial.start_time),
        "finish_time": time(trial.finish_time),
        "duration_s": trial.duration_s,
        "labels": trial.labels,
        "annotations": trial.annotations,
        "note": trial.note,
    }


def trials_csv(study: StudyView, trials: Iterable[TrialView], best: Best) -> str:
    """A row for each trial; parameters and metrics in columns `param.…` and `metric.…`, values in full precision."""
    columns = [
        *("number", "state", "best", "origin", "attempt", "duration_s"),
        *(f"param.{name}" for name in study.space),
        *(f"metric.{each.name}" for each in metrics_of(study)),
        *("reason", "best_by_model"),
        *(["data_epoch"] if study.data_epoch > 1 else []),
    ]
    rows = (
        {
            **trial.to_dict(),
            "best": int(trial.number in best.observed),
            "best_by_model": int(trial.number == best.by_model),
            "data_epoch": trial.data_epoch,
        }
        for trial in trials
    )
    text = io.StringIO()
    write_csv(text, columns, rows)
    return text.getvalue()
