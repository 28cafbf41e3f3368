"""Rows of a table of trials: which, in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from asktell._core.trial_view import TrialView
from asktell.cli.tables.columns import Column, find

TrialT = TypeVar("TrialT", bound=TrialView)


def selected(
    trials: Sequence[TrialT],
    columns: Sequence[Column],
    *,
    sort: str = "",
    reverse: bool = False,
    limit: int | None = None,
    last: int | None = None,
) -> list[TrialT]:
    """The trials to show: the `last` ones by number, sorted, then the first `limit`.

    `sort`: a column's name, with `-` before it the other way round; `reverse` turns it round again. Trials that have
    nothing to be sorted by come last either way.

    Raises:
        ValueError: no column has that name.
    """
    rows = list(trials if last is None else trials[max(len(trials) - last, 0) :])
    if sort:
        column, down = sorted_by(columns, sort)
        known = [trial for trial in rows if column.rank(trial) is not None]
        unknown = [trial for trial in rows if column.rank(trial) is None]
        rows = sorted(known, key=column.rank, reverse=down != reverse) + unknown
    elif reverse:
        rows.reverse()
    return rows if limit is None else rows[:limit]


def sorted_by(columns: Sequence[Column], sort: str) -> tuple[Column, bool]:
    """The column that `--sort` names, and whether it is turned round."""
    try:
        return find(columns, sort), False
    except ValueError:
        if not sort.startswith("-"):
            raise
        return find(columns, sort[1:]), True


def chosen(columns: Sequence[Column], names: str) -> list[Column]:
    """The columns of a list with commas, in its order; without one, the standard ones. Raises ValueError."""
    if not names:
        return [column for column in columns if column.standard]
    return [find(columns, name.strip()) for name in names.split(",") if name.strip()]
