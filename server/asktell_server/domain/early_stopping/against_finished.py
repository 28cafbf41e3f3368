"""Rules that judge a trial by the trials that succeeded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from asktell_server.domain.early_stopping.forecast import forecast
from asktell_server.domain.early_stopping.rule import Others, Reports
from asktell_server.domain.early_stopping.running import DEFAULT_MIN_TRIALS, Periodic
from asktell_server.domain.early_stopping.signed_ranks import chance_of_ranks

DEFAULT_PROBABILITY = 0.05
DEFAULT_P = 0.1
DEFAULT_MIN_FOLD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoStopping(Periodic):
    """Stops a trial that ends better than the best one with a chance below `probability`.

    Its end is forecast (`forecast`) by how far the trials that succeeded went on from this step; at least `min_trials` of them must
    have got there. At the step at which the best one ended nothing is stopped: there is nothing to be saved.
    """

    kind: ClassVar[str] = "auto"

    probability: float = DEFAULT_PROBABILITY
    min_trials: int = DEFAULT_MIN_TRIALS

    def _judge_now(self, reports: Reports, others: Others) -> str:
        best, changes = others.best_result(), others.changes_at(reports.step)
        if best is None or len(changes) < self.min_trials or reports.step >= best.last_step:
            return ""
        end = forecast(reports.steps, reports.values, changes)
        chance = end.chance_better(best.final, reports.goal)
        if not end.trials or chance >= self.probability:
            return ""
        return (
            f"with a chance of {chance:.2g} its {reports.metric} ends better than {best.final:.6g}, the best of the {len(changes)} "
            f"trials that succeeded; {end.value:.6g} ± {end.standard_deviation:.2g} is expected"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WilcoxonStopping(Periodic):
    """Stops a trial that is worse than the best one over the steps that both have reported, such as folds of a cross-validation.

    It is by Wilcoxon's signed ranks: were both equally good, differences as bad as these or worse would have a chance below `p`.
    The best trial is that with the best objective; with several objectives that with the best value of the metric. With p = 0.1 it
    takes four steps at least.
    """

    kind: ClassVar[str] = "wilcoxon"

    p: float = DEFAULT_P
    min_steps: int = DEFAULT_MIN_FOLD

    def _judge_now(self, reports: Reports, others: Others) -> str:
        best = others.best_trial()
        if best is None:
            return ""
        theirs = dict(zip(best.steps, best.values, strict=True))
        differences = [
            reports.goal.cost(value) - reports.goal.cost(theirs[step])
            for step, value in zip(reports.steps, reports.values, strict=True)
            if step in theirs
        ]
        # Ranks may say that it is worse where it is better on average, by a few large gains.
        if not sum(differences) > 0:
            return ""
        chance = chance_of_ranks(differences)
        if chance >= self.p:
            return ""
        return (
            f"its {reports.metric} is worse than that of the best trial at {sum(each > 0 for each in differences)} of "
            f"{len(differences)} steps that both have reported: p = {chance:.2g}"
        )
