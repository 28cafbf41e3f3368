"""How a trial would end that is not trained to its end: by how far finished trials that were like it went on from the same step."""

from __future__ import annotations

import math
import sys
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from asktell_server.domain.early_stopping.at_steps import MAX_KEPT_STEPS, AtSteps
from asktell_server.domain.metrics import Goal

MIN_FINISHED = 4
"""Finished trials that a forecast by them needs: with fewer, the spread of their changes has no finite variance."""
_LEAST_ALIKE, _MOST_ALIKE = 5, 30
"""A forecast goes by that half of the finished trials which was nearest at the step: by so many at least and at most."""
_MAX_KEPT = 200_000
"""Most changes of all steps together: 25 MB."""

Change = tuple[float, float]
"""A finished trial's value at a step, and how far its result lies from there."""


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


def change_after(curve: FinishedCurve, step: int) -> Change | None:
    """The change of a curve from a step to its end; None where it does not get that far, or begins later.

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
    return (value, change) if math.isfinite(change) else None


class Changes(AtSteps[FinishedCurve, Change]):
    """The changes of the finished trials from a step to their end."""

    def __init__(self) -> None:
        super().__init__(change_after, list, max_steps=MAX_KEPT_STEPS, max_kept=_MAX_KEPT)


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


def forecast(steps: Sequence[int], values: Sequence[float], changes: Sequence[Change]) -> Forecast:
    """The end of a curve that has come to the last of `steps`, from the `changes` of finished trials after that step, rising.

    It is the last value plus the median change of those finished trials whose values at the step were nearest. Its deviation is
    that of a next change (Student's t), were they normal: √(1 + 1/n) √((n-1)/(n-3)) times their deviation from the median. With
    fewer than MIN_FINISHED finished trials it is the last value, as uncertain as what the curve has done since half of its way and
    what these trials did from here, or, where that is unknown, as the value is large.
    """
    last = values[-1]
    alike = sorted(change for _, change in _nearest(last, changes))
    count = len(alike)
    if count < MIN_FINISHED:
        return Forecast(value=last, standard_deviation=_unforeseen(steps, values, alike), trials=0)
    middle = count // 2
    median = alike[middle] if count % 2 else alike[middle - 1] / 2 + alike[middle] / 2
    widest = max(median - alike[0], alike[-1] - median)
    if not math.isfinite(last + median) or not math.isfinite(widest):
        return Forecast(value=last, standard_deviation=abs(last), trials=0)
    # In units of the widest, so that no square overflows.
    squares = math.fsum(((change - median) / widest) ** 2 for change in alike) if widest else 0.0
    deviation = min(widest * math.sqrt(squares / (count - 3) * (1 + 1 / count)), sys.float_info.max)
    return Forecast(value=last + median, standard_deviation=deviation, trials=count)


def _nearest(value: float, changes: Sequence[Change]) -> Sequence[Change]:
    """The half of the changes, which rise by their values, that began nearest to a value."""
    count = min(len(changes), _MOST_ALIKE, max(_LEAST_ALIKE, (len(changes) + 1) // 2))

    def is_behind(first: int) -> bool:
        """The window from `first` on lies too low: the next one above it is nearer than its lowest."""
        return changes[first + count][0] - value < value - changes[first][0]

    first = bisect_left(range(len(changes) - count), True, key=lambda place: not is_behind(place))
    return changes[first : first + count]


def _unforeseen(steps: Sequence[int], values: Sequence[float], changes: Sequence[float]) -> float:
    """How uncertain the end is of which no forecast is made."""
    half = bisect_left(steps, (steps[0] + steps[-1]) / 2)
    late = values[max(0, half - 1) :]
    known = [abs(change) for change in changes]
    if len(late) > 1:
        known.append(max(late) - min(late))
    uncertain = max(known, default=abs(values[-1]))
    return uncertain if math.isfinite(uncertain) else abs(values[-1])
