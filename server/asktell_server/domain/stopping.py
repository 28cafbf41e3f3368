"""When a study is complete: the stopping rules, evaluated on how its results stand."""

from __future__ import annotations

from datetime import datetime

from asktell_server.domain.standings import Standings
from asktell_server.domain.study import FinishReason, Study


def finish_reason(study: Study, standings: Standings, *, ended: int, now: datetime) -> FinishReason | None:
    """The first rule of the study that holds, or None.

    `ended` is how many trials that count toward the budget have ended; `standings` are those of its trials.
    """
    rules = study.stopping
    if rules.max_trials is not None and ended >= rules.max_trials:
        return FinishReason.MAX_TRIALS
    if rules.deadline is not None and now >= rules.deadline:
        return FinishReason.DEADLINE
    if rules.target_value is not None and standings.reaches(study.goals.costs([rules.target_value])):
        return FinishReason.TARGET
    if rules.patience_trials is not None and standings.run_without_gain >= rules.patience_trials:
        return FinishReason.PATIENCE
    return None
