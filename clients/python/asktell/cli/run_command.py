"""`asktell run`."""

from __future__ import annotations

import math
import re
import shutil
import signal
import time
from pathlib import Path

import click

from asktell._core.course import FAILURES_IN_A_ROW, Course, Ending
from asktell._sync.client import Client
from asktell._sync.interrupts import collected
from asktell._sync.runner import Runner
from asktell._sync.study import Study
from asktell.cli import going_on
from asktell.cli.connect import with_client
from asktell.cli.number_types import Number, WholeNumber
from asktell.cli.output import complain, console, metrics_of
from asktell.cli.running.progress import LiveProgress, PlainProgress, summary
from asktell.cli.running.recording import Recorder
from asktell.cli.running.template import check_placeholders, check_variables
from asktell.cli.running.trial_run import Job, starter
from asktell.cli.study_commands import create_from_file, show_warnings
from asktell.cli.tables.columns import parameter_columns
from asktell.cli.trial_commands import parse_values
from asktell.errors import StudyComplete

_REFRESH_S = 0.25
_IMPATIENT_S = 5.0  # after a second Ctrl-C, even when the server does not answer

_HELP = f"""Tune any program: ask STUDY for configurations, run COMMAND for each, tell its result.

STUDY is a study's name, or a YAML file that is created first (or loaded, if it exists with the same content).

\b
Parameters go in
  as {{name}} in the words of COMMAND (which is run as it stands, without a shell; {{{{name}}}} stands for {{name}}), and in the
  environment:
  ASKTELL_PARAM_<NAME>   one for each parameter (upper case, other characters than letters and digits become _)
  ASKTELL_PARAMS_JSON    all of them;  ASKTELL_STUDY and ASKTELL_TRIAL say which trial it is
  ASKTELL_CONTINUE_FROM  the trial whose checkpoint it goes on from, and ASKTELL_CHECKPOINT where that lies, if there is one
  A parameter that a trial does not have (its `when` does not hold) has no variable; "--flag {{name}}" and "--flag={{name}}" are
  left out.

\b
Metrics come out
  as JSON lines on stdout: {{"step": 1, "val_loss": 0.4}} is a report, the last object without "step" the result;
  or by --metric-regex: the last match on stdout, its group 1 if it has one, is the objective's value.
  Other output goes to a log file for each trial. An exit status other than 0 is a failed trial.

\b
With the result go, as annotations of the trial,
  run.git_commit, run.git_dirty, run.command (what looks like a secret is left out), run.exit_code, run.duration_s, run.cpu_s,
  run.peak_memory_bytes, run.host, run.os and run.python; those of --annotation; and those that the command prints as a
  JSON line: {{"annotations": {{"run.artifact.model": "s3://…"}}}}

\b
Examples:
  asktell run lora -- python train.py --lr {{learning_rate}} --batch {{batch_size}}
  asktell run lora.yaml --workers 4 -- ./train.sh
  asktell run lora --fixed batch_size=8 -- python train.py --lr {{learning_rate}} --batch {{batch_size}}
  asktell run lora --metric-regex 'val_loss=([0-9.e-]+)' -- python train.py {{learning_rate}}

\b
Ctrl-C ends the commands, gives their trials back and exits with 130; a second one does not wait for them.
The run ends with 0 when the study is complete or --max-trials is reached, with 1 when {FAILURES_IN_A_ROW} trials in a row
failed (--keep-going goes on), with 4 when the study was complete, or nothing left with the --fixed values, before it began.
"""


