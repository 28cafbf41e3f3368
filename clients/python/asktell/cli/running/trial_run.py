"""One trial: run the command, pass reports on, tell how it ended."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asktell._core.course import Step
from asktell._sync.runner import Start, stop_or_fail, tell_patiently
from asktell._sync.trial import Trial
from asktell.cli.running.metrics import MetricsReader
from asktell.cli.running.process import Child, ending
from asktell.cli.running.recording import Recorder
from asktell.cli.running.template import environment, fill
from asktell.errors import AsktellError, InvalidArgument, MissingObjective, NotFinite

logger = logging.getLogger("asktell")

_LONGEST_REASON = 4000
INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is run for each trial, and what of it is kept. `timeout_s`: None = no limit."""

    command: Sequence[str]
    study: str
    objective: str
    declared: frozenset[str]
    metric_regex: re.Pattern[str] | None
    timeout_s: float | None
    log_dir: Path
    recorder: Recorder = field(default_factory=Recorder)

    def log_path(self, trial: Trial) -> Path:
        """Where the output of an attempt goes."""
        attempt = f"-attempt-{trial.attempt}" if trial.attempt > 1 else ""
        return self.log_dir / f"trial-{trial.number}{attempt}.log"


class TrialRun:
    """Runs a job for one trial; `interrupt` may be called from any thread."""

    error: Exception | None = None  # how a command failed is told to the server alone

    def __init__(
        self,
        job: Job,
        trial: Trial,
        *,
        checkpoint: str | None = None,
        on_step: Callable[[Step], None],
        on_text: Callable[[str], None],
    ) -> None:
        """Starts the command, and asks the server nothing. Raises OSError: it cannot be started."""
        self.trial = trial
        self._job = job
        self._on_step = on_step
        self._reader = MetricsReader(job.declared, job.objective, job.metric_regex)
        command = fill(job.command, trial.params)
        self._child = Child(
            command,
            environment(
                job.study,
                trial.number,
                trial.params,
                continue_from=trial.continue_from,
                checkpoint=checkpoint,
            ),
            log_path=job.log_path(trial),
            on_line=self._take,
            on_text=on_text,
        )
        self._recording = job.recorder.begin(command)
        self._interrupted = threading.Event()
        trial.on_stop(lambda: self._child.terminate(trial.stop_reason or "the server asked to stop"))

    @property
    def dropped(self) -> set[str]:
        """Metrics that the command printed and the study does not declare."""
        return self._reader.dropped

    def interrupt(self, *, kill: bool = False) -> None:
        """Ends the command; the trial will be given back."""
        self._interrupted.set()
        self._child.terminate(INTERRUPTED)
        if kill:
            self._child.kill()

    def finish(self) -> None:
        """Waits for the command and tells how it ended, for as long as it takes the server to answer.

        Raises:
            AsktellError: the server refused the result, or the run was interrupted before it answered.
        """
        status = self._child.wait(self._job.timeout_s)
        tell_patiently(self.trial, lambda: self._conclude(status), self._interrupted, self._reader.result)

    def _conclude(self, status: int) -> None:
        if self._child.stopped_because == INTERRUPTED:
            if not self.trial.lease_lost:
                self.trial.release()
            return
        record = self._recording.annotations(exit_code=status, usage=self._child.usage, said=self._reader.annotations)
        try:
            self._tell(status, record)
        except InvalidArgument as error:
            if error.field != "annotations":
                raise
            logger.warning("trial %d: its record is too large and was dropped: %s", self.trial.number, error)
            self._tell(status, {})

    def _tell(self, status: int, record: Mapping[str, str]) -> None:
        stopped = self._child.stopped_because
        if self.trial.should_stop:
            if not self.trial.lease_lost:  # called off trials and those of others are nothing to tell
                stop_or_fail(self.trial, self._reader.result, self._job.objective, record)
        elif stopped is not None:
            self.trial.fail(self._with_errors(stopped), annotations=record)
        elif status != 0:
            self.trial.fail(self._with_errors(ending(status)), annotations=record)
        else:
            self._tell_result(record)

    def _tell_result(self, record: Mapping[str, str]) -> None:
        result = self._reader.result
        if result is None or self._job.objective not in result:
            self.trial.fail(self._without_result(), annotations=record)
            return
        try:
            self.trial.tell(result, annotations=record)
        except (NotFinite, MissingObjective) as error:
            self.trial.fail(self._with_errors(error.message), annotations=record)

    def _without_result(self) -> str:
        objective = self._job.objective
        wanted = (
            f'stdout had no line {{"{objective}": …}}'
            if self._job.metric_regex is None
            else f"no line of stdout matched {self._job.metric_regex.pattern!r}"
        )
        seen = ", ".join(sorted(self._reader.dropped))
        hint = f" (it printed {seen})" if seen else ""
        if self._reader.last_step is not None:
            hint = ' (it reported steps only: a result is an object without "step")'
        return self._with_errors(f"no result: the command succeeded, but {wanted}{hint}")

    def _take(self, line: str) -> str | None:
        read = self._reader.read(line)
        if isinstance(read, Step):
            self._report(read)
            return None
        return read

    def _report(self, step: Step) -> None:
        try:
            self.trial.report(step.metrics, step=step.step)
        except (InvalidArgument, ValueError) as error:  # NaN: the result will show whether the trial is lost
            logger.warning("trial %d: report of step %d refused: %s", self.trial.number, step.step, error)
        except AsktellError as error:
            logger.warning("trial %d: report of step %d lost: %s", self.trial.number, step.step, error)
        self._on_step(step)

    def _with_errors(self, reason: str) -> str:
        errors = self._child.last_errors[-_LONGEST_REASON:]
        return f"{reason}\n{errors}" if errors else reason


def starter(job: Job, trial: Trial) -> Start:
    """What starts the job for a trial, once it is known where the checkpoint lies that the trial goes on from.

    Raises:
        AsktellError: the server does not say.
    """
    checkpoint = trial.start_checkpoint
    return lambda on_step, on_text: TrialRun(job, trial, checkpoint=checkpoint, on_step=on_step, on_text=on_text)
