"""Forecasts of how trials would end, from the curves that a view has in memory: for what stopped trials teach, and for rules."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from asktell_server.domain.early_stopping.forecast import Change, Changes, FinishedCurve, forecast
from asktell_server.domain.metrics import Goal, Metric, Metrics
from asktell_server.service.curves import Curve, Curves

Finals = Mapping[int, float]
"""Results of the trials that succeeded, by number."""


class FinishedTrials:
    """The results and curves of one metric of the trials that succeeded."""

    def __init__(self, metric: str, curves: Curves, finals: Finals) -> None:
        self._metric = metric
        self._curves = curves
        self._finals = dict(finals)
        self._changes = Changes()
        self._bests: dict[Goal, int | None] = {}

    def changes_at(self, step: int) -> Sequence[Change]:
        """Their changes from the step to their end, rising by the values at the step: of those that got there."""
        return self._changes.at(step, curves=self._all())

    def best(self, goal: Goal) -> int | None:
        """The number of the one with the best result; of equal ones the first."""
        if goal not in self._bests:
            costs = ((goal.cost(final), number) for number, final in self._finals.items())
            self._bests[goal] = min(costs, default=(0.0, None))[1]
        return self._bests[goal]

    def result(self, number: int) -> FinishedCurve:
        """The result of one of them, with its curve, if it has one."""
        curve = self._curves.of(number).get(self._metric)
        return FinishedCurve(curve.steps if curve else (), curve.values if curve else (), self._finals[number])

    def put(self, number: int, final: float) -> None:
        """A trial has succeeded."""
        self._finals[number] = final
        self._bests.clear()
        self.grown(number, since=-1)

    def grown(self, number: int, *, since: int) -> None:
        """The curve of a trial that may have succeeded has got later steps than `since`."""
        if (finished := self._of(number)) is not None:
            self._changes.grown(finished, since=since)

    def changed(self, number: int) -> None:
        """Other points of a trial's curve have changed."""
        if number in self._finals:
            self._changes.forget()

    def remove(self, number: int) -> None:
        """The trial is gone, or its result does not stand any more."""
        if self._finals.pop(number, None) is not None:
            self._bests.clear()
            self._changes.forget()

    def _all(self) -> Iterator[FinishedCurve]:
        return (finished for number in self._finals if (finished := self._of(number)) is not None)

    def _of(self, number: int) -> FinishedCurve | None:
        curve = self._curves.of(number).get(self._metric)
        final = self._finals.get(number)
        return None if curve is None or final is None else FinishedCurve(curve.steps, curve.values, final)


class Forecasts:
    """The finished trials of a study, metric by metric, as they are asked for. It is never more than a cache."""

    def __init__(self, curves: Curves, finals: Callable[[str], Finals]) -> None:
        """`finals` gives the results of a metric of all trials that have succeeded."""
        self._curves = curves
        self._finals = finals
        self._of: dict[str, FinishedTrials] = {}

    @property
    def metrics(self) -> frozenset[str]:
        """Those that were asked for."""
        return frozenset(self._of)

    def of(self, metric: str) -> FinishedTrials:
        """Those of a metric."""
        known = self._of.get(metric)
        if known is None:
            known = self._of[metric] = FinishedTrials(metric, self._curves, self._finals(metric))
        return known

    def expected(self, number: int, metrics: Metrics, wanted: Sequence[str]) -> Metrics:
        """What a trial that was stopped with these metrics is expected to have come to: of the wanted ones those it has a curve of.

        The standard error is the forecast's deviation, together with the one that was told.
        """
        expected = {}
        for name in wanted:
            curve, told = self._curves.of(number).get(name), metrics.get(name)
            if curve is None or told is None:
                continue
            expected[name] = self._expected(name, curve, told)
        return expected

    def _expected(self, name: str, curve: Curve, told: Metric) -> Metric:
        steps, values = curve.steps, [*curve.values[:-1], told.value]
        end = forecast(steps, values, self.of(name).changes_at(steps[-1]))
        error = min(math.hypot(end.standard_deviation, told.standard_error or 0.0), sys.float_info.max)
        return Metric(value=end.value, standard_error=error)

    def ended(self, number: int, metrics: Metrics, goals: Sequence[str]) -> None:
        """A trial has succeeded with these metrics. Of goals what was told counts, of any other metric what was reported last."""
        for metric, finished in self._of.items():
            curve = self._curves.of(number).get(metric)
            if metric in goals:
                finished.put(number, metrics[metric].value)
            elif curve is not None:
                finished.put(number, curve.values[-1])

    def forget(self) -> None:
        """Other trials count from now on: all is made anew when it is asked for."""
        self._of.clear()

    def grown(self, number: int, metric: str, *, since: int) -> None:
        """See FinishedTrials."""
        if (finished := self._of.get(metric)) is not None:
            finished.grown(number, since=since)

    def changed(self, number: int) -> None:
        """See FinishedTrials."""
        for finished in self._of.values():
            finished.changed(number)

    def remove(self, number: int) -> None:
        """See FinishedTrials."""
        for finished in self._of.values():
            finished.remove(number)
