"""Lines of a file into past trials."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asktell._core.study_view import StudyView
from asktell.cli.transfer.files import Line, Table
from asktell.cli.transfer.mapping import Mapped
from asktell.cli.values import number, parse_value
from asktell.records import ImportedTrial, MetricValue, Outcome, TrialState
from asktell.spaces import ParameterValue

_OUTCOMES: Mapping[str, Outcome] = {
    **{outcome.value: outcome for outcome in Outcome},
    "COMPLETE": Outcome.SUCCEEDED,
    "COMPLETED": Outcome.SUCCEEDED,
    "PRUNED": Outcome.STOPPED,
    "FAIL": Outcome.FAILED,
}
"""States as asktell writes them, and as Optuna and others do."""

_WITHOUT_RESULT = {TrialState.QUEUED, TrialState.RUNNING, TrialState.CANCELLED, TrialState.ABANDONED, "WAITING"}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line. `column`: "" = the line as a whole."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        """`7: column lr: must be a number, got 'x'`."""
        return f"{self.line}: column {self.column}: {self.message}" if self.column else f"{self.line}: {self.message}"


@dataclass(slots=True)
class Past:
    """The trials of a file, with the lines that they stand on. `without_result`: how many lines have none, by state."""

    trials: list[ImportedTrial] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    without_result: Counter[str] = field(default_factory=Counter)


class _Bad(Exception):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


def past_trials(study: StudyView, table: Table, mapped: Mapped) -> Past:
    """The past trials of a file. Each has a key: its own, or one made of what its line says.

    The same line, read again, has the same key; equal lines of one file are told apart by their count.
    """
    past = Past()
    seen: dict[str, int] = {}
    for line in table.lines:
        if line.problem:
            past.problems.append(Problem(line.number, "", line.problem))
            continue
        try:
            trial = _trial(study, line, mapped, seen)
        except _Bad as bad:
            past.problems.append(Problem(line.number, bad.column, bad.message))
            continue
        if isinstance(trial, str):
            past.without_result[trial] += 1
            continue
        past.trials.append(trial)
        past.lines.append(line.number)
    return past


def _trial(study: StudyView, line: Line, mapped: Mapped, seen: dict[str, int]) -> ImportedTrial | str:
    """The trial of a line; its state where that has no result."""
    named: dict[str, tuple[str, Any]] = {
        target: (column, line.cells[column]) for column, target in mapped.targets.items() if column in line.cells
    }
    column, state = named.get("state", ("state", Outcome.SUCCEEDED.value))
    state = str(state).strip().upper()
    if state in _WITHOUT_RESULT:
        return state
    if state not in _OUTCOMES:
        raise _Bad(column, f"must be one of {', '.join(Outcome)}, got {state!r}")
    params: dict[str, ParameterValue] = {}
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    texts: dict[str, dict[str, str]] = {"label": {}, "annotation": {}}
    for target, (column, cell) in named.items():
        kind, _, name = target.partition(".")
        try:
            if kind == "param":
                params[name] = parse_value(cell, study.space[name])
            elif kind == "metric":
                values[name] = number(cell)
            elif kind == "standard_error":
                errors[name] = number(cell)
            elif kind in texts:
                texts[kind][name] = str(cell)
        except ValueError as error:
            raise _Bad(column, f"{error}, got {cell!r}") from None
    orphans = errors.keys() - values.keys()
    if orphans:
        raise _Bad(mapped.column(f"standard_error.{min(orphans)}"), "has a standard error, and the metric no value")
    trial = ImportedTrial(
        key="",
        params=params,
        metrics={name: MetricValue(value, errors.get(name)) for name, value in values.items()},
        outcome=_OUTCOMES[state],
        reason=str(named.get("reason", ("", ""))[1]),
        start_time=_time(named.get("start_time")),
        finish_time=_time(named.get("finish_time")),
        labels=texts["label"],
        annotations=texts["annotation"],
        note=str(named.get("note", ("", ""))[1]),
    )
    return _with_key(trial, named.get("key"), line, seen)


def _with_key(trial: ImportedTrial, given: tuple[str, Any] | None, line: Line, seen: dict[str, int]) -> ImportedTrial:
    if given is not None:
        key = str(given[1]).strip()
        if key in seen:
            raise _Bad(given[0], f"is the key of line {seen[key]}, too: {key!r}")
        seen[key] = line.number
        return _keyed(trial, key)
    digest = hashlib.sha256(_canonical(trial).encode()).hexdigest()[:32]
    count = 1
    while f"{digest}-{count}" in seen:
        count += 1
    seen[f"{digest}-{count}"] = line.number
    return _keyed(trial, f"{digest}-{count}")


def _keyed(trial: ImportedTrial, key: str) -> ImportedTrial:
    return ImportedTrial(**{**{name: getattr(trial, name) for name in ImportedTrial.__slots__}, "key": key})


def _canonical(trial: ImportedTrial) -> str:
    said: Sequence[object] = (
        dict(trial.params),
        {
            name: (value.value, value.standard_error)
            for name, value in trial.metrics.items()
            if isinstance(value, MetricValue)
        },
        trial.outcome,
        trial.reason,
        None if trial.start_time is None else trial.start_time.isoformat(),
        None if trial.finish_time is None else trial.finish_time.isoformat(),
        dict(trial.labels),
        dict(trial.annotations),
    )
    return json.dumps(said, sort_keys=True)


def _time(given: tuple[str, Any] | None) -> datetime | None:
    if given is None:
        return None
    column, text = given
    try:
        found = datetime.fromisoformat(str(text).strip())
    except ValueError:
        raise _Bad(column, f"must be a time such as 2026-01-31T12:00:00Z, got {text!r}") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
