"""The configurations of finitely many values that keep constraints, numbered."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asktell_server.domain.conditions import Forest
from asktell_server.domain.counting import Codes, digits_of
from asktell_server.domain.space import ABSENT, Key, ParameterValue
from asktell_server.engine.space.lattice import Axis, Lattice


class Kept:
    """A `Lattice` of given combinations of some parameters with all of those that others have; these run faster.

    Args:
        codes: the combinations (`counting.keeping`) of the values of `axes`, which belong to the parameters at `places`.
        rest: the combinations of all other parameters; None = there are none.
    """

    def __init__(
        self, codes: Codes, places: Sequence[int], axes: Sequence[Axis], forest: Forest | None, rest: Lattice | None
    ) -> None:
        self._codes, self._places, self._axes, self._rest = codes, places, axes, rest
        self._digits = digits_of(axes, forest)
        self._times = 1 if rest is None else rest.size
        self.size: int = len(codes) * self._times

    def key(self, number: int) -> Key:
        """See Lattice."""
        row, other = divmod(number, self._times)
        others = iter(() if self._rest is None else self._rest.key(other))
        code = self._codes[row : row + 1]
        mine: dict[int, ParameterValue | None] = {}
        for place, (at, axis) in enumerate(zip(self._places, self._axes, strict=True)):
            index = int(self._digits.at(code, place)[0])
            mine[at] = ABSENT if index < 0 else axis.value(index)
        length = len(mine) + (0 if self._rest is None else len(self._rest.key(0)))
        return tuple(mine[at] if at in mine else next(others) for at in range(length))

    def number(self, key: Key) -> int | None:
        """See Lattice."""
        code = 0
        for place, (at, axis) in enumerate(zip(self._places, self._axes, strict=True)):
            value = key[at]
            index = -1 if value is ABSENT else axis.index(value)
            if index is None:
                return None
            code += int(self._digits.code(place, np.array([index]))[0])
        row = int(np.searchsorted(self._codes, code))
        if row == len(self._codes) or self._codes[row] != code:
            return None
        if self._rest is None:
            return row
        other = self._rest.number(tuple(value for at, value in enumerate(key) if at not in set(self._places)))
        return None if other is None else row * self._times + other
