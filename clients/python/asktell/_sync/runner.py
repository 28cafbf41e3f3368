"""The run: several workers that ask, run and tell until something ends it."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Protocol, TypeAlias

from asktell._core.ask_options import AskOptions
from asktell._core.course import Course, Ending, Step
from asktell._sync.trial import Trial
from asktell.errors import (
    AsktellError,
    DeadlineExceeded,
    FixedExhausted,
    MissingObjective,
    NoTrialAvailable,
    Overloaded,
    QueueEmpty,
    StudyComplete,
    Unavailable,
)
from asktell.records import MetricInput

if TYPE_CHECKING:
    from asktell._sync.study import Study

logger = logging.getLogger("asktell")

_AGAIN_S = 1.0


class Listener:
    """What a display wants to know; called from the workers' threads, one call at a time."""

    def waiting(self, why: str) -> None:
        """None of the run's workers has a trial, and there is none to be had now."""

    def started(self, trial: Trial) -> None:
        """A trial begins."""

    def stepped(self, trial: Trial, step: Step) -> None:
        """A trial reported."""

    def printed(self, trial: Trial, text: str) -> None:
        """A trial's command wrote a line that is no metric."""

    def ended(self, trial: Trial, *, is_best: bool) -> None:
        """A trial ended or was given back."""


class Run(Protocol):
    """A trial at work.

    `dropped`: metrics that it printed and the study does not declare. `error`: what failed it, where that is an exception.
    """

    @property
    def trial(self) -> Trial: ...
    @property
    def dropped(self) -> AbstractSet[str]: ...
    @property
    def error(self) -> Exception | None: ...
    def interrupt(self, *, kill: bool = False) -> None:
        """Ends it as soon as it can be ended, or at once, and gives the trial back. From any thread."""
        ...

    def finish(self) -> None:
        """Waits for its end, and tells it. What it raises ends the whole run."""
        ...


Start: TypeAlias = Callable[[Callable[[Step], None], Callable[[str], None]], Run]
"""Starts a trial's work; it says by the callables what it reported and printed. OSError: it cannot be started."""

Begin: TypeAlias = Callable[[Trial], Start]
"""Finds out what the work needs, for which it may ask the server, and returns what starts it without asking."""


