"""Tables onto a terminal, through a pager where it is too short for them, or into a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import click
from rich.console import Console
from rich.text import Text

from asktell._core.study_view import StudyView
from asktell._core.trial_view import TrialView
from asktell.cli.output import Best, can_show, console
from asktell.cli.tables.columns import Column, trial_columns
from asktell.cli.tables.layout import Cells, Shape, fit, named, unbounded
from asktell.cli.tables.trials import chosen
from asktell.records import TrialState

_WIDE = 1_000_000
_BAD = {TrialState.FAILED, TrialState.INFEASIBLE, TrialState.ABANDONED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a person wants a table. `columns`: names with commas; "" = the standard ones. `wide`: none is left out."""

    columns: str = ""
    wide: bool = False
    pager: bool = True

    @property
    def is_asked_for(self) -> bool:
        """Columns were said, which only a table has."""
        return bool(self.columns) or self.wide


@dataclass(slots=True)
class Page:
    """Lines with their styles."""

    lines: list[Text] = field(default_factory=list)

    def add(self, line: str, style: str = "") -> None:
        """One line more."""
        self.lines.append(Text(line, style=style, no_wrap=True, overflow="ignore", end="\n"))


def print_trials(
    study: StudyView, trials: Sequence[TrialView], best: Best, look: Look, *, of: int | None = None
) -> None:
    """Prints trials in their order, the best ones marked. `of`: how many there are, where these are not all.

    Raises:
        ValueError: `look.columns` names a column that is not there.
    """
    terminal = console()
    if not terminal.is_terminal:
        columns = chosen(trial_columns(study, best), look.columns)
        shape = unbounded([_cells(each, trials, named_marks=True) for each in columns])
        for line in [*shape.header_lines(), *shape.lines()]:
            click.echo(line)
        return

    def shape_with(*, compact: bool) -> Shape:
        columns = chosen(trial_columns(study, best, compact=compact, trials=trials), look.columns)
        cells = [_cells(each, trials) for each in columns]
        marked = [each for each in cells if each.header or any(each.values)]  # no room for marks where none is shown
        return fit(marked, _WIDE if look.wide else terminal.width)

    shape = shape_with(compact=False)
    if shape.hidden:
        shape = shape_with(compact=True)
    page = Page()
    page.add(study.name, "bold")
    _head(page, shape, terminal)
    for trial, line in zip(trials, shape.lines(), strict=True):
        page.add(line, row_style(trial, best))
    _hidden(page, shape, terminal)
    if of is not None and of != len(trials):
        page.add(f"{len(trials)} of {of} trials", "dim")
    _show(page, terminal, look)


def print_cells(columns: Sequence[Cells], *, wide: bool = False) -> None:
    """Prints a short table of anything but trials, its columns by importance."""
    terminal = console()
    if not terminal.is_terminal:
        shape = unbounded(columns)
        for line in [*shape.header_lines(), *shape.lines()]:
            click.echo(line)
        return
    shape = fit(columns, _WIDE if wide else terminal.width)
    page = Page()
    _head(page, shape, terminal)
    for line in shape.lines():
        page.add(line)
    _hidden(page, shape, terminal)
    _show(page, terminal, Look(wide=wide))


def print_facts(title: str, facts: Sequence[tuple[str, str, str]]) -> None:
    """Prints what is known of one thing below its title. `facts`: names and values, as they are, and rich's styles."""
    columns = list(zip(*facts, strict=True))[:2]
    page = Page()
    page.add(title, "bold")
    shape = unbounded([Cells(header="", values=texts, right=False) for texts in columns])
    for (_, _, style), line in zip(facts, shape.lines(), strict=True):
        page.add(line, style)
    _writer(page)(console())


def row_style(trial: TrialView, best: Best) -> str:
    """How the row of a trial stands out."""
    if trial.number in best.observed:
        return "bold green"
    return "red" if trial.state in _BAD else ""


def _head(page: Page, shape: Shape, terminal: Console) -> None:
    for line in shape.header_lines():
        page.add(line, "bold")
    page.add(("─" if can_show("─") else "-") * min(shape.width, terminal.width), "dim")


def _hidden(page: Page, shape: Shape, terminal: Console) -> None:
    if shape.hidden:
        line = named(shape.hidden, terminal.width, before="not shown, too narrow: ", after=" (--wide shows all)")
        page.add(line, "dim")


def _cells(column: Column, trials: Sequence[TrialView], *, named_marks: bool = False) -> Cells:
    header = column.key if named_marks and not column.header else column.header
    values = [" ".join(column.cell(trial).split()) for trial in trials]
    return Cells(header=header, values=values, right=column.right, rest=column.rest)


def _show(page: Page, terminal: Console, look: Look) -> None:
    """Through the person's pager where the page is longer than the terminal."""
    write = _writer(page)
    too_long = len(page.lines) >= terminal.height
    if not too_long or not look.pager or _pager_is_off() or not sys.stdin.isatty():
        write(terminal)
        return
    with terminal.capture() as captured:
        write(terminal)
    # Quit at once where it fits after all, keep colours, leave the last page on the screen; cut long lines, so that a
    # wide table can be moved sideways.
    os.environ.setdefault("LESS", "FRXS" if look.wide else "FRX")
    click.echo_via_pager(captured.get().rstrip("\n"), color=not terminal.no_color)


def _writer(page: Page) -> Callable[[Console], None]:
    def write(terminal: Console) -> None:
        for line in page.lines:
            terminal.print(line, soft_wrap=True)

    return write


def _pager_is_off() -> bool:
    return os.environ.get("PAGER", "less").strip() in {"", "cat"}
