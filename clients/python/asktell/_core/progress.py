"""The line that `optimize` shows: how many trials are done, the best so far, the time."""

from __future__ import annotations

import logging
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from asktell._core.course import Tally
from asktell._core.shown import short
from asktell._core.trial_view import TrialView

if TYPE_CHECKING:
    from rich.progress import Progress

logger = logging.getLogger("asktell")


class ProgressLine:
    """A bar on stderr or in a notebook; every trial's end goes to the log `asktell` as INFO, bar or not."""

    def __init__(self, title: str, tally: Tally, *, total: int | None, shown: bool | None) -> None:
        """`total`: how many trials are to be run, if that is known. `shown`: None = on a terminal or in a notebook."""
        self._title = title
        self._tally = tally
        self._total = total
        self._bar: Progress | None = None if shown is False else _bar(always=shown is True)
        self._task = None if self._bar is None else self._bar.add_task(title, total=total, note="")

    def __enter__(self) -> Self:
        """Shows the bar."""
        if self._bar is not None:
            self._bar.start()
            self.say("")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, note: str) -> None:
        """Shows what has been done, and a note."""
        if self._bar is not None and self._task is not None:
            shown = ", ".join(part for part in (summary(self._tally), note) if part)
            self._bar.update(self._task, completed=self._tally.total, note=shown)

    def ended(self, trial: TrialView) -> None:
        """A trial ended or was given back."""
        logger.info("%r", trial)
        self.say("")


def _bar(*, always: bool) -> Progress | None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not (always or console.is_terminal or console.is_jupyter):
        return None
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # Names of studies and errors are not rich's markup. What the functions print goes above the bar, but stays in the file
    # or pipe that stdout is sent to: rich would print it where the bar is.
    return Progress(
        *columns,
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
        redirect_stdout=console.is_jupyter or sys.stdout.isatty(),
    )


def summary(tally: Tally) -> str:
    """`1 failed, best 0.27 (trial 7)`."""
    failed = [f"{tally.failed} failed"] if tally.failed else []
    best = [] if tally.best_value is None else [f"best {short(tally.best_value)} (trial {tally.best_number})"]
    return ", ".join(failed + best)
