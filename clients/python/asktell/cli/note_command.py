"""`asktell note`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell.cli.connect import with_client
from asktell.cli.number_types import WholeNumber
from asktell.cli.output import complain
from asktell.errors import InvalidArgument


@click.command()
@click.argument("study")
@click.argument("text", required=False, metavar="[TEXT|-]")
@click.option("--trial", "number", type=WholeNumber(1), metavar="NUMBER", help="The note of this trial.")
@with_client()
def note(client: Client, study: str, text: str | None, number: int | None) -> None:
    """Show or write the note of a STUDY, or of one of its trials: free text for people, up to 16 KiB.

    TEXT replaces the note; - reads it from stdin, and "" takes it away. Without TEXT the notes are printed.

    \b
    Examples:
      asktell note lora "Rank above 16 gains nothing: see trials 12 to 20."
      asktell note lora --trial 7 "diverged after the learning rate's warm-up"
      asktell note lora - < conclusions.md
      asktell note lora
    """
    chosen = client.study(study)
    if text is None:
        _show(chosen, number)
        return
    written = _stdin() if text == "-" else text
    try:
        if number is None:
            chosen.update(note=written)
        else:
            chosen.trial(number).set_note(written)
    except InvalidArgument as error:
        if not error.field.endswith("note"):
            raise
        raise click.UsageError(f"the note {error.message.partition(': ')[2]}") from None


def _stdin() -> str:
    try:
        return sys.stdin.read().rstrip("\n")
    except UnicodeDecodeError:
        raise click.UsageError("stdin is not UTF-8 text") from None


def _show(study: Study, number: int | None) -> None:
    lines = list(_all(study)) if number is None else study.trial(number).note.splitlines()
    for line in lines:
        click.echo(line)
    if not lines:
        which = study.name if number is None else f"trial {number} of {study.name}"
        complain(f"{which} has no note", kind="")


def _all(study: Study) -> Iterator[str]:
    """The study's note as it is, and below it those of the trials."""
    yield from study.note.splitlines()
    for trial in study.trials():
        first, *more = trial.note.splitlines() or [""]
        if trial.note:
            yield f"trial {trial.number}: {first}"
            yield from (f"  {line}" for line in more)
