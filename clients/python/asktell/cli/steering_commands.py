"""`asktell study …`: finish, pause, resume, update."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell.cli.connect import with_client
from asktell.cli.early_stopping_words import early_stopping_from
from asktell.cli.going_on import sentence
from asktell.cli.number_types import Number, WholeNumber
from asktell.cli.output import complain, state_words
from asktell.errors import EtagMismatch, StudyComplete
from asktell.records import StudyState

NONE = "none"
"""The word that takes something away."""
_TRIES = 5


@click.command()
@click.argument("study")
@with_client()
def finish(client: Client, study: str) -> None:
    """Finish a STUDY: no more trials; results of running ones are still taken."""
    chosen = client.study(study)
    chosen.finish()
    _say(chosen)


@click.command()
@click.argument("study")
@with_client()
def pause(client: Client, study: str) -> None:
    """Pause a STUDY: no trials until it is resumed; results are still taken."""
    chosen = client.study(study)
    chosen.pause()
    _say(chosen)


@click.command()
@click.argument("study")
@with_client()
def resume(client: Client, study: str) -> None:
    """Resume a STUDY that was paused, or finished by request.

    A study that a stopping rule has finished goes on with other rules: asktell study update.
    """
    chosen = client.study(study)
    chosen.resume()
    _say(chosen)


@click.command()
@click.argument("study")
@click.option(
    "--decay", type=Number(), metavar="X", help="All earlier results count X of what they did: above 0, at most 1."
)
@click.option(
    "--remeasure",
    type=WholeNumber(1),
    metavar="K",
    help="Measure the K best again first; earlier results count half, or --decay.",
)
@click.option("--keep", is_flag=True, help="All results stay as they are.")
@click.option(
    "--more-trials",
    type=WholeNumber(1),
    metavar="N",
    help="End when N more trials have ended; by default as many as the last time.",
)
@click.option("--if-finished", is_flag=True, help="Do nothing, with success, while the study is not FINISHED.")
@with_client()
def reopen(
    client: Client,
    study: str,
    decay: float | None,
    remeasure: int | None,
    keep: bool,
    more_trials: int | None,
    if_finished: bool,
) -> None:
    """Go on with a STUDY whose data has changed, finished or not.

    It begins a data epoch with a budget of its own. The best trial is then the best one of the present data, and what was found
    before counts less. Exit code 0: reopened; 4: a stopping rule would end it at once; the others are those of `asktell --help`.

    \b
    Examples:
      asktell study reopen churn --decay 0.5
      asktell study reopen churn --remeasure 5 --more-trials 20
      asktell study reopen churn --keep
      asktell study reopen churn --remeasure 3 --if-finished && asktell run churn -- python train.py
    """
    if decay is None and remeasure is None and not keep:
        raise click.UsageError("say what earlier results still count: --decay X, --remeasure K or --keep")
    if keep and (decay is not None or remeasure is not None):
        raise click.UsageError("--keep excludes --decay and --remeasure")
    chosen = client.study(study)
    if if_finished and chosen.state is not StudyState.FINISHED:
        _say(chosen)
        return
    chosen.reopen(decay=decay, remeasure=remeasure, keep=keep, more_trials=more_trials)
    _say(chosen)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time as in 2030-12-01T12:00:00Z") from None
    if time.tzinfo is None:
        raise click.BadParameter(f"{text!r} needs a time zone, as in 2030-12-01T12:00:00Z or …T13:00:00+01:00")
    return time


_Read = Callable[[str], Any]
_AWAY = object()
"""What `none` is read as."""


def _or_none(read: _Read) -> _Read:
    """Reads what `read` does, and the word that takes it away."""
    return lambda text: _AWAY if text == NONE else read(text)


def _as(kind: click.ParamType[Any]) -> _Read:
    return lambda text: kind.convert(text, None, None)


_number: Callable[[str], float] = _as(Number())


def _target(text: str) -> float | dict[str, float]:
    """One number, or `metric=number` with commas between."""
    if "=" not in text:
        return _number(text)
    values = {}
    for word in text.split(","):
        name, equals, value = word.partition("=")
        if not equals:
            raise click.BadParameter(f"{word!r} is not METRIC=X")
        values[name.strip()] = _number(value)
    return values


@dataclass(frozen=True, slots=True)
class _Flag:
    """The flag of a field that may change; `many` = it stands for one entry of a map."""

    name: str
    read: _Read
    metavar: str
    help: str
    many: bool = False


_COUNT = _as(WholeNumber(1))
FLAGS: dict[str, _Flag] = {
    "max_trials": _Flag("--max-trials", _COUNT, "N", "End when N trials have ended."),
    "target": _Flag(
        "--target",
        _target,
        "X",
        "End when the objective, or the hypervolume, reaches X; or by objective: loss=0.1,ms=20.",
    ),
    "patience": _Flag("--patience", _COUNT, "N", "End when N trials in a row did not better the best one."),
    "deadline": _Flag("--deadline", _time, "TIME", "End at this time, as in 2030-12-01T12:00:00Z."),
    "min_expected_gain": _Flag(
        "--min-expected-gain", _number, "X", "End when 10 more trials are expected to gain less than X."
    ),
    "baseline_trial": _Flag(
        "--baseline-trial", _COUNT, "NUMBER", "The trial that bounds of a baseline refer to; none = the first imported."
    ),
    "early_stopping": _Flag(
        "--early-stopping",
        early_stopping_from,
        "RULE",
        "Stop trials by median, or hyperband:max_steps=50; + joins rules.",
    ),
    "max_running": _Flag("--max-running", _COUNT, "N", "At most N trials at once."),
    "max_staleness": _Flag("--max-staleness", _as(WholeNumber(0)), "N", "Results that a prepared suggestion may lack."),
    "display_name": _Flag("--display-name", str, "TEXT", "A title for people."),
    "labels": _Flag("--label", str, "KEY=VALUE", "Set a label; KEY= takes it away, none all of them.", many=True),
    "annotations": _Flag("--annotation", str, "KEY=VALUE", "The same for annotations.", many=True),
    "note": _Flag("--note", str, "TEXT", "Free text for people; see asktell note."),
}
"""The flags by the names of what `Study.update` changes."""


def _flags(command: Callable[..., None]) -> Callable[..., None]:
    for field, flag in reversed(FLAGS.items()):
        command = click.option(
            flag.name,
            field,
            type=flag.read if flag.many else _or_none(flag.read),
            metavar=flag.metavar if flag.many else f"{flag.metavar}|{NONE}",
            help=flag.help,
            multiple=flag.many,
        )(command)
    return command


@click.command()
@click.argument("study")
@_flags
@with_client()
def update(client: Client, /, study: str, **given: Any) -> None:
    """Change a STUDY.

    What is named is changed, `none` takes it away, everything else stays.
    A study that a stopping rule had finished goes on when none holds any more.

    \b
    Examples:
      asktell study update lora --max-trials 100
      asktell study update lora --target none --patience 30
      asktell study update lora --label team=nlp --label draft=
    """
    changes: dict[str, Any] = {
        field: None if value is _AWAY else value for field, value in given.items() if value not in (None, ())
    }
    if not changes:
        raise click.UsageError(f"name what to change: {', '.join(flag.name for flag in FLAGS.values())}")
    edits = {
        field: _entries(field, changes.pop(field)) for field, flag in FLAGS.items() if flag.many and field in changes
    }
    chosen = client.study(study)
    was_finished = chosen.state is StudyState.FINISHED
    _update(chosen, changes, edits)
    _say(chosen)
    if was_finished and chosen.state is StudyState.FINISHED:
        metadata = {"name": chosen.name, "finish_reason": chosen.finish_reason.value}
        complain(sentence(StudyComplete("", metadata=metadata)), kind="")


def _update(study: Study, changes: dict[str, Any], edits: dict[str, dict[str, str]]) -> None:
    """Maps are changed as they are when nobody else changes the study in between."""
    for left in reversed(range(_TRIES)):
        maps = {field: _edited(getattr(study, field), entries) for field, entries in edits.items()}
        try:
            study.update(etag=study.etag if edits else None, **{**changes, **maps})
        except EtagMismatch:
            if not left:
                raise
            study.refresh()
        else:
            return


def _entries(field: str, words: tuple[str, ...]) -> dict[str, str]:
    """The entries by key, "" = to be taken away; a key "" stands for all others, to be taken away."""
    entries = {}
    for word in words:
        key, equals, value = word.partition("=")
        if word == NONE:
            entries[""] = ""
        elif key and equals:
            entries[key] = value
        else:
            raise click.UsageError(f"{FLAGS[field].name} {word}: is neither KEY=VALUE nor {NONE}")
    return entries


def _edited(entries: dict[str, str], edits: dict[str, str]) -> dict[str, str]:
    kept = {} if "" in edits else {key: value for key, value in entries.items() if key not in edits}
    return kept | {key: value for key, value in edits.items() if value}


def _say(study: Study) -> None:
    epoch = f", data epoch {study.data_epoch}" if study.data_epoch > 1 else ""
    click.echo(f"{study.name} {state_words(study)}{epoch}")
