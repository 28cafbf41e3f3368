"""How good the trials of a study were at a step: what early stopping compares a trial with."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from asktell_server.domain.metrics import Goal

MAX_KEPT_STEPS = 1000
"""Most steps for which the sorted costs are kept."""
MAX_KEPT_COSTS = 2_000_000
"""Most costs of all steps together: 16 MB."""


class Curve(Protocol):
    """The values of one metric of one trial: steps rise, and there is a value for each."""

    @property
    def steps(self) -> Sequence[int]: ...
    @property
    def values(self) -> Sequence[float]: ...


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


class Bests:
    """The best costs that trials had at a step, sorted, for every step that was asked for lately.

    A list is made from all curves when its step is first asked for, and kept up to date by `grown`. So a report of the newest
    step of a trial costs a few insertions, however many trials there are. It tells groups of trials apart, such as the
    brackets of Hyperband; a trial is in one group for good.
    """

    def __init__(
        self, goal: Goal, *, at_rung: bool = False, max_steps: int = MAX_KEPT_STEPS, max_costs: int = MAX_KEPT_COSTS
    ) -> None:
        self._goal = goal
        self._at_rung = at_rung
        self._max_steps = max_steps
        self._max_costs = max_costs
        self._kept: OrderedDict[tuple[int, int], array[float]] = OrderedDict()
        """By group and step; those asked for last stand at the end."""
        self._costs = 0

    def at(self, step: int, *, group: int, curves: Iterable[Curve]) -> Sequence[float]:
        """The costs of the trials of a group that got to the step, rising. `curves`: all of that group, if they are needed."""
        costs = self._kept.get((group, step))
        if costs is None:
            found = (best_cost(curve, step, self._goal, at_rung=self._at_rung) for curve in curves)
            costs = array("d", sorted(cost for cost in found if cost is not None))
            self._kept[group, step] = costs
            self._costs += len(costs)
            self._bound()
        else:
            self._kept.move_to_end((group, step))
        return costs

    def grown(self, curve: Curve, *, since: int, group: int) -> None:
        """A curve whose last step was `since` (-1 = it had none) has got a later one."""
        last = curve.steps[-1]
        for (of, step), costs in self._kept.items():
            if of == group and since < step <= last:
                cost = best_cost(curve, step, self._goal, at_rung=self._at_rung)
                if cost is not None:
                    insort(costs, cost)
                    self._costs += 1
        self._bound()

    def forget(self, *, group: int | None = None, first: int = 0) -> None:
        """Drops what is kept from a step on: an earlier point of a curve of the group (None = any) has changed, or a curve went."""
        for key in [key for key in self._kept if key[1] >= first and group in (None, key[0])]:
            self._costs -= len(self._kept.pop(key))

    def _bound(self) -> None:
        while len(self._kept) > 1 and (len(self._kept) > self._max_steps or self._costs > self._max_costs):
            self._costs -= len(self._kept.popitem(last=False)[1])
