"""`asktell watch`."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import click

from asktell._core.shown import last_line
from asktell._core.trial_view import TrialView
from asktell._core.watch import Change
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell.cli.connect import with_client
from asktell.cli.health_commands import gain_in_words
from asktell.cli.output import Best, complain, console, pairs, state_words, trial_record
from asktell.cli.study_commands import study_record
from asktell.cli.tables.streaming import StreamedTable, streamed_table
from asktell.errors import AsktellError, DeadlineExceeded, Unavailable
from asktell.records import TrialCounts, TrialState

GAIN_EVERY = 10
"""Results after which it is said what is still to be gained."""


@click.command()
@click.argument("study")
@click.option("--from-start", is_flag=True, help="All changes since the study was created, then new ones.")
@click.option("--cursor", metavar="CURSOR", help="Go on after this cursor of an earlier --json line.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with its cursor.")
@with_client(patient=True)
def watch(client: Client, study: str, from_start: bool, cursor: str | None, as_json: bool) -> None:
    """Follow the changes of a STUDY until interrupted, also across restarts of the server.

    After every 10 results a line says what another 10 trials are expected to gain, where the model knows.

    \b
    Examples:
      asktell watch lora
      asktell watch lora --from-start --json | jq .trial.metrics
    """
    if from_start and cursor is not None:
        raise click.UsageError("--from-start and --cursor exclude each other")
    watched = client.study(study)
    start = "" if from_start else watched.cursor if cursor is None else cursor
    counts = _Counts(watched, from_start=from_start)
    terminal = console()
    show: Callable[[Change, TrialCounts | None], str] = _json
    if not as_json:
        show = _Rows(watched, terminal.width).line if terminal.is_terminal else _line
    gain = _Gain(watched)
    for change in _changes(watched, start):
        click.echo(show(change, counts.after(change)))
        if not as_json and (said := gain.after(change)) is not None:
            click.echo(said)


def _changes(study: Study, cursor: str) -> Iterator[Change]:
    """All changes after the cursor; a server that is away for longer than a call waits is waited for."""
    while True:
        try:
            for change in study.watch(cursor):
                cursor = change.cursor
                yield change
        except (Unavailable, DeadlineExceeded) as error:  # it was there when the command began: it will come back
            complain(f"waiting for the server: {error}", kind="")


class _Gain:
    """What further trials are expected to gain, after each 10 trials that succeeded since the command began.

    Older results that are shown again tell nothing new, nor do results that are amended or labelled.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._begun = datetime.now(UTC)
        self._counted: set[int] = set()

    def after(self, change: Change) -> str | None:
        """A line after a change; None where there is nothing to say, or the server does not answer."""
        trial = change.trial
        if trial is None or trial.state is not TrialState.SUCCEEDED or trial.number in self._counted:
            return None
        if trial.finish_time is None or trial.finish_time <= self._begun:
            return None
        self._counted.add(trial.number)
        if len(self._counted) % GAIN_EVERY:
            return None
        with contextlib.suppress(AsktellError):  # the command is about other things: it goes on following
            return gain_in_words(self._study.refresh())
        return None


class _Counts:
    """How many trials are in which state at a change of the study, which the log itself does not say.

    From the study's beginning on the changes themselves tell; otherwise the server does, as things stand now.
    """

    def __init__(self, study: Study, *, from_start: bool) -> None:
        self._study = study
        self._states: dict[int, TrialState] | None = {} if from_start else None

    def after(self, change: Change) -> TrialCounts | None:
        """The counts as of a change of the study; None for other changes."""
        if self._states is not None:
            if change.trial is not None:
                self._states[change.trial.number] = change.trial.state
            if change.deleted_trial is not None:
                self._states.pop(change.deleted_trial, None)
        if change.study is None:
            return None
        if self._states is None:
            return self._study.refresh().counts
        counted = Counter(state.value.lower() for state in self._states.values())
        return TrialCounts(**{name: counted[name] for name in TrialCounts.__slots__})


class _Rows:
    """Changes as rows of a table that fits the terminal."""

    def __init__(self, study: Study, width: int) -> None:
        self._table: StreamedTable = streamed_table(study, width)
        self._begun = False

    def line(self, change: Change, counts: TrialCounts | None) -> str:
        if change.study is not None:
            return _line(change, counts)
        head = [] if self._begun else self._table.shape.header_lines()
        self._begun = True
        return "\n".join([*head, self._row(change)])

    def _row(self, change: Change) -> str:
        if change.trial is not None:
            return self._table.row(change.trial)
        if change.reported is not None:
            return self._table.report(*change.reported)
        return "" if change.deleted_trial is None else self._table.deleted(change.deleted_trial)


def _line(change: Change, counts: TrialCounts | None) -> str:
    if change.trial is not None:
        return _trial_line(change.trial)
    if change.reported is not None:
        number, measurement = change.reported
        return f"trial {number} step {measurement.step} {pairs(measurement.metrics)}"
    if change.deleted_trial is not None:
        return f"trial {change.deleted_trial} deleted"
    if change.study is None or counts is None:
        return ""
    # Not "12 of 50": imported and cancelled trials have ended, and use nothing of the budget up.
    budget = "" if change.study.max_trials is None else f", budget {change.study.max_trials}"
    return f"study {state_words(change.study)}, {counts.ended} trial{'' if counts.ended == 1 else 's'} ended{budget}"


def _trial_line(trial: TrialView) -> str:
    detail = pairs(trial.metrics) if trial.metrics else pairs(trial.params)
    reason = last_line(trial.reason)
    return f"trial {trial.number} {trial.state} {detail}{f' ({reason})' if reason else ''}"


def _json(change: Change, counts: TrialCounts | None) -> str:
    record: dict[str, Any] = {"cursor": change.cursor}
    if change.study is not None:
        record["study"] = study_record(change.study, counts)
    if change.trial is not None:
        record["trial"] = trial_record(change.trial, Best())
    if change.deleted_trial is not None:
        record["deleted_trial"] = change.deleted_trial
    if change.reported is not None:
        number, measurement = change.reported
        record["reported"] = {"trial": number, "step": measurement.step, "metrics": dict(measurement.metrics)}
    return json.dumps(record, ensure_ascii=False)
