"""Recorded curves, and the other trials of a rule worked out from them by definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asktell_server.domain.early_stopping import Others, Reports, StoppingRule
from asktell_server.domain.early_stopping.forecast import Change, FinishedCurve, change_after
from asktell_server.domain.metrics import Goal

Points = Mapping[int, float]
"""The values of a trial by step."""


@dataclass(frozen=True)
class RecordedOthers(Others):
    """The trials in `curves` other than `number`; `finals` are the results of those that succeeded, which is by their objective."""

    rule: StoppingRule
    goal: Goal
    number: int
    curves: Mapping[int, Points]
    finals: Mapping[int, float] = field(default_factory=dict)

    def changes_at(self, step: int) -> Sequence[Change]:
        """By a walk through all that succeeded."""
        changes = (change_after(self._finished(number), step) for number in self.finals if self.curves.get(number))
        return sorted(change for change in changes if change is not None)

    def best_result(self) -> FinishedCurve | None:
        """The first of those with the best result."""
        best = min(((self.goal.cost(final), number) for number, final in self.finals.items()), default=None)
        return None if best is None else self._finished(best[1])

    def best_trial(self) -> FinishedCurve | None:
        """The same, if it has reports."""
        best = self.best_result()
        return best if best is not None and best.steps else None

    def _finished(self, number: int) -> FinishedCurve:
        points = sorted(self.curves.get(number, {}).items())
        return FinishedCurve([step for step, _ in points], [value for _, value in points], self.finals[number])

    def bests_at(self, step: int) -> Sequence[float]:
        """By a walk through all points of all trials."""
        bests = []
        for number, points in self.curves.items():
            mine = self.rule.group(number) == self.rule.group(self.number)
            if number == self.number or not mine or not points or max(points) < step:
                continue
            last = min(at for at in points if at >= step) if self.rule.at_rung else step
            seen = [self.goal.cost(value) for at, value in points.items() if at <= last]
            if seen:
                bests.append(min(seen))
        return sorted(bests)


def decision(
    rule: StoppingRule,
    number: int,
    step: int,
    value: float,
    *,
    curves: Mapping[int, Points],
    goal: Goal = Goal.MINIMIZE,
    finals: Mapping[int, float] | None = None,
) -> str:
    """What the rule says to the trial that reports `value` at `step`, where `curves` is what was reported before, `finals` told."""
    own = dict(curves.get(number, {}))
    steps = [*sorted(at for at in own if at < step), step]
    reports = Reports(
        number=number,
        metric="loss",
        goal=goal,
        steps=steps,
        values=[{**own, step: value}[at] for at in steps],
        reached=max(own, default=-1),
    )
    return rule.judge(reports, RecordedOthers(rule, goal, number, curves, finals or {}))


def play(rule: StoppingRule, curves: Mapping[int, Points], *, goal: Goal = Goal.MINIMIZE) -> dict[int, int]:
    """Runs the trials one after another; returns the step at which each of those that were stopped was."""
    seen: dict[int, dict[int, float]] = {}
    stopped = {}
    for number, points in curves.items():
        for step, value in points.items():
            reason = decision(rule, number, step, value, curves=seen, goal=goal)
            seen.setdefault(number, {})[step] = value
            if reason:
                stopped[number] = step
                break
    return stopped