class Runner:
    """Runs trials of a study on `workers` threads: `start`, then `wait`; `interrupt` from any thread. Or `run_here`."""

    def __init__(
        self, study: Study, begin: Begin, course: Course, *, workers: int, listener: Listener, ask: AskOptions
    ) -> None:
        """`begun` counts the trials whose work was started."""
        self._options = ask
        self._study = study
        self._begin_work = begin
        self._listener = listener
        self._runs: set[Run] = set()
        self._warned: set[str] = set()
        self._is_waiting = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{n + 1}", daemon=True) for n in range(workers)
        ]
        self.course = course
        self.begun = 0

    def run_here(self) -> None:
        """Works in this thread until the end: Ctrl-C then interrupts the trial's own work, and comes out of here."""
        self._work()

    def start(self) -> None:
        """Starts the workers."""
        for thread in self._threads:
            thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Waits so long for something to happen; returns whether all workers have ended."""
        with self._changed:
            if any(thread.is_alive() for thread in self._threads):
                self._changed.wait(timeout_s)
        return not any(thread.is_alive() for thread in self._threads)

    def interrupt(self, *, kill: bool = False) -> None:
        """Ends all commands and gives their trials back; with `kill`, without waiting for them to comply."""
        self._end(Ending.INTERRUPTED)
        with self._changed:
            runs = list(self._runs)
        for run in runs:
            run.interrupt(kill=kill)

    def _work(self) -> None:
        try:
            while self._claim():
                trial = self._ask()
                if trial is not None:
                    self._run(trial)
        except Exception as error:  # noqa: BLE001 # whatever it is ends the run and is shown by the main thread
            with self._changed:
                self.course.error = self.course.error or error
            self._end(Ending.ERROR)
        finally:
            with self._changed:
                self._changed.notify_all()

    def _claim(self) -> bool:
        with self._changed:
            return self.course.claim()

    def _ask(self) -> Trial | None:
        """A trial; None when there is none now (after a wait) or never."""
        try:
            return self._study.ask(wait=False, **self._options)
        except StudyComplete as error:
            self.course.complete = error
            self._end(Ending.COMPLETE)
        except FixedExhausted as error:
            self.course.exhausted = error
            self._end(Ending.FIXED_EXHAUSTED)
        except QueueEmpty:
            self._end(Ending.QUEUE_EMPTY)
        except (NoTrialAvailable, Overloaded) as error:
            with self._changed:
                if not self._runs and not self._is_waiting:
                    self._is_waiting = True  # told once, until there is a trial again
                    self._listener.waiting(error.message)
                self._changed.wait(self.course.wait_s(error.retry_after_s or _AGAIN_S))
        except (Unavailable, DeadlineExceeded) as error:  # it was there when the run began: it will come back
            logger.warning("waiting for the server: %s", error)
            with self._changed:
                self._changed.wait(self.course.wait_s(_AGAIN_S))
        with self._changed:
            self.course.unclaim()
        return None

    def _run(self, trial: Trial) -> None:
        try:
            start = self._prepare(trial)
            run = None if start is None else self._begin(trial, start)
        except (OSError, AsktellError):
            with contextlib.suppress(AsktellError):  # the lease will run out; the first error says more
                trial.release()  # the work cannot be started: not the configuration's fault
            raise
        if run is None:
            trial.release()
            return
        try:
            run.finish()
        finally:
            with self._changed:
                self._runs.discard(run)
        self._settle(run)

    def _prepare(self, trial: Trial) -> Start | None:
        """What starts the trial's work, for as long as it takes the server to answer; None when the run was interrupted before.

        Not under the lock: a server that is away would hold up the other workers, and `interrupt`.
        """
        while True:
            try:
                return self._begin_work(trial)
            except (Unavailable, DeadlineExceeded, Overloaded) as error:
                logger.warning("trial %d: its start waits for the server: %s", trial.number, error)
                with self._changed:
                    if self.course.ending is not Ending.INTERRUPTED:
                        self._changed.wait(error.retry_after_s or _AGAIN_S)
                    if self.course.ending is Ending.INTERRUPTED:
                        return None

    def _begin(self, trial: Trial, start: Start) -> Run | None:
        """Starts the command; None when the run was interrupted since the trial was asked for."""
        with self._changed:  # held while the command starts, so that `interrupt` sees either none or all of it
            if self.course.ending is Ending.INTERRUPTED:
                return None
            self._is_waiting = False
            self._listener.started(trial)
            run = start(
                lambda step: self._notify(self._listener.stepped, trial, step),
                lambda text: self._notify(self._listener.printed, trial, text),
            )
            self._runs.add(run)
            self.begun += 1
            return run

    def _settle(self, run: Run) -> None:
        trial = run.trial
        with self._changed:
            for name in sorted(run.dropped - self._warned):
                logger.warning("the study does not declare the metric %s: it is dropped", name)
            self._warned |= run.dropped
            self._listener.ended(trial, is_best=self.course.count(trial, run.error))
            self._changed.notify_all()

    def _end(self, ending: Ending) -> None:
        with self._changed:
            self.course.end(ending)
            self._changed.notify_all()

    def _notify(self, tell: Callable[..., None], *details: object) -> None:
        with self._changed:
            tell(*details)


def stop_or_fail(
    trial: Trial,
    metrics: Mapping[str, MetricInput] | None,
    objective: str,
    annotations: Mapping[str, str] | None = None,
) -> None:
    """Tells that a trial ended early: STOPPED with what is known, FAILED where the objective is not."""
    try:
        trial.stop(metrics, annotations=annotations)
    except MissingObjective:
        trial.fail(f"stopped before it reported {objective}", annotations=annotations)


def tell_patiently(trial: Trial, tell: Callable[[], None], interrupted: threading.Event, result: object) -> None:
    """Tells how a trial ended, for as long as it takes the server to answer.

    Raises:
        AsktellError: the server refused the result, or the run was interrupted before it answered.
    """
    while True:
        try:
            tell()
        except (Unavailable, DeadlineExceeded, Overloaded) as error:
            # What was computed is expensive: it is not thrown away because a server is away for a while.
            if interrupted.is_set():
                logger.warning("trial %d: its result was not told: %s", trial.number, result)
                raise
            logger.warning("trial %d: its result waits for the server: %s", trial.number, error)
            interrupted.wait(error.retry_after_s or _AGAIN_S)
        else:
            return
