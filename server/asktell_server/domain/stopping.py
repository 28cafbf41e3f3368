"""When a study is complete: the stopping rules, evaluated on its trials."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from asktell_server.domain.goals import Goals
from asktell_server.domain.study import FinishReason, Study
from asktell_server.domain.trial import Origin, Trial, TrialState


def finish_reason(study: Study, trials: Iterable[Trial], *, ended: int, now: datetime) -> FinishReason | None:
    """The first rule of the study that holds, or None.

    `ended` is how many trials that count toward the budget have ended. `trials` is read only for the rules that
    look at results (target, patience).
    """
    rules = study.stopping
    if rules.max_trials is not None and ended >= rules.max_trials:
        return FinishReason.MAX_TRIALS
    if rules.deadline is not None and now >= rules.deadline:
        return FinishReason.DEADLINE
    if rules.target_value is None and rules.patience_trials is None:
        return None
    done = [trial for trial in trials if not trial.state.is_open]
    if rules.target_value is not None and any(study.goals.reaches(trial.result, rules.target_value) for trial in done):
        return FinishReason.TARGET
    if rules.patience_trials is not None and _run_without_gain(study.goals, done) >= rules.patience_trials:
        return FinishReason.PATIENCE
    return None


def _run_without_gain(goals: Goals, trials: Iterable[Trial]) -> int:
    """How many trials in a row, up to the last one that ended, did not better the best one before them.

    Imported trials set the mark to beat and are not counted; cancelled ones are neither.
    """
    ended = [trial for trial in trials if trial.state is not TrialState.CANCELLED]
    ended.sort(
        key=lambda trial: (trial.origin is not Origin.IMPORT, trial.finish_time or trial.create_time, trial.number)
    )
    run = 0
    for trial, gain in zip(ended, goals.gains(trial.result for trial in ended), strict=True):
        if gain:
            run = 0
        elif trial.origin is not Origin.IMPORT:
            run += 1
    return run
