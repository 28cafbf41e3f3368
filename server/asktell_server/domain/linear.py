"""Linear constraints on parameters: `width + 2*depth <= 64`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from asktell_server.domain.values import ParameterValue

TOLERANCE = 1e-9
"""A sum counts as kept where it misses its bound by no more than this share of the sizes of all its terms and the bound:
what rounding does to 0.1 + 0.2 <= 0.3."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")  # other names stand in backticks: see `expressions`
_WHOLE = 1e15  # up to here a whole coefficient is written without a point


@dataclass(frozen=True, slots=True)
class LinearConstraint:
    """A bound on a weighted sum of parameters, in their own units.

    It applies to configurations that have all of its parameters: where one of them is not active, nothing is asked.

    Attributes:
        terms: the parameters with their coefficients, each parameter once and none with 0: first those above 0, of which there
            is one at least, then those below.
        bound: what the sum is compared with.
        at_least: the sum must be at least the bound; otherwise at most.
    """

    terms: tuple[tuple[str, float], ...]
    bound: float
    at_least: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters, in the order of the terms."""
        return tuple(name for name, _ in self.terms)

    @property
    def at_most(self) -> tuple[tuple[float, ...], float]:
        """Coefficients, in the order of the terms, and a bound that their sum must not exceed."""
        sign = -1.0 if self.at_least else 1.0
        return tuple(sign * coefficient for _, coefficient in self.terms), sign * self.bound

    def applies(self, configuration: Mapping[str, ParameterValue]) -> bool:
        """Whether the configuration has all of the parameters."""
        return all(name in configuration for name, _ in self.terms)

    def keeps(self, configuration: Mapping[str, ParameterValue]) -> bool:
        """Whether a configuration that has all of the parameters keeps the constraint, up to `TOLERANCE`."""
        parts = [coefficient * float(configuration[name]) for name, coefficient in self.terms]
        excess = math.fsum(parts) - self.bound
        slack = TOLERANCE * (math.fsum(map(abs, parts)) + abs(self.bound))
        return -excess <= slack if self.at_least else excess <= slack

    def __str__(self) -> str:
        """The canonical text: what is added on the left, what is taken away on the right, then the number.

        It reads back as the same constraint.
        """
        added = [(name, coefficient) for name, coefficient in self.terms if coefficient > 0]
        taken = [(name, -coefficient) for name, coefficient in self.terms if coefficient < 0]
        bound = self.bound
        left, right = " + ".join(map(_term, added)), " + ".join(map(_term, taken))
        if not right:
            right = _number(bound)
        elif bound:
            right += f" {'+' if bound > 0 else '-'} {_number(abs(bound))}"
        return f"{left} {'>=' if self.at_least else '<='} {right}"


def _term(term: tuple[str, float]) -> str:
    name, coefficient = term
    name = name if _PLAIN.fullmatch(name) else f"`{name}`"
    return name if coefficient == 1 else f"{_number(coefficient)}*{name}"


def _number(number: float) -> str:
    return str(int(number)) if number.is_integer() and abs(number) < _WHOLE else repr(number)
