"""What trials have reported, in memory: a curve for each metric of a trial, bounded in size.

A point takes 16 bytes: 4 kB for a full curve. Three limits bound the memory:

- A curve has at most MAX_POINTS points. A longer one is thinned (see `Curve`).
- A study has at most MAX_STUDY_POINTS points. When it has more, each of its curves is thinned to half as many points,
  again and again down to MIN_POINTS; after that the trials that reported first lose their curves.
- A server counts the points of all studies together with their trials (`Views`).

What is left out can be read from the ledger, which keeps every measurement with its standard errors and times.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping

from asktell_server.domain.metrics import Measurement
from asktell_server.store.protocol import CurvePart, Point

MAX_POINTS = 256
"""Most points of one metric of one trial."""
MIN_POINTS = 16
"""Curves are not thinned below this because a study has many of them."""
MAX_STUDY_POINTS = 2_000_000
"""Most points of all curves of a study: 32 MB."""
_MAX_READ = 4 * MAX_POINTS
"""Most measurements that a server reads of one trial when it gets to know a study: some metrics are not in each."""
_MAX_STUDY_READ = 200_000
"""About as many measurements it reads of all trials: a second or two of processor time."""


def most_to_read(trials: int) -> int:
    """How many measurements to read of each trial, for the number of trials that have reported."""
    return max(MIN_POINTS, min(_MAX_READ, _MAX_STUDY_READ // trials))


class Curve:
    """The values of one metric of one trial, by step. Values are finite.

    A step that was reported twice has the value of the later report: what a new attempt reports replaces, step by step,
    what the former one did.

    Thinning divides the steps into ranges of 2^n steps and keeps the first point of each range, and the last point of
    all; n is the smallest for which few enough points are left. So the first point, the last and an even spread of steps
    stay. Two curves that were thinned differently still share the steps of the coarser one, if both were reported at
    the same steps. Neither the order of arrival nor the moment of thinning matters.

    Attributes:
        steps: rising, signed 64-bit.
        values: as many, 64-bit.
    """

    __slots__ = ("_shift", "steps", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")
        self._shift = 0

    def __len__(self) -> int:
        return len(self.steps)

    def at(self, step: int) -> float | None:
        """The value at the step, or at the last one before it; None before the first."""
        place = bisect_right(self.steps, step)
        return self.values[place - 1] if place else None

    def put(self, step: int, value: float, *, most: int) -> None:
        """Adds a point, or replaces the one at its step; keeps at most `most` (at least 2)."""
        steps, values = self.steps, self.values
        if not steps or step > steps[-1]:
            if len(steps) > 1 and self._shares_range(steps[-2], steps[-1]):
                steps[-1], values[-1] = step, value  # the former last point was kept only because it was the last
                return
            steps.append(step)
            values.append(value)
        else:
            place = bisect_left(steps, step)
            if steps[place] == step:
                values[place] = value
                return
            if place and self._shares_range(steps[place - 1], step):
                return
            if place < len(steps) - 1 and self._shares_range(step, steps[place]):
                steps[place], values[place] = step, value
                return
            steps.insert(place, step)
            values.insert(place, value)
        self.thin(most)

    def thin(self, most: int) -> None:
        """Leaves at most `most` points (at least 2)."""
        while len(self.steps) > most:
            self._shift += 1
            last = len(self.steps) - 1
            kept = [
                place
                for place, step in enumerate(self.steps)
                if place in (0, last) or not self._shares_range(self.steps[place - 1], step)
            ]
            self.steps = array("q", (self.steps[place] for place in kept))
            self.values = array("d", (self.values[place] for place in kept))

    def packed(self) -> tuple[int, bytes, bytes]:
        """The curve as plain values, for `unpacked`."""
        return self._shift, self.steps.tobytes(), self.values.tobytes()

    @classmethod
    def unpacked(cls, packed: tuple[int, bytes, bytes]) -> Curve:
        """A curve of what `packed` gave, on a machine with the same order of bytes."""
        curve = cls()
        curve._shift, steps, values = packed
        curve.steps.frombytes(steps)
        curve.values.frombytes(values)
        return curve

    def _shares_range(self, step: int, other: int) -> bool:
        return step >> self._shift == other >> self._shift


class Curves:
    """The curves of a study's trials."""

    def __init__(self, *, max_points: int = MAX_STUDY_POINTS) -> None:
        self.points = 0
        """How many points all curves have."""
        self._max_points = max_points
        self._most = MAX_POINTS
        self._curves: dict[int, dict[str, Curve]] = {}

    def of(self, number: int) -> Mapping[str, Curve]:
        """A trial's curves by metric; empty before its first report. They go on changing."""
        return self._curves.get(number, {})

    def of_metric(self, metric: str) -> Iterator[tuple[int, Curve]]:
        """The curves of a metric, with their trials' numbers, in the order of the first reports."""
        return ((number, curves[metric]) for number, curves in self._curves.items() if metric in curves)

    def report(self, number: int, measurement: Measurement) -> None:
        """Takes in a measurement. One that is known already changes nothing."""
        for metric, reported in measurement.metrics.items():
            self._put(number, metric, ((measurement.step, reported.value),))

    def extend(self, part: CurvePart) -> None:
        """Takes in many measurements."""
        for metric, points in part.points.items():
            self._put(part.number, metric, points)

    def restore(self, number: int, metric: str, curve: Curve) -> None:
        """Takes in a whole curve of a trial that has none for the metric."""
        curve.thin(self._most)
        self._curves.setdefault(number, {})[metric] = curve
        self.points += len(curve)
        self._bound()

    def remove(self, number: int) -> None:
        """Forgets a trial."""
        self.points -= sum(map(len, self._curves.pop(number, {}).values()))

    def _put(self, number: int, metric: str, points: Iterable[Point]) -> None:
        curves = self._curves.setdefault(number, {})
        curve = curves.get(metric)
        if curve is None:
            curve = curves[metric] = Curve()
        before = len(curve)
        for step, value in points:
            curve.put(step, value, most=self._most)
        self.points += len(curve) - before
        self._bound()

    def _bound(self) -> None:
        while self.points > self._max_points:
            self._shrink()

    def _shrink(self) -> None:
        if self._most <= MIN_POINTS:
            self.remove(next(iter(self._curves)))
            return
        self._most //= 2
        for curves in self._curves.values():
            for curve in curves.values():
                curve.thin(self._most)
        self.points = sum(len(curve) for curves in self._curves.values() for curve in curves.values())
