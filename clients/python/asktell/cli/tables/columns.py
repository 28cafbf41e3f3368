"""What can be shown of a trial: a column for each metric and parameter, and for the facts every trial has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from asktell._core.shown import last_line, short
from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.cli.output import Best, ShownMetric, metrics_of, seconds, stamp
from asktell.spaces import Bool, Categorical, Derived, Domain, Float
from asktell.spec import Goal

_FLOAT_DIGITS = 4
"""Of parameters on a continuous range: nobody compares them further. Metrics keep six, by which trials differ."""

_NO_NAMES = ("", "#")
"""Headers that nobody can type: `#` begins a comment in a shell."""

Rank: TypeAlias = Callable[[TrialView], Any]
"""What trials are ordered by, in rising order; None = nothing to go by, always last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table of trials.

    Attributes:
        key: its name without ambiguity: `state`, `metric.loss`, `param.lr`.
        header: what stands above it.
        cell: its text for a trial.
        rank: the order of `--sort`; of an objective the best first.
        standard: shown unless other columns are asked for.
        rest: it may be cut at the end of the line.
    """

    key: str
    header: str
    cell: Callable[[TrialView], str]
    rank: Rank
    right: bool = True
    standard: bool = True
    rest: bool = False


_EPOCH = Column(
    key="data_epoch",
    header="data_epoch",
    cell=lambda trial: str(trial.data_epoch),
    rank=lambda trial: trial.data_epoch,
)
"""Shown where there is more than one."""


def trial_columns(
    study: StudyView, best: Best, *, compact: bool = False, trials: Sequence[TrialView] | None = None
) -> list[Column]:
    """All columns by importance: number, mark, state, what decides, parameters, tracked metrics, the rest.

    `compact`: marks are stars without words. `trials`: facts that are the same for all of these (first attempts, no
    reason) are no standard columns; None = all of the rest is.
    """
    metrics = metrics_of(study)
    again = trials is None or any(trial.attempt > 1 for trial in trials)
    explained = trials is None or any(trial.reason.strip() for trial in trials)
    return [
        Column(key="number", header="#", cell=lambda trial: str(trial.number), rank=lambda trial: trial.number),
        Column(
            key="best",
            header="",
            cell=lambda trial: best.marks(trial.number, compact=compact),
            rank=lambda trial: trial.number not in best.observed,
            right=False,
        ),
        _text("state", lambda trial: trial.state.value),
        *([_EPOCH] if study.data_epoch > 1 else []),
        *(_metric(each) for each in metrics if each.decides),
        *parameter_columns(study),
        *(_metric(each) for each in metrics if not each.decides),
        Column(
            key="duration",
            header="duration",
            cell=lambda trial: seconds(trial.duration_s),
            rank=lambda trial: trial.duration_s,
        ),
        _text("reason", lambda trial: last_line(trial.reason), standard=explained, rest=True),
        _text("note", lambda trial: trial.note, standard=False, rest=True),
        _text("origin", lambda trial: trial.origin.value),
        Column(
            key="attempt",
            header="attempt",
            cell=lambda trial: str(trial.attempt),
            rank=lambda trial: trial.attempt,
            standard=again,
        ),
        _text("worker", lambda trial: trial.worker_id, standard=False),
        _time("created", lambda trial: trial.create_time),
        _time("started", lambda trial: trial.start_time),
        _time("finished", lambda trial: trial.finish_time),
        _text(
            "labels", lambda trial: " ".join(f"{key}={value}" for key, value in trial.labels.items()), standard=False
        ),
    ]


def parameter_columns(study: StudyView) -> list[Column]:
    """A column for each parameter, in the study's order."""
    return [_parameter(name, domain) for name, domain in study.space.items()]


def find(columns: Sequence[Column], name: str) -> Column:
    """The column of a name: a key, or what stands above it. Raises ValueError: there is none."""
    for column in columns:
        if name == column.key:
            return column
    for column in columns:
        if name == column.header:
            return column
    known = [column.header if column.header not in _NO_NAMES else column.key for column in columns]
    raise ValueError(f"no column {name!r}{did_you_mean(name, known)}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word, otherwise the list of them."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}"


def _metric(metric: ShownMetric) -> Column:
    sign = -1.0 if metric.goal is Goal.MAXIMIZE else 1.0

    def rank(trial: TrialView) -> float | None:
        value = trial.metrics.get(metric.name)
        return None if value is None else sign * value

    return Column(
        key=f"metric.{metric.name}",
        header=metric.name,
        cell=lambda trial: short(trial.metrics.get(metric.name, "")),
        rank=rank,
    )


def _parameter(name: str, domain: Domain | Derived) -> Column:
    digits = _FLOAT_DIGITS if isinstance(domain, Float | Derived) else 6
    return Column(
        key=f"param.{name}",
        header=name,
        cell=lambda trial: short(trial.params.get(name, ""), digits),
        rank=lambda trial: trial.params.get(name),
        right=not isinstance(domain, Categorical | Bool),
    )


def _text(key: str, cell: Callable[[TrialView], str], *, standard: bool = True, rest: bool = False) -> Column:
    return Column(
        key=key,
        header=key,
        cell=cell,
        rank=lambda trial: cell(trial) or None,
        right=False,
        standard=standard,
        rest=rest,
    )


def _time(key: str, read: Callable[[TrialView], Any]) -> Column:
    return Column(key=key, header=key, cell=lambda trial: stamp(read(trial)), rank=read, right=False, standard=False)
