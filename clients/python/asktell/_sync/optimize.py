"""`study.optimize`: the loop in one call, with threads as workers."""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from asktell._core.ask_options import AskOptions
from asktell._core.course import Catch, Course, Ending, ending_error, is_caught, limits, result_of
from asktell._core.progress import ProgressLine
from asktell._sync.interrupts import collected
from asktell._sync.runner import Listener, Runner, stop_or_fail, tell_patiently
from asktell._sync.trial import Trial
from asktell.errors import AsktellError
from asktell.records import MetricInput, Outcome
from asktell.spec import Objective

if TYPE_CHECKING:
    from asktell._sync.study import Study

Function: TypeAlias = Callable[[Trial], MetricInput | Mapping[str, MetricInput] | None]

logger = logging.getLogger("asktell")

_REFRESH_S = 0.25


def optimize(
    study: Study,
    function: Function,
    *,
    trials: int | None,
    workers: int,
    timeout_s: float | None,
    catch: Catch,
    max_failures_in_a_row: int | None,
    progress: bool | None,
    ask: AskOptions,
) -> None:
    """As `Study.optimize`."""
    limits(trials=trials, workers=workers, timeout_s=timeout_s, max_failures_in_a_row=max_failures_in_a_row)
    objective = study.refresh().objectives[0]
    course = Course(
        study.only_goal,
        next(iter(study.best_trials(1)), None),
        max_trials=trials,
        max_failures_in_a_row=max_failures_in_a_row,
        timeout_s=timeout_s,
        whole=study.whole,
    )
    line = ProgressLine(study.id, course.tally, total=study.to_go(trials), shown=progress)
    runner = Runner(
        study,
        lambda trial: lambda _reported, _printed: _Call(trial, function, objective, catch),
        course,
        workers=workers,
        listener=_Line(line),
        ask=ask,
    )
    with line:
        if workers == 1:
            _here(runner)
        else:
            _with_threads(runner, line)
    with contextlib.suppress(AsktellError):  # the trials are told: that the study cannot be read anew undoes nothing
        study.refresh()
    error = ending_error(course)
    if error is not None:
        raise error


def _here(runner: Runner) -> None:
    """In this thread, so that Ctrl-C interrupts the function itself; a second one while its trial is given back, that."""
    try:
        runner.run_here()
    except KeyboardInterrupt:
        runner.course.end(Ending.INTERRUPTED)


def _with_threads(runner: Runner, line: ProgressLine) -> None:
    """With the runner's threads. Raises KeyboardInterrupt: a second Ctrl-C, which waits for nothing."""
    with collected(signal.SIGINT) as received:
        runner.start()
        giving_back: threading.Thread | None = None
        while not runner.wait(_REFRESH_S) or (giving_back is not None and giving_back.is_alive()):
            if len(received) > 1:
                raise KeyboardInterrupt
            if received and giving_back is None:
                # Not here: a server that is away must not hold up a second Ctrl-C.
                giving_back = threading.Thread(target=runner.interrupt, name="asktell-interrupt", daemon=True)
                giving_back.start()
                line.say("interrupted: waiting for the functions at work; Ctrl-C again leaves at once")


class _Call:
    """A trial whose work is a call of a function."""

    def __init__(self, trial: Trial, function: Function, objective: Objective, catch: Catch) -> None:
        self.trial = trial
        self.dropped: frozenset[str] = frozenset()
        self.error: Exception | None = None
        self._function = function
        self._objective = objective
        self._catch = catch
        self._interrupted = threading.Event()

    def interrupt(self, *, kill: bool = False) -> None:  # a thread cannot be killed
        """Gives the trial back. The function is told by `trial.should_stop`, and by `trial.report`."""
        self._interrupted.set()
        if not self.trial.is_open or self.trial.lease_lost:
            return
        try:
            self.trial.release()
        except AsktellError as error:
            logger.warning("trial %d was not given back, its lease will run out: %s", self.trial.number, error)

    def finish(self) -> None:
        """Calls the function and tells what it returned; an exception fails the trial."""
        try:
            with self.trial:
                returned = self._function(self.trial)
                if not self._interrupted.is_set():
                    told = result_of(self.trial, returned, self._objective)
                    if told is not None:
                        tell_patiently(self.trial, lambda: self._tell(*told), self._interrupted, returned)
        except Exception as error:
            if not self._interrupted.is_set() and not is_caught(error, self._catch):
                raise
            self.error = error

    def _tell(self, outcome: Outcome, metrics: Mapping[str, Any]) -> None:
        if outcome is Outcome.SUCCEEDED:
            self.trial.tell(metrics)
        else:
            stop_or_fail(self.trial, metrics, self._objective.metric)


class _Line(Listener):
    def __init__(self, line: ProgressLine) -> None:
        self._line = line

    def waiting(self, why: str) -> None:
        self._line.say(f"waiting: {why}")

    def started(self, trial: Trial) -> None:
        self._line.say("")

    def ended(self, trial: Trial, *, is_best: bool) -> None:  # the line shows the best anyway
        self._line.ended(trial)
