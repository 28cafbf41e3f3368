"""What the model learns from: clipped and standardised costs, with failures as bad ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.domain.metrics import Objective
from asktell_server.engine.problem import Observation, Outcome

Values = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

BAD_TAIL = 1.5
"""Costs above q3 + 1.5 IQR count as that (Tukey's fence): measured worth 0.38 decades of regret."""
GOOD_TAIL = 100.0
"""Costs below q1 - 100 IQR count as that: keeps a rare huge gain from making all others equal."""
BEYOND_BELIEF = 1e9
"""Costs outside the middle half by so many times its width and its size count as failures: the training has diverged."""
FAILURE_NOISE = 0.3
"""Variance of the made-up cost of what failed or diverged: a crash that had nothing to do with the configuration is
outvoted by its neighbours, several side by side are believed (measured: docs/engine.md). What is infeasible always is."""
_LARGEST = 1e150  # of a cost: squares and differences stay finite


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Training outputs, lower is better, and the way back to the objective's own unit.

    Attributes:
        values: standardised costs (n), in the order of `rows`.
        noise: known variances (n) of `values`, and those of made-up ones; 0 = unknown or none.
        valued: which of them (n) were observed; the others are made up.
        rows: which observations they belong to.
        best: the lowest of `values` that was observed.
    """

    values: Values
    noise: Values
    valued: Mask
    rows: tuple[int, ...]
    best: float
    centre: float
    width: float
    objective: Objective

    def mean(self, value: float) -> float:
        """A standardised cost in the objective's unit and goal."""
        return self.objective.cost(self.centre + self.width * value)

    def standard_deviation(self, value: float) -> float:
        """A standard deviation of standardised costs in the objective's unit."""
        return self.width * value


def make_targets(observations: Sequence[Observation], objective: Objective) -> Targets:
    """Targets of the observations that say something; at least one must have a value.

    Failed, infeasible and diverged ones get the worst clipped cost, or one standard deviation above the mean where that
    is more, with noise where another try might succeed: the model learns to keep away, and no made-up number is out of
    proportion.
    """
    rows = tuple(row for row, seen in enumerate(observations) if seen.outcome is not Outcome.UNKNOWN)
    valued = np.array([observations[row].outcome is Outcome.VALUE for row in rows])
    infeasible = np.array([observations[row].outcome is Outcome.INFEASIBLE for row in rows])
    costs = np.array([objective.cost(observations[row].value or 0.0) for row in rows])
    errors = np.array([observations[row].standard_error or 0.0 for row in rows])
    costs = np.clip(costs, -_LARGEST, _LARGEST)
    valued[valued] = _credible(costs[valued])
    seen = clip(costs[valued])
    costs[valued] = seen
    costs[~valued] = max(float(seen.max()), float(seen.mean() + _spread(seen)))
    centre, width = float(costs.mean()), _spread(costs)
    # Equal costs are exactly equal: at 1e20 the rounding of their mean alone is thousands wide.
    values = np.zeros_like(costs) if _is_flat(costs) else (costs - centre) / width
    return Targets(
        values=values,
        noise=np.select(
            [valued, infeasible], [(np.minimum(errors, 1e3 * width) / width) ** 2, 0.0], default=FAILURE_NOISE
        ),
        valued=valued,
        rows=rows,
        best=float(values[valued].min()),
        centre=centre,
        width=width,
        objective=objective,
    )


def clip(costs: Values) -> Values:
    """Both tails held near the middle half of the costs."""
    q1, q3, spread = _middle(costs)
    clipped: Values = np.clip(costs, q1 - GOOD_TAIL * spread, q3 + BAD_TAIL * spread)
    return clipped


def _credible(costs: Values) -> Mask:
    """Which costs can be true. Where one in four is huge, a quartile is too, and they can."""
    q1, q3 = map(float, np.quantile(costs, [0.25, 0.75]))
    distances = np.abs(costs - q1)
    # Where most costs are equal but for rounding, their width says nothing about what is possible; their size does.
    usual = max(q3 - q1, abs(q1), abs(q3)) or float(np.median(distances[distances > 0])) if distances.any() else 1.0
    credible: Mask = (costs >= q1 - BEYOND_BELIEF * usual) & (costs <= q3 + BEYOND_BELIEF * usual)
    return credible


def _middle(costs: Values) -> tuple[float, float, float]:
    """The quartiles and what a difference is: what lies between them."""
    q1, q3 = map(float, np.quantile(costs, [0.25, 0.75]))
    spread = q3 - q1
    if spread == 0:
        # More than half are equal: the nearest other cost tells.
        others = np.abs(costs - q1)
        spread = float(others[others > 0].min(initial=np.inf))
    return q1, q3, spread


def _spread(costs: Values) -> float:
    """Their standard deviation; 1 where it says nothing."""
    return 1.0 if _is_flat(costs) else float(costs.std())


def _is_flat(costs: Values) -> bool:
    """All costs are equal: rounding alone gives them a deviation of some 1e-16 of their size."""
    return float(costs.std()) <= 1e-14 * float(np.abs(costs).max())
