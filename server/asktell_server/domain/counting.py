"""Which combinations of finitely many values keep linear constraints: found one parameter at a time, without those that cannot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from asktell_server.domain.conditions import Forest
from asktell_server.domain.linear import TOLERANCE, LinearConstraint
from asktell_server.domain.values import ParameterValue

Codes = npt.NDArray[np.int64]

_MOST_CODES = 2**62
MOST_VALUES = 100_000
"""Of one parameter that are listed."""
_GROWTH = 4
"""Times the limit that partial combinations may reach before those that cannot keep the constraints are dropped."""


class Axis(Protocol):
    """The values along one parameter."""

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def value(self, index: int) -> ParameterValue:
        """The value with the index, 0 to count-1."""
        ...


class Digits:
    """Combinations as whole numbers, the last parameter running fastest; a parameter that may be absent has a digit for that."""

    def __init__(self, counts: Sequence[int], optional: Sequence[bool]) -> None:
        self._shifts = np.array(optional, dtype=np.int64)
        radices = [count + int(may) for count, may in zip(counts, optional, strict=True)]
        self._radices = radices
        self._strides = [math.prod(radices[place + 1 :]) for place in range(len(radices))]
        self.fits = math.prod(radices) <= _MOST_CODES

    def at(self, codes: Codes, place: int) -> Codes:
        """The indices of the values of one parameter; -1 = absent."""
        digits: Codes = codes // self._strides[place] % self._radices[place] - self._shifts[place]
        return digits

    def code(self, place: int, indices: Codes) -> Codes:
        """What the values with these indices of one parameter add to a code."""
        codes: Codes = (indices + self._shifts[place]) * self._strides[place]
        return codes


def keeping(
    names: Sequence[str],
    axes: Sequence[Axis],
    constraints: Sequence[LinearConstraint],
    forest: Forest | None,
    *,
    limit: int,
) -> Codes | None:
    """The codes (`Digits`) of all combinations that keep the constraints, rising; None where there are too many to look at.

    More than `limit` combinations, whole ones or partial ones, are too many. An axis of a parameter on which others depend has all
    of its values.
    """
    if any(axis.count > MOST_VALUES for axis in axes):
        return None
    digits = digits_of(axes, forest)
    if not digits.fits:
        return None
    places = {name: place for place, name in enumerate(names)}
    rows = []
    for constraint in constraints:
        coefficients, bound = constraint.at_most
        rows.append(
            _Row({places[name]: each for name, each in zip(constraint.names, coefficients, strict=True)}, bound)
        )
    order = range(len(axes)) if forest is None else forest.order
    return _Expansion(axes, digits, rows, _beside(axes, forest)).run(order, limit)


def digits_of(axes: Sequence[Axis], forest: Forest | None) -> Digits:
    """How combinations of the values of axes are written as numbers."""
    links = [None] * len(axes) if forest is None else forest.links
    return Digits([axis.count for axis in axes], [link is not None for link in links])


def _beside(axes: Sequence[Axis], forest: Forest | None) -> Mapping[int, tuple[int, Codes]]:
    """For each parameter that may be absent, its parent and the indices of the parent's values beside which it is there."""
    beside = {}
    for link in () if forest is None else forest.links:
        if link is not None:
            axis = axes[link.parent]
            indices = [index for index in range(axis.count) if axis.value(index) in link.values]
            beside[link.child] = link.parent, np.array(indices, dtype=np.int64)
    return beside


@dataclass(frozen=True, slots=True)
class _Row:
    """A constraint by places: the coefficients of a sum that must not exceed the bound."""

    coefficients: Mapping[int, float]
    bound: float


class _Expansion:
    def __init__(
        self, axes: Sequence[Axis], digits: Digits, rows: Sequence[_Row], beside: Mapping[int, tuple[int, Codes]]
    ) -> None:
        self._digits, self._rows, self._beside = digits, rows, beside
        named = sorted({place for row in rows for place in row.coefficients})
        # The last number, at -1, stands for an absent value.
        self._numbers = {
            place: np.array([*(float(axes[place].value(index)) for index in range(axes[place].count)), 0.0])
            for place in named
        }
        self._kept = [np.arange(axis.count) for axis in axes]
        for row in rows:
            if not any(place in beside for place in row.coefficients):
                self._narrow(row)

    def run(self, order: Sequence[int], limit: int) -> Codes | None:
        codes = np.zeros(1, dtype=np.int64)
        done: set[int] = set()
        for place in order:
            done.add(place)
            indices = self._kept[place]
            there = np.ones(len(codes), dtype=bool)
            if place in self._beside:
                parent, values = self._beside[place]
                there = np.isin(self._digits.at(codes, parent), values)
            if np.count_nonzero(there) * len(indices) > _GROWTH * limit:
                return None
            more = (codes[there, None] + self._digits.code(place, indices)).ravel()
            codes = np.concatenate([codes[~there], more])
            for row in self._rows:
                if place in row.coefficients:
                    codes = codes[self._may_keep(codes, row, done)]
            if len(codes) > limit:
                return None
        return np.sort(codes)

    def _may_keep(self, codes: Codes, row: _Row, done: set[int]) -> npt.NDArray[np.bool_]:
        """Which of the combinations of the places `done` can still keep a constraint."""
        total, size = np.zeros(len(codes)), np.full(len(codes), abs(row.bound))
        there = np.ones(len(codes), dtype=bool)
        for place, coefficient in row.coefficients.items():
            if place in done:
                indices = self._digits.at(codes, place)
                there &= indices >= 0
                part = coefficient * self._numbers[place][indices]
            elif place in self._beside:
                return np.ones(len(codes), dtype=bool)  # it may turn out to be absent, and the constraint not to apply
            else:
                parts = coefficient * self._numbers[place][self._kept[place]]
                part = np.full(len(codes), parts.min(initial=np.inf))
            total += part
            size += np.abs(part)
        return ~there | (total - row.bound <= TOLERANCE * size)

    def _narrow(self, row: _Row) -> None:
        """Drops values that no values of the others make up for."""
        parts = {place: each * self._numbers[place] for place, each in row.coefficients.items()}
        least = {place: float(part[self._kept[place]].min(initial=np.inf)) for place, part in parts.items()}
        for place, part in parts.items():
            rest = math.fsum(low for other, low in least.items() if other != place)
            size = abs(row.bound) + math.fsum(abs(low) for other, low in least.items() if other != place)
            mine = part[self._kept[place]]
            self._kept[place] = self._kept[place][mine + rest - row.bound <= TOLERANCE * (np.abs(mine) + size)]