@click.command(help=_HELP, context_settings={"max_content_width": 120})
@click.argument("study")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.option("--workers", type=WholeNumber(1, 1000), default=1, show_default=True, help="Trials at the same time.")
@click.option("--max-trials", type=WholeNumber(1), metavar="N", help="End after N trials of this run.")
@click.option("--timeout", type=Number(0, min_open=True), metavar="SECONDS", help="Fail longer trials.")
@click.option("--metric-regex", metavar="REGEX", help="Where the objective's value stands on stdout.")
@click.option(
    "--cost-aware", is_flag=True, help="Look for improvement per expected cost; the study's `cost` says of what."
)
@click.option(
    "--fixed", multiple=True, metavar="NAME=VALUE", help="A value that all trials of this run must have; several times."
)
@click.option(
    "--annotation",
    "annotations",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set in every trial of this run; several times.",
)
@click.option("--no-record", is_flag=True, help="Keep nothing of git, host and command with the trials.")
@click.option("--keep-going", is_flag=True, help="Go on however many trials fail.")
@click.option("--log-dir", type=click.Path(path_type=Path), help="Output of the trials.  [default: asktell-logs/STUDY]")
@click.option("--verbose", "-v", is_flag=True, help="Show reports and other output too.")
@with_client(patient=True)
def run(
    client: Client,
    study: str,
    command: tuple[str, ...],
    workers: int,
    max_trials: int | None,
    timeout: float | None,
    metric_regex: str | None,
    cost_aware: bool,
    fixed: tuple[str, ...],
    annotations: tuple[str, ...],
    no_record: bool,
    keep_going: bool,
    log_dir: Path | None,
    verbose: bool,
) -> int:
    """Returns the exit code."""
    pattern = _compiled(metric_regex)
    if "{" not in command[0] and shutil.which(command[0]) is None:
        raise click.UsageError(f"command not found: {command[0]}")
    chosen = _study(client, study)
    if cost_aware and chosen.cost is None:
        raise click.UsageError(f"--cost-aware needs a study with a cost metric, and {chosen.id} has none")
    objective = chosen.objectives[0]
    try:
        check_variables(chosen.space)
        check_placeholders(command, chosen.space)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    job = Job(
        command=command,
        study=chosen.name,
        objective=objective.metric,
        declared=frozenset(each.name for each in metrics_of(chosen)),
        metric_regex=pattern,
        timeout_s=timeout,
        log_dir=log_dir or Path("asktell-logs") / chosen.id,
        recorder=Recorder(_texts(annotations), enabled=not no_record),
    )
    terminal = console()
    progress = (
        LiveProgress(terminal, verbose=verbose, budget=max_trials, parameters=parameter_columns(chosen))
        if terminal.is_terminal
        else PlainProgress(terminal, verbose=verbose)
    )
    course = Course(
        chosen.only_goal,
        next(iter(chosen.best_trials(1)), None),
        max_trials=max_trials,
        max_failures_in_a_row=None if keep_going else FAILURES_IN_A_ROW,
        whole=chosen.whole,
    )
    runner = Runner(
        chosen,
        lambda trial: starter(job, trial),
        course,
        workers=workers,
        listener=progress,
        ask={"fixed": parse_values(fixed, chosen.domains), "cost_aware": cost_aware or None},
    )
    received = _drive(runner, progress)
    if runner.begun:
        click.echo(f"{summary(course.tally)}; logs in {job.log_dir}")
    return _exit_code(course, received)


def _drive(runner: Runner, progress: PlainProgress) -> int | None:
    """Runs to the end; returns the signal that interrupted it, if one did."""
    handled, give_up_at = 0, math.inf
    with collected(signal.SIGINT, signal.SIGTERM) as received, progress:
        runner.start()
        while not runner.wait(_REFRESH_S) and time.monotonic() < give_up_at:
            progress.update(runner.course.tally)
            if len(received) > handled:  # not in the handler, which may interrupt a thread that holds the lock
                handled = len(received)
                runner.interrupt(kill=handled > 1)
                if handled > 1:
                    give_up_at = time.monotonic() + _IMPATIENT_S
    return received[0] if received else None


def _exit_code(course: Course, received: int | None) -> int:
    match course.ending:
        case Ending.ERROR:
            assert course.error is not None
            raise course.error
        case Ending.INTERRUPTED:
            return 128 + (received or signal.SIGINT)
        case Ending.FAILURES:
            complain(f"stopped: {FAILURES_IN_A_ROW} trials failed in a row (--keep-going goes on)")
            return 1
        case Ending.QUEUE_EMPTY:
            complain("nothing is enqueued: asktell enqueue STUDY name=value …", kind="")
            return 0 if course.tally.total else 1
        case Ending.FIXED_EXHAUSTED:
            assert course.exhausted is not None
            if not course.tally.total:
                raise course.exhausted
            complain(course.exhausted.message, kind="")
            return 0
        case Ending.COMPLETE:
            assert course.complete is not None
            return _complete(course.complete, ran=course.tally.total > 0)
        case _:
            return 0


def _complete(error: StudyComplete, *, ran: bool) -> int:
    if not ran:
        raise error
    complain(going_on.sentence(error), kind="")
    return 0


def _study(client: Client, study: str) -> Study:
    if study.endswith((".yaml", ".yml")):
        return create_from_file(client, Path(study), exist_ok=True)
    chosen = client.study(study)
    show_warnings(chosen)
    return chosen


def _texts(words: tuple[str, ...]) -> dict[str, str]:
    """`KEY=VALUE` words as annotations."""
    texts = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise click.UsageError(f"--annotation {word}: is not KEY=VALUE")
        texts[key] = value
    return texts


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern)
    except re.error as error:
        raise click.UsageError(f"--metric-regex: {error}") from None
