"""What a person sees of a run: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from asktell._core import progress
from asktell._core.course import Step, Tally
from asktell._core.shown import short
from asktell._sync.runner import Listener
from asktell._sync.trial import Trial
from asktell.cli.output import best_mark, complain, pairs, seconds
from asktell.cli.tables.columns import Column
from asktell.cli.tables.layout import Cells, fit
from asktell.records import TrialState

_STYLES = {TrialState.SUCCEEDED: "", TrialState.FAILED: "red", TrialState.QUEUED: "yellow"}


@dataclass(slots=True)
class _Running:
    trial: Trial
    since: float = field(default_factory=time.monotonic)
    step: Step | None = None


class PlainProgress(Listener):
    """A line for each trial that starts or ends."""

    def __init__(self, console: Console, *, verbose: bool) -> None:
        self._console = console
        self._verbose = verbose
        self._since: dict[int, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to undo."""

    def update(self, tally: Tally) -> None:
        """Nothing between the lines."""

    def waiting(self, why: str) -> None:
        complain(f"waiting: {why}", kind="")

    def started(self, trial: Trial) -> None:
        self._since[trial.number] = time.monotonic()
        self._line(f"trial {trial.number} started {pairs(trial.params)}")

    def stepped(self, trial: Trial, step: Step) -> None:
        if self._verbose:
            self._line(f"trial {trial.number} step {step.step} {pairs(step.metrics)}")

    def printed(self, trial: Trial, text: str) -> None:
        if self._verbose:
            self._line(f"[{trial.number}] {text}")

    def ended(self, trial: Trial, *, is_best: bool) -> None:
        took = seconds(time.monotonic() - self._since.pop(trial.number, time.monotonic()))
        self._line(_ending(trial, is_best=is_best, took=took), _STYLES.get(trial.state, ""))

    def _line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style))


class LiveProgress(PlainProgress):
    """The same lines for ended trials, above a table of the running ones."""

    def __init__(self, console: Console, *, verbose: bool, budget: int | None, parameters: Sequence[Column]) -> None:
        super().__init__(console, verbose=verbose)
        self._parameters = parameters
        self._budget = budget
        self._running: dict[int, _Running] = {}
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def update(self, tally: Tally) -> None:
        """Draws the table anew."""
        self._live.update(self._picture(tally), refresh=True)

    def started(self, trial: Trial) -> None:
        self._running[trial.number] = _Running(trial)
        self._since[trial.number] = time.monotonic()

    def stepped(self, trial: Trial, step: Step) -> None:
        super().stepped(trial, step)
        if trial.number in self._running:
            self._running[trial.number].step = step

    def ended(self, trial: Trial, *, is_best: bool) -> None:
        self._running.pop(trial.number, None)
        super().ended(trial, is_best=is_best)

    def _picture(self, tally: Tally) -> RenderableType:
        running = list(self._running.values())
        steps = [each.step for each in running]
        reported = dict.fromkeys(name for step in steps if step is not None for name in step.metrics)
        shape = fit(
            [
                Cells(header="#", values=[str(each.trial.number) for each in running]),
                Cells(header="running", values=[seconds(time.monotonic() - each.since) for each in running]),
                Cells(header="step", values=["" if step is None else str(step.step) for step in steps]),
                *(
                    Cells(
                        header=name,
                        values=["" if step is None else short(step.metrics.get(name, "")) for step in steps],
                    )
                    for name in reported
                ),
                *(
                    Cells(header=each.header, values=[each.cell(row.trial) for row in running], right=each.right)
                    for each in self._parameters
                ),
            ],
            self._console.width,
        )
        lines = [Text(line, style="bold") for line in shape.header_lines()]
        return Group(*lines, *(Text(line) for line in shape.lines()), Text(summary(tally, self._budget), style="bold"))


def summary(tally: Tally, budget: int | None = None) -> str:
    """`12 of 50 done, 1 failed, best 0.27 (trial 7)`."""
    done = f"{tally.total}{f' of {budget}' if budget is not None else ''} done"
    return ", ".join(part for part in (done, progress.summary(tally)) if part)


def _ending(trial: Trial, *, is_best: bool, took: str) -> str:
    if trial.state is TrialState.QUEUED:
        return f"trial {trial.number} given back after {took}"
    result = f" {pairs(trial.metrics)}" if trial.metrics else ""
    reason = f": {_first_and_last(trial.reason)}" if trial.reason.strip() else ""
    mark = f" {best_mark()}" if is_best else ""
    return f"trial {trial.number} {trial.state}{result}{mark} in {took}{reason}"


def _first_and_last(reason: str) -> str:
    lines = [line.strip() for line in reason.strip().splitlines()]
    return lines[0] if len(lines) == 1 else f"{lines[0]}: {lines[-1]}"
