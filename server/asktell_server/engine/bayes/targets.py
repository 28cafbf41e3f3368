"""What the model learns from: clipped and standardised costs, with failures as bad ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from asktell_server.domain.metrics import Goal
from asktell_server.engine.bayes.contexts import Levels, context_groups, levels_of
from asktell_server.engine.history import History
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import StudyTask

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BAD_TAIL = 1.5
"""Costs above q3 + 1.5 IQR are clipped to that (Tukey's fence): measured worth 0.38 decades of regret."""
GOOD_TAIL = 100.0
"""Costs below q1 - 100 IQR are clipped to that, so that a rare huge gain does not make all other costs look equal."""
BEYOND_BELIEF = 1e9
"""A cost counts as a failure where its distance from the middle half of the costs is more than this many times the middle
half's width and size: the training has diverged."""
FAILURE_NOISE = 0.3
"""Variance of the made-up cost of what failed or diverged. A crash that had nothing to do with the configuration is
outvoted by its neighbours; several close to each other are believed (measured: docs/engine.md). What is infeasible has no
such noise: it is always believed."""
_LARGEST = 1e150  # of a cost: squares and differences stay finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Training outputs of one metric, lower is better, and the way back to its own unit.

    Attributes:
        values: standardised costs (n), in the order of `rows`.
        noise: known variances (n) of `values`, and those of made-up ones; 0 = unknown or none.
        valued: which of them (n) were observed; the others are made up.
        reached: which of them (n) were observed at the end of a trial, and not expected of one that was stopped before.
        rows: the places of their observations (n) in the history, rising.
        best: the lowest of `values` that was reached; while none was, that was observed.
        centre: the cost that is 0 of `values`, in the context that is asked for.
    """

    values: Values
    noise: Values
    valued: Mask
    reached: Mask
    rows: npt.NDArray[np.int64]
    best: float
    centre: float
    width: float
    goal: Goal

    def mean(self, value: float) -> float:
        """A standardised cost in the metric's unit."""
        return self.goal.cost(self.centre + self.width * value)

    def standard_deviation(self, value: float) -> float:
        """A standard deviation of standardised costs in the metric's unit."""
        return self.width * value

    def standardised(self, value: float) -> float:
        """A value in the metric's unit as a standardised cost."""
        return (self.goal.cost(value) - self.centre) / self.width


def targets_of(task: StudyTask, place: int) -> Targets:
    """Targets of the metric with this place among those of the task's problem; at least one observation must have a value."""
    goals = task.problem.goals
    name, goal = goals.metrics[place], goals.directions[place]
    limits = [each.limit for each in goals.outcome_constraints if each.metric == name and each.limit is not None]
    targets = make_targets(task.history, goal, metric=place, limits=limits, levels_of=partial(levels_of, task))
    if not task.doubts:
        return targets
    return dataclasses.replace(targets, noise=targets.noise + np.array(task.doubts)[targets.rows])


def make_targets(
    history: History,
    goal: Goal,
    *,
    metric: int = 0,
    limits: Sequence[float] = (),
    levels_of: Callable[[npt.NDArray[np.int64], Values], Levels | None] | None = None,
) -> Targets:
    """Targets of the observations that say something about a metric; at least one must have a value.

    The values are those of the history's metric with this place, and `limits` are bounds on them: what keeps a bound stays
    apart from what does not. Failed, infeasible and diverged observations
    get the worst clipped cost, or one standard deviation above the mean where that is more, with noise where another try
    might succeed: the model learns to keep away, and no made-up number is out of proportion. `levels_of` gives the levels of
    contexts from the observations at some places and their costs: these are taken off, so that what is left says the same in all.
    """
    rows = np.flatnonzero(~history.mask(Outcome.UNKNOWN))
    valued, infeasible = history.mask(Outcome.VALUE)[rows], history.mask(Outcome.INFEASIBLE)[rows]
    told, known = history.values[rows, metric], history.standard_errors[rows, metric]
    costs = np.array([goal.cost(value or 0.0) for value in np.where(valued, told, 0.0).tolist()])
    errors = np.where(np.isnan(known), 0.0, known)
    costs = np.clip(costs, -_LARGEST, _LARGEST)
    contexts = context_groups(history)[rows]
    bounds = [goal.cost(limit) for limit in limits]
    # What is usual differs from context to context: results of one are no outliers for being few.
    for context in np.unique(contexts[valued]):
        own = valued & (contexts == context)
        own[own] = credible = _credible(costs[own])
        valued[valued & (contexts == context)] = credible
        costs[own] = clip(costs[own], limits=bounds)
    costs[~valued] = _bad(costs[valued])
    for context in np.unique(contexts[valued]):
        own = contexts == context
        costs[own & ~valued] = _bad(costs[own & valued])
    level = 0.0
    if levels_of is not None and (levels := levels_of(rows[valued], costs[valued])) is not None:
        costs, level = costs - levels.of[rows], levels.here
    centre, width = float(costs.mean()), _spread(costs)
    # Equal costs are exactly equal: at 1e20 the rounding of their mean alone is thousands wide.
    values = np.zeros_like(costs) if _is_flat(costs) else (costs - centre) / width
    reached = valued & ~history.expected[rows]
    return Targets(
        values=values,
        noise=np.select(
            [valued, infeasible], [(np.minimum(errors, 1e3 * width) / width) ** 2, 0.0], default=FAILURE_NOISE
        ),
        valued=valued,
        reached=reached,
        rows=rows,
        best=float(values[reached if reached.any() else valued].min()),
        centre=centre + level,
        width=width,
        goal=goal,
    )


def clip(costs: Values, *, limits: Sequence[float] = ()) -> Values:
    """The costs, both tails of them pulled in towards the middle half, or towards limits outside of it."""
    q1, q3 = _quartiles(costs)
    difference = q3 - q1
    if difference == 0:
        # More than half of the costs are equal: the nearest other cost says what a difference is.
        distances = np.abs(costs - q1)
        difference = float(distances[distances > 0].min(initial=np.inf))
    low, high = min([q1, *limits]), max([q3, *limits])
    clipped: Values = np.clip(costs, low - GOOD_TAIL * difference, high + BAD_TAIL * difference)
    return clipped


def _bad(costs: Values) -> float:
    """What a failure counts as, beside clipped costs."""
    return max(float(costs.max()), float(costs.mean() + _spread(costs)))


def _credible(costs: Values) -> Mask:
    """Which costs can be true: those within `BEYOND_BELIEF` times the usual distance from the middle half.

    Where a quarter of the costs or more is huge, so is a quartile, and then they count as usual.
    """
    q1, q3 = _quartiles(costs)
    distances = np.abs(costs - q1)
    # The middle half may be equal but for rounding. Its width then says nothing about what is possible; its size does.
    usual = max(q3 - q1, abs(q1), abs(q3)) or float(np.median(distances[distances > 0])) if distances.any() else 1.0
    credible: Mask = (costs >= q1 - BEYOND_BELIEF * usual) & (costs <= q3 + BEYOND_BELIEF * usual)
    return credible


def _quartiles(costs: Values) -> tuple[float, float]:
    q1, q3 = map(float, np.quantile(costs, [0.25, 0.75]))
    return q1, q3


def _spread(costs: Values) -> float:
    """The standard deviation of costs; 1 where they are all equal."""
    return 1.0 if _is_flat(costs) else float(costs.std())


def _is_flat(costs: Values) -> bool:
    """All costs are equal, but for rounding: that alone gives them a deviation of some 1e-16 of their size."""
    return float(costs.std()) <= 1e-14 * float(np.abs(costs).max())
