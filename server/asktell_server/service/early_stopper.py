"""The judgement of reports by a study's early-stopping rules, from the curves that its view has in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from asktell_server.domain.early_stopping import Others, Reports, StoppingRule
from asktell_server.domain.early_stopping.bests import Bests, best_cost
from asktell_server.domain.early_stopping.checks import judged_metric
from asktell_server.domain.early_stopping.forecast import Change, FinishedCurve
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Measurement
from asktell_server.domain.study import Study
from asktell_server.service.curves import Curve, Curves
from asktell_server.service.forecasting import Forecasts


@dataclass(frozen=True, slots=True)
class _Judge:
    """One rule of the study, with what it remembers of all trials."""

    rule: StoppingRule
    metric: str
    goal: Goal
    bests: Bests


class EarlyStopper:
    """Judges the reports of one study's trials, and passes them on to the curves.

    What the rules remember is made of the curves: it is never more than a cache.
    """

    def __init__(self, curves: Curves, forecasts: Forecasts) -> None:
        self._curves = curves
        self._forecasts = forecasts
        self._judges: Sequence[_Judge] = ()
        self._rules: Sequence[StoppingRule] = ()

    def reason(self, study: Study, number: int, measurement: Measurement) -> str:
        """Why the trial that reports this should stop; empty = it goes on. Changes no curve.

        The first rule that has a reason gives it. A rule whose metric is not reported now has no say.
        """
        self._follow(study)
        for judge in self._judges:
            reported = measurement.metrics.get(judge.metric)
            if reported is None:
                continue
            known = self._curves.of(number).get(judge.metric)
            reports = _reports(judge, number, known, measurement.step, reported.value)
            others = _Others(judge, number, known, self._curves, self._forecasts, study.goals)
            if reason := judge.rule.judge(reports, others):
                return f"{judge.rule.kind}: {reason}"
        return ""

    def report(self, number: int, measurement: Measurement) -> None:
        """Takes a measurement into the curves, and into what the rules and forecasts remember."""
        watched = {judge.metric for judge in self._judges} | self._forecasts.metrics
        before = {
            metric: _mark(self._curves, number, metric, measurement)
            for metric in measurement.metrics
            if metric in watched
        }
        self._curves.report(number, measurement)
        for metric, mark in before.items():
            curve = self._curves.of(number).get(metric)
            if curve is None:
                continue
            if mark.reached < measurement.step:
                self._forecasts.grown(number, metric, since=mark.reached)
                for judge in self._of(metric):
                    judge.bests.grown(curve, since=mark.reached, group=judge.rule.group(number))
            elif mark != _mark(self._curves, number, metric, measurement):
                self._forecasts.changed(number)
                # This report may be the first to reach rungs that lie behind the step before it.
                place = bisect_left(curve.steps, measurement.step)
                step_before = curve.steps[place - 1] if place else -1
                for judge in self._of(metric):
                    judge.bests.forget(group=judge.rule.group(number), first=step_before + 1)

    def forget(self) -> None:
        """A trial is no more: what the rules remember is made anew."""
        for judge in self._judges:
            judge.bests.forget()

    def _of(self, metric: str) -> Iterator[_Judge]:
        return (judge for judge in self._judges if judge.metric == metric)

    def _follow(self, study: Study) -> None:
        if study.early_stopping == self._rules:
            return
        self._rules = study.early_stopping
        judges = []
        for rule in self._rules:
            metric, goal = judged_metric(rule, study.goals)
            judges.append(_Judge(rule, metric, goal, Bests(goal, at_rung=rule.at_rung)))
        self._judges = judges


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a curve was before a report: its newest step (-1 = none), how many points it had, and its value at the step."""

    reached: int = -1
    points: int = 0
    value: float | None = None


def _mark(curves: Curves, number: int, metric: str, measurement: Measurement) -> _Mark:
    curve = curves.of(number).get(metric)
    return _Mark(curve.steps[-1], len(curve), curve.at(measurement.step)) if curve else _Mark()


def _reports(judge: _Judge, number: int, known: Curve | None, step: int, value: float) -> Reports:
    steps: Sequence[int] = ()
    values: Sequence[float] = ()
    if known:
        place = bisect_left(known.steps, step)
        steps, values = known.steps[:place], known.values[:place]
    return Reports(
        number=number,
        metric=judge.metric,
        goal=judge.goal,
        steps=(*steps, step),
        values=(*values, value),
        reached=known.steps[-1] if known else -1,
    )


@dataclass(frozen=True, slots=True)
class _Others(Others):
    judge: _Judge
    number: int
    known: Curve | None
    curves: Curves
    forecasts: Forecasts
    goals: Goals

    def changes_at(self, step: int) -> Sequence[Change]:
        return self.forecasts.of(self.judge.metric).changes_at(step)

    def best_result(self) -> FinishedCurve | None:
        finished = self.forecasts.of(self.judge.metric)
        number = finished.best(self.judge.goal)
        return None if number is None else finished.result(number)

    def best_trial(self) -> FinishedCurve | None:
        if len(self.goals.objectives) > 1:
            return self.best_result()
        (objective,) = self.goals.objectives
        number = self.forecasts.of(objective.metric).best(objective.goal)
        curve = None if number is None else self.curves.of(number).get(self.judge.metric)
        return None if curve is None else FinishedCurve(curve.steps, curve.values, curve.values[-1])

    def bests_at(self, step: int) -> Sequence[float]:
        judge, group = self.judge, self.judge.rule.group(self.number)
        costs = judge.bests.at(step, group=group, curves=self._of(group))
        own = best_cost(self.known, step, judge.goal, at_rung=judge.rule.at_rung) if self.known else None
        if own is None:
            return costs
        place = bisect_left(costs, own)  # it has been there before: of the trial itself the others do not consist
        if place == len(costs) or costs[place] != own:
            return costs
        return list(chain(costs[:place], costs[place + 1 :]))

    def _of(self, group: int) -> Iterator[Curve]:
        return (
            curve
            for number, curve in self.curves.of_metric(self.judge.metric)
            if self.judge.rule.group(number) == group
        )
