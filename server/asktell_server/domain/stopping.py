"""When a study is complete: the stopping rules, evaluated on its trials."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

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
    costs = [(trial, objective_cost(study, trial)) for trial in trials if not trial.state.is_open]
    if rules.target_value is not None:
        target = study.objective.cost(rules.target_value)
        if any(cost is not None and cost <= target for _, cost in costs):
            return FinishReason.TARGET
    if rules.patience_trials is not None and _run_without_gain(costs) >= rules.patience_trials:
        return FinishReason.PATIENCE
    return None


def objective_cost(study: Study, trial: Trial) -> float | None:
    """The trial's objective turned so that lower is better; None when it has no such result."""
    if trial.state not in (TrialState.SUCCEEDED, TrialState.STOPPED):
        return None
    metric = trial.metrics.get(study.objective.metric)
    return None if metric is None else study.objective.cost(metric.value)


def _run_without_gain(costs: Iterable[tuple[Trial, float | None]]) -> int:
    """How many trials in a row, up to the last one that ended, did not better the best one before them.

    Imported trials set the mark to beat and are not counted; cancelled ones are neither.
    """
    ended = [(trial, cost) for trial, cost in costs if trial.state is not TrialState.CANCELLED]
    ended.sort(
        key=lambda pair: (
            pair[0].origin is not Origin.IMPORT,
            pair[0].finish_time or pair[0].create_time,
            pair[0].number,
        )
    )
    best = float("inf")
    run = 0
    for trial, cost in ended:
        if cost is not None and cost < best:
            best = cost
            run = 0
        elif trial.origin is not Origin.IMPORT:
            run += 1
    return run
