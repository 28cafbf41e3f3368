"""How a trial would end that is not trained to its end: by how far the finished trials went on from the same step."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from asktell_server.domain.early_stopping.at_steps import AtSteps
from asktell_server.domain.metrics import Goal

MIN_FINISHED = 4
"""Finished trials that a forecast by them needs: with fewer, the spread of their changes has no finite variance."""


@dataclass(frozen=True, slots=True)
class FinishedCurve:
    """The curve of a trial that succeeded, and its result of the metric. Without reports it has no steps."""

    steps: Sequence[int]
    values: Sequence[float]
    final: float

    @property
    def last_step(self) -> float:
        """The last one that was reported; infinite where none was."""
        return self.steps[-1] if self.steps else math.inf


def change_after(curve: FinishedCurve, step: int) -> float | None:
    """How far the result lies from the value at the step; None where the curve does not get that far, or begins later.

    Between two reports the value is interpolated linearly.
    """
    steps, values = curve.steps, curve.values
    place = bisect_left(steps, step)
    if place == len(steps) or (place == 0 and steps[0] != step):
        return None
    at, value = steps[place], values[place]
    if at != step:
        before, was = steps[place - 1], values[place - 1]
        share = (step - before) / (at - before)
        value = was * (1 - share) + value * share
    change = curve.final - value
    return change if math.isfinite(change) else None


class Changes(AtSteps[FinishedCurve]):
    """The changes of the finished trials from a step to their end."""

    def __init__(self) -> None:
        super().__init__(change_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a trial is expected to end with, in the metric's unit.

    Attributes:
        trials: how many finished trials say so.
    """

    value: float
    standard_deviation: float
    trials: int

    def chance_better(self, bound: float, goal: Goal) -> float:
        """How likely the end is better than the bound."""
        gain = goal.cost(bound) - goal.cost(self.value)
        if self.standard_deviation == 0:
            return float(gain > 0)
        return 0.5 * math.erfc(-gain / self.standard_deviation / math.sqrt(2))


def forecast(steps: Sequence[int], values: Sequence[float], changes: Sequence[float]) -> Forecast:
    """The end of a curve that has come to the last of `steps`, from the `changes` of finished trials after that step, rising.

    It is the last value plus the median change. Its deviation is that of a next change (Student's t), were they normal:
    √(1 + 1/n) √((n-1)/(n-3)) times their deviation from the median. With fewer than MIN_FINISHED finished trials it is the last
    value, as uncertain as what the curve has done since half of its way and what these trials did from here, or, where that
    is unknown, as the value is large.
    """
    last, count = values[-1], len(changes)
    if count < MIN_FINISHED:
        return Forecast(value=last, standard_deviation=_unforeseen(steps, values, changes), trials=0)
    middle = count // 2
    median = changes[middle] if count % 2 else changes[middle - 1] / 2 + changes[middle] / 2
    widest = max(median - changes[0], changes[-1] - median)
    if not math.isfinite(last + median) or not math.isfinite(widest):
        return Forecast(value=last, standard_deviation=abs(last), trials=0)
    # In units of the widest, so that no square overflows.
    squares = math.fsum(((change - median) / widest) ** 2 for change in changes) if widest else 0.0
    deviation = min(widest * math.sqrt(squares / (count - 3) * (1 + 1 / count)), sys.float_info.max)
    return Forecast(value=last + median, standard_deviation=deviation, trials=count)


def _unforeseen(steps: Sequence[int], values: Sequence[float], changes: Sequence[float]) -> float:
    """How uncertain the end is of which no forecast is made."""
    half = bisect_left(steps, (steps[0] + steps[-1]) / 2)
    late = values[max(0, half - 1) :]
    known = [abs(change) for change in changes]
    if len(late) > 1:
        known.append(max(late) - min(late))
    uncertain = max(known, default=abs(values[-1]))
    return uncertain if math.isfinite(uncertain) else abs(values[-1])
