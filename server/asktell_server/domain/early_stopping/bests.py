"""How good the trials of a study were at a step: what early stopping compares a trial with."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right

from asktell_server.domain.early_stopping.at_steps import MAX_KEPT_STEPS, AtSteps, Curve
from asktell_server.domain.metrics import Goal

MAX_KEPT_COSTS = 2_000_000
"""Most costs of all steps together: 16 MB."""


def best_cost(curve: Curve, step: int, goal: Goal, *, at_rung: bool) -> float | None:
    """The best value of a curve up to a step, as a cost; None where the curve does not get that far.

    With `at_rung` the first report at or beyond the step counts, too: a trial that reports every 10 steps comes to the rung of
    step 9 with what it has at step 10.
    """
    steps = curve.steps
    if not steps or steps[-1] < step:
        return None
    count = bisect_left(steps, step) + 1 if at_rung else bisect_right(steps, step)
    if not count:
        return None
    best = min if goal is Goal.MINIMIZE else max
    return goal.cost(best(curve.values[:count]))


class Bests(AtSteps[Curve, float]):
    """The best costs that trials had at a step."""

    def __init__(
        self,
        goal: Goal,
        *,
        at_rung: bool = False,
        max_steps: int = MAX_KEPT_STEPS,
        max_costs: int = MAX_KEPT_COSTS,
    ) -> None:
        def measure(curve: Curve, step: int) -> float | None:
            return best_cost(curve, step, goal, at_rung=at_rung)

        super().__init__(measure, lambda costs: array("d", costs), max_steps=max_steps, max_kept=max_costs)
