"""`asktell diff`."""

from __future__ import annotations

import dataclasses
import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import click

from asktell._core.shown import short
from asktell._sync.client import Client
from asktell.cli.connect import with_client
from asktell.cli.early_stopping_words import as_keys, as_sentence
from asktell.cli.options import as_json
from asktell.cli.output import complain, pairs, print_json, stamp, time
from asktell.cli.said import said_of
from asktell.cli.tables.layout import Cells
from asktell.cli.tables.printing import print_cells
from asktell.comparison import Compared, Comparison
from asktell.early_stopping import EarlyStopping

_LONGEST = 60
_CONTEXT = 12
"""How many characters are shown before the first one in which two long texts differ."""
_COMMIT = "git_commit"


@click.command()
@click.argument("study")
@click.argument("others", nargs=-1, required=True, metavar="NUMBER NUMBER|STUDY")
@as_json
@click.option("--all", "everything", is_flag=True, help="What is the same on both sides, too.")
@click.option("--wide", is_flag=True, help="All columns, however long the lines get.")
@with_client(patient=True)
def diff(client: Client, study: str, others: tuple[str, ...], as_json: bool, everything: bool, wide: bool) -> None:
    """Show two trials of a STUDY, or two studies, side by side: what differs, and with --all what is the same.

    Of trials: parameters, metrics, what they ran with (commit, command, host, …), labels and annotations. Of studies: the best values
    after equal numbers of trials, the best trials, parameters, settings, and what the trials ran with.

    \b
    Examples:
      asktell diff lora 3 7
      asktell diff lora lora-with-warmup
      asktell diff lora 3 7 --json
    """
    chosen = client.study(study)
    if len(others) == 1:
        compared = chosen.compare_with(others[0])
        left, right = (name.rpartition("/studies/")[2] for name in (compared.left, compared.right))
    else:
        first, second = _numbers(others)
        compared = chosen.compare(first, second)
        left, right = f"trial {first}", f"trial {second}"
    if as_json:
        print_json(
            {
                "left": compared.left,
                "right": compared.right,
                "differing": [_record(each) for each in compared.differing],
                "same": [_record(each) for each in compared.same],
            }
        )
        return
    rows = list(compared) if everything else compared.differing
    if rows:
        print_cells(_columns(rows, left, right), wide=wide)
    else:
        complain(f"{left} and {right} do not differ", kind="")
    if not everything and compared.same:
        counts = Counter(each.group for each in compared.same)
        same = ", ".join(f"{count} {_group(name, count)}" for name, count in counts.items())
        complain(f"the same: {same} (--all shows them)", kind="")
    if commits := _commits(compared):
        click.echo(f"the code: git diff {commits[0][:12]} {commits[1][:12]}")


def _numbers(words: Sequence[str]) -> tuple[int, int]:
    if len(words) != 2:
        raise click.UsageError("name two trials of the study by their numbers, or another study")
    numbers = []
    for word in words:
        if not word.isdecimal() or int(word) < 1:
            raise click.UsageError(f"{word!r} is not the number of a trial")
        numbers.append(int(word))
    return numbers[0], numbers[1]


def _columns(rows: Sequence[Compared], left: str, right: str) -> list[Cells]:
    texts = [_both(row) for row in rows]
    return [
        Cells(header="what", values=[row.group for row in rows], right=False),
        Cells(header="name", values=[row.name for row in rows], right=False),
        Cells(header=left, values=[mine for mine, _ in texts], right=False),
        Cells(header=right, values=[theirs for _, theirs in texts], right=False),
        Cells(header="change", values=[_change(row) for row in rows], right=False),
    ]


def _both(row: Compared) -> tuple[str, str]:
    """Both sides for people. Long texts are shown from where they begin to differ."""
    left, right = _words(row.left), _words(row.right)
    if max(len(left), len(right)) <= _LONGEST:
        return left, right
    common = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), 0)
    start = max(0, common - _CONTEXT)
    return _from(left, start), _from(right, start)


def _from(text: str, start: int) -> str:
    shown = ("…" if start and text else "") + text[start:]
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, EarlyStopping):
        return as_sentence(value)
    if dataclasses.is_dataclass(value):
        return said_of(value)
    if isinstance(value, Mapping):
        return pairs(value)
    if isinstance(value, list | tuple):
        return ", ".join(_words(each) for each in value)
    return short(value)


def _change(row: Compared) -> str:
    if row.change is None or not row.differs or row.group == "setting" or row.name == "number":  # a seed is no amount
        return ""
    amount = f"{'+' if row.change > 0 else ''}{short(row.change)}"
    judged = {"right": "better", "left": "worse"}.get(row.better, "")
    return f"{amount} ({judged})" if judged else amount


_GROUPS = {
    "best": ("best value", "best values"),
    "best trial": ("value of the best trials", "values of the best trials"),
    "run": ("fact of the runs", "facts of the runs"),
    "trial": ("fact of the trials", "facts of the trials"),
    "study": ("fact of the studies", "facts of the studies"),
}


def _group(name: str, count: int) -> str:
    one, several = _GROUPS.get(name, (name, f"{name}s"))
    return one if count == 1 else several


def _commits(compared: Comparison) -> tuple[str, str] | None:
    """The commits of the two sides, where each has one and they differ."""
    for each in compared.differing:
        if each.group == "run" and each.name == _COMMIT and each.left and each.right:
            sides = [(side,) if isinstance(side, str) else side for side in (each.left, each.right)]
            if all(len(side) == 1 for side in sides):
                return sides[0][0], sides[1][0]
    return None


def _record(row: Compared) -> dict[str, Any]:
    return {
        "group": row.group,
        "name": row.name,
        "left": _plain(row.left),
        "right": _plain(row.right),
        "change": row.change if row.differs else None,
        "better": row.better,
    }


def _plain(value: Any) -> Any:
    """A value for JSON."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, EarlyStopping):
        return as_keys(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"type": type(value).__name__.lower(), **fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
