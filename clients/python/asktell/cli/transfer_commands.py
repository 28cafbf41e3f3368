"""`asktell import` and `asktell export`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from asktell._sync.client import Client
from asktell.cli.connect import with_client
from asktell.cli.options import in_states
from asktell.cli.output import complain
from asktell.cli.transfer import exporting
from asktell.cli.transfer.files import FORMATS, Table, format_of, read, write_csv, write_jsonl
from asktell.cli.transfer.importing import MOST_PROBLEMS, differs, judge, known_trials, store
from asktell.cli.transfer.mapping import map_columns
from asktell.cli.transfer.reading import Problem, past_trials


class Refused(click.ClickException):
    """What is wrong with a file or with what is said of it; the command's usage would not help."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """As every other error."""
        complain(self.message)


_FORMAT = click.option(
    "--format", "format_", type=click.Choice(FORMATS), help="Of the file.  [default: as its name says]"
)


@click.command("import")
@click.argument("study")
@click.argument("file", metavar="FILE.csv|FILE.jsonl|-")
@click.option(
    "--map",
    "mappings",
    multiple=True,
    metavar="COLUMN=NAME",
    help="What a column is; COLUMN= leaves it out. May be repeated.",
)
@click.option("--skip-bad", is_flag=True, help="Import the good lines although others are wrong.")
@click.option("--dry-run", is_flag=True, help="Judge every line and import none.")
@_FORMAT
@with_client(patient=True)
def import_(
    client: Client, study: str, file: str, mappings: Sequence[str], skip_bad: bool, dry_run: bool, format_: str | None
) -> None:
    """Bring past results into a STUDY: a row, or a JSON object, for each trial.

    Columns are known by name: parameters, metrics (also as param.NAME, metric.NAME, standard_error.NAME), key, state, reason, note,
    start_time, finish_time, label.NAME, annotation.NAME. Values are read as the parameter's kind asks: 16.0 is an int, yes is a
    bool. Without a state a line is a success.

    Nothing is imported while any line is wrong. Importing a file again adds nothing: a line is known again by its key, or by all
    that it says. Imported trials do not count to the study's max_trials.

    \b
    Examples:
      asktell import lora runs.csv
      asktell import lora wandb.csv --map config.lr=learning_rate --map "eval loss=val_loss" --map notes=
      asktell export old -o - --format jsonl | asktell import new - --format jsonl
    """
    table = _read(file, format_)
    chosen = client.study(study)
    try:
        mapped = map_columns(chosen, table.columns, mappings)
    except ValueError as error:
        raise Refused(str(error)) from None
    if mapped.unused:
        complain(f"{file}: columns that are nothing of the study: {', '.join(mapped.unused)}", kind="")
    past = past_trials(chosen, table, mapped)
    most = None if skip_bad else MOST_PROBLEMS
    with _progress("judging", len(past.trials)) as progress:
        problems = sorted(
            [*past.problems, *judge(chosen, past, mapped, most=most, progress=progress)], key=lambda each: each.line
        )
    _complain_of(problems, file)
    if problems and not skip_bad:
        raise Refused("nothing imported (--skip-bad imports the other lines)")
    known = known_trials(chosen)
    new = [trial for trial in past.trials if trial.key not in known]
    for trial, line in zip(past.trials, past.lines, strict=True):
        if trial.key in known and differs(chosen, known[trial.key], trial):
            there = known[trial.key]
            complain(
                f"{file}:{line}: trial {there.number} is there already with another result; it stays", kind="warning"
            )
    if not dry_run:
        with _progress("importing", len(new)) as progress:
            store(chosen, new, progress=progress)
    there_already = len(past.trials) - len(new)
    details = [f"{there_already} there already"] if there_already else []
    details += [f"{len(problems)} wrong"] if problems else []
    details += [f"{count} {state} without a result" for state, count in past.without_result.items()]
    click.echo(
        f"{'would import' if dry_run else 'imported'} {len(new)} trials into {chosen.name}"
        + (f" ({', '.join(details)})" if details else "")
    )


def _read(file: str, format_: str | None) -> Table:
    chosen = format_ or format_of(file)
    if chosen is None:
        raise Refused(f"{file}: --format csv or --format jsonl")
    try:
        with _opened(file) as stream:
            return read(stream, chosen)
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise Refused(f"{file}: is not UTF-8 text") from None
    except ValueError as error:
        raise Refused(f"{file}:{error}") from None


@contextlib.contextmanager
def _opened(file: str) -> Iterator[IO[str]]:
    if file == "-":
        yield sys.stdin
        return
    with Path(file).open(encoding="utf-8-sig", newline="") as stream:
        yield stream


def _complain_of(problems: Sequence[Problem], file: str) -> None:
    for problem in problems[:MOST_PROBLEMS]:
        complain(f"{file}:{problem}")
    if len(problems) > MOST_PROBLEMS:
        complain(f"… and {len(problems) - MOST_PROBLEMS} more", kind="")


@contextlib.contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while it takes long, if somebody looks."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


@click.command()
@click.argument("study")
@click.option("--output", "-o", metavar="FILE|-", default="-", help="Where to; - is stdout.  [default: -]")
@_FORMAT
@in_states
@with_client(patient=True)
def export(client: Client, study: str, output: str, format_: str | None, states: Sequence[str]) -> None:
    """Write the trials of a STUDY, with all digits, for `asktell import` and for other programs.

    The study itself goes into a file of its own: asktell study show STUDY --yaml. Measurements within trials are not exported.

    \b
    Examples:
      asktell export lora -o lora.csv
      asktell export lora --format jsonl | jq .params.lr
      asktell study show lora --yaml > lora.yaml && asktell export lora -o lora.jsonl
    """
    chosen_format = format_ or format_of(output) or ("csv" if output == "-" else None)
    if chosen_format is None:
        raise Refused(f"{output}: --format csv or --format jsonl")
    chosen = client.study(study)
    trials = chosen.trials(states=states or None)
    lines = (exporting.line(trial) for trial in trials)
    try:
        with _replaced(output) as stream:
            if chosen_format == "csv":
                write_csv(stream, exporting.columns(chosen, trials), lines)
            else:
                write_jsonl(stream, lines)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Refused(f"{output}: {error.strerror or error}") from None
    if output != "-":
        click.echo(f"{output}: {len(trials)} trials of {chosen.name}")


@contextlib.contextmanager
def _replaced(output: str) -> Iterator[IO[str]]:
    """A stream to stdout, or to a file that is there as a whole or, when something fails, as it was before."""
    if output == "-":
        yield sys.stdout
        return
    path = Path(output)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
