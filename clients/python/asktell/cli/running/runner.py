"""The run: several workers that ask, run and tell until something ends it."""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.cli.running.metrics import Step
from asktell.cli.running.trial_run import Job, TrialRun
from asktell.errors import DeadlineExceeded, NoTrialAvailable, Overloaded, QueueEmpty, StudyComplete, Unavailable
from asktell.records import TrialState
from asktell.spec import Goal, Objective

logger = logging.getLogger("asktell")

FAILURES_IN_A_ROW = 3
_ASK_AGAIN_S = 1.0


class Ending(enum.Enum):
    """Why a run ended."""

    BUDGET = "as many trials as asked for"
    COMPLETE = "study is complete"
    QUEUE_EMPTY = "nothing is enqueued"
    FAILURES = f"{FAILURES_IN_A_ROW} trials failed in a row"
    INTERRUPTED = "interrupted"
    ERROR = "error"


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


@dataclass(slots=True)
class Tally:
    """What a run has done so far."""

    succeeded: int = 0
    failed: int = 0
    other: int = 0
    best_number: int | None = None
    best_value: float | None = None

    @property
    def total(self) -> int:
        """All trials that ended in this run."""
        return self.succeeded + self.failed + self.other


class Runner:
    """Runs trials of a study on `workers` threads. `start`, then `wait`; `interrupt` from any thread."""

    def __init__(
        self,
        study: Study,
        job: Job,
        *,
        workers: int,
        max_trials: int | None,
        keep_going: bool,
        listener: Listener,
    ) -> None:
        """`max_trials`: of this run; None = until the study is complete. `begun` counts the commands started."""
        self._study = study
        self._job = job
        self._objective: Objective = study.objectives[0]
        self._left = max_trials
        self._keep_going = keep_going
        self._listener = listener
        self._failures_in_a_row = 0
        self._runs: set[TrialRun] = set()
        self._warned: set[str] = set()
        self._is_waiting = False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{n + 1}", daemon=True) for n in range(workers)
        ]
        self.tally = Tally()
        self.begun = 0
        self.ending: Ending | None = None
        self.complete: StudyComplete | None = None
        self.error: Exception | None = None
        for best in study.best_trials(1):
            self.tally.best_number, self.tally.best_value = best.number, best.metrics.get(self._objective.metric)

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
                self.error = self.error or error
            self._end(Ending.ERROR)
        finally:
            with self._changed:
                self._changed.notify_all()

    def _claim(self) -> bool:
        """Takes one trial of the budget; False when the run is over."""
        with self._changed:
            if self.ending is not None:
                return False
            if self._left == 0:
                return False
            if self._left is not None:
                self._left -= 1
            return True

    def _ask(self) -> Trial | None:
        """A trial; None when there is none now (after a wait) or never."""
        try:
            return self._study.ask(wait=False)
        except StudyComplete as error:
            self.complete = error
            self._end(Ending.COMPLETE)
        except QueueEmpty:
            self._end(Ending.QUEUE_EMPTY)
        except (NoTrialAvailable, Overloaded) as error:
            with self._changed:
                if not self._runs and not self._is_waiting:
                    self._is_waiting = True  # told once, until there is a trial again
                    self._listener.waiting(error.message)
                self._changed.wait(error.retry_after_s or _ASK_AGAIN_S)
        except (Unavailable, DeadlineExceeded) as error:  # it was there when the run began: it will come back
            logger.warning("waiting for the server: %s", error)
            with self._changed:
                self._changed.wait(_ASK_AGAIN_S)
        with self._changed:
            if self._left is not None:
                self._left += 1
        return None

    def _run(self, trial: Trial) -> None:
        run = self._begin(trial)
        if run is None:
            trial.release()
            return
        try:
            run.finish()
        finally:
            with self._changed:
                self._runs.discard(run)
        self._settle(run)

    def _begin(self, trial: Trial) -> TrialRun | None:
        """Starts the command; None when the run was interrupted since the trial was asked for."""
        with self._changed:  # held while the command starts, so that `interrupt` sees either none or all of it
            if self.ending is Ending.INTERRUPTED:
                return None
            self._is_waiting = False
            self._listener.started(trial)
            try:
                run = TrialRun(
                    self._job,
                    trial,
                    on_step=lambda step: self._notify(self._listener.stepped, trial, step),
                    on_text=lambda text: self._notify(self._listener.printed, trial, text),
                )
            except OSError:
                trial.release()  # the command cannot be started: not the configuration's fault
                raise
            self._runs.add(run)
            self.begun += 1
            return run

    def _settle(self, run: TrialRun) -> None:
        trial = run.trial
        with self._changed:
            for name in sorted(run.dropped - self._warned):
                logger.warning("the study does not declare the metric %s: it is dropped", name)
            self._warned |= run.dropped
            is_best = self._count(trial)
            self._listener.ended(trial, is_best=is_best)
            self._changed.notify_all()
        if not self._keep_going and self._failures_in_a_row >= FAILURES_IN_A_ROW:
            self._end(Ending.FAILURES)

    def _count(self, trial: Trial) -> bool:
        """Counts an ended trial; returns whether it is the best so far."""
        tally = self.tally
        if trial.state is TrialState.FAILED:
            tally.failed += 1
            self._failures_in_a_row += 1
            return False
        if trial.state not in {TrialState.SUCCEEDED, TrialState.STOPPED}:
            tally.other += trial.state.has_ended
            return False
        if trial.state is TrialState.SUCCEEDED:
            tally.succeeded += 1
            self._failures_in_a_row = 0
        else:
            tally.other += 1
        value = trial.metrics.get(self._objective.metric)
        if trial.superseded or value is None or not self._is_better(value):
            return False
        tally.best_number, tally.best_value = trial.number, value
        return True

    def _is_better(self, value: float) -> bool:
        best = self.tally.best_value
        return best is None or (value < best if self._objective.goal is Goal.MINIMIZE else value > best)

    def _end(self, ending: Ending) -> None:
        with self._changed:
            if self.ending is None or ending is Ending.INTERRUPTED:
                self.ending = ending
            self._changed.notify_all()

    def _notify(self, tell: Callable[..., None], *details: object) -> None:
        with self._changed:
            tell(*details)
