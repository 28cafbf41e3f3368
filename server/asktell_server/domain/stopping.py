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
    if _reached(study, standings):
        return FinishReason.TARGET
    if rules.patience_trials is not None and standings.run_without_gain >= rules.patience_trials:
        return FinishReason.PATIENCE
    return None


def _reached(study: Study, standings: Standings) -> bool:
    rules = study.stopping
    if rules.target_value is not None and len(study.goals.objectives) > 1:
        volume = standings.hypervolume
        return volume is not None and volume >= rules.target_value
    rank = study.goals.target(rules.target_value, rules.target_values)
    return rank is not None and standings.reaches(rank)
