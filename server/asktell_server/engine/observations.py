"""Observations: what came of a configuration that was tried, and many of them by columns."""

from __future__ import annotations

import enum
import itertools
import math
from array import array
from collections.abc import Iterable, MutableSequence, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from asktell_server.domain.metrics import Metric
from asktell_server.domain.space import Configuration, Key

_NOTHING = float("nan")
"""Stands in a column of numbers where a metric has no value, or a value no standard error."""
_LOOKUPS = 16
"""Configurations that are looked for by comparing with each before an index is made. At 4,000 keys of 6 values a lookup takes
0.1 ms and the index 1 ms; most tasks look for a single key."""


class Outcome(enum.Enum):
    """What is known about a configuration that was tried."""

    VALUE = enum.auto()
    """It was measured: every metric of the problem has a value."""
    FAILED = enum.auto()
    """It crashed or diverged: likely to again."""
    INFEASIBLE = enum.auto()
    """It cannot be run."""
    UNKNOWN = enum.auto()
    """Nothing (cancelled, abandoned): only not to be repeated."""


_OUTCOMES = {outcome.value: outcome for outcome in Outcome}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A configuration that was tried.

    `metrics` are those of the problem, in its order; one that is None, or missing at the end, was not measured. They are
    `expected` where the trial was stopped before its end: the model learns from them, and they are no result that was reached.
    """

    parameters: Configuration
    outcome: Outcome
    metrics: tuple[Metric | None, ...] = ()
    expected: bool = False


class Columns:
    """Observations by columns: keys, outcomes, whether they are expected, and for each metric values and standard errors.

    A further field of an observation (the step that it was measured at, say) is one more attribute of `Observation` and
    one more column here: in `all`, `insert` and the reading of one observation. Whatever removes, copies, compares or sends
    observations goes over all columns, whichever there are.

    Attributes:
        uses: an index, how often each key occurs; None until it is worth its while, from then on kept up to date.
    """

    def __init__(self, metrics: int) -> None:
        self.keys: list[Key] = []
        self.outcomes = bytearray()
        self.expected = bytearray()
        self.values = [array("d") for _ in range(metrics)]
        self.standard_errors = [array("d") for _ in range(metrics)]
        self.uses: dict[Key, int] | None = None
        self._lookups = 0

    def all(self) -> list[MutableSequence[Any]]:
        """Every column (n)."""
        return [self.keys, self.outcomes, self.expected, *self.values, *self.standard_errors]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Columns):
            return NotImplemented
        numbers = [*self.values, *self.standard_errors], [*other.values, *other.standard_errors]
        plain = self.keys, self.outcomes, self.expected
        return plain == (other.keys, other.outcomes, other.expected) and all(
            mine.tobytes() == others.tobytes() for mine, others in zip(*numbers, strict=True)
        )

    __hash__ = None  # type: ignore[assignment]  # they change

    def outcome_at(self, place: int) -> Outcome:
        """The outcome of one observation."""
        return _OUTCOMES[self.outcomes[place]]

    def metrics_at(self, place: int) -> tuple[Metric | None, ...]:
        """The metrics of one observation."""
        return tuple(
            _metric(values[place], errors[place])
            for values, errors in zip(self.values, self.standard_errors, strict=True)
        )

    def insert(self, place: int, key: Key, observation: Observation) -> None:
        """Adds an observation, whose configuration has the key, before the one that now stands at `place`."""
        self.keys.insert(place, key)
        self.outcomes.insert(place, observation.outcome.value)
        self.expected.insert(place, observation.expected)
        for values, errors, metric in itertools.zip_longest(self.values, self.standard_errors, observation.metrics):
            error = None if metric is None else metric.standard_error
            values.insert(place, _NOTHING if metric is None else metric.value)
            errors.insert(place, _NOTHING if error is None else error)
        if self.uses is not None:
            self.uses[key] = self.uses.get(key, 0) + 1

    def remove(self, place: int) -> None:
        """Takes one observation out."""
        key = self.keys[place]
        for column in self.all():
            del column[place]
        if self.uses is not None:
            self.uses[key] -= 1
            if not self.uses[key]:
                del self.uses[key]

    def copy(self) -> Columns:
        """The same in other memory."""
        copy = Columns(len(self.values))
        copy.fill(self.all())
        copy.uses, copy._lookups = None if self.uses is None else dict(self.uses), self._lookups
        return copy

    def fill(self, columns: Iterable[Iterable[Any]]) -> None:
        """Takes in the data of columns as `all` gives them."""
        for mine, others in zip(self.all(), columns, strict=True):
            mine.extend(others)

    def extend(self, columns: Sequence[Iterable[Any]]) -> None:
        """Adds the observations of other columns at the end."""
        self.fill(columns)
        self.uses = None

    def __contains__(self, key: Key) -> bool:
        """Whether one of the observations is of the configuration with this key."""
        self._lookups += 1
        if self.uses is None and self._lookups <= _LOOKUPS:
            return key in self.keys
        return key in self.index()

    def index(self) -> dict[Key, int]:
        """How often each key occurs."""
        if self.uses is None:
            uses: dict[Key, int] = {}
            for key in self.keys:
                uses[key] = uses.get(key, 0) + 1
            self.uses = uses
        return self.uses

    def packed(self) -> bytes:
        """Outcome (1 byte), and value and standard error (doubles) of each metric, of one observation after the other.

        Where some are expected, another byte says so of each.
        """
        parts: list[tuple[str, npt.DTypeLike, Sequence[Any]]] = [("outcome", "u1", self.outcomes)]
        if any(self.expected):
            parts.append(("expected", "u1", self.expected))
        for number, (values, errors) in enumerate(zip(self.values, self.standard_errors, strict=True)):
            parts += [(f"value {number}", "<f8", values), (f"standard error {number}", "<f8", errors)]
        table = np.empty(len(self.keys), dtype=[(name, kind) for name, kind, _ in parts])
        for name, _, column in parts:
            table[name] = np.array(column)
        return table.tobytes()


def _metric(value: float, error: float) -> Metric | None:
    return None if math.isnan(value) else Metric(value=value, standard_error=None if math.isnan(error) else error)
