"""The text of a linear constraint on parameters, read: arithmetic that stays linear, and one `<=` or `>=`."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.expressions import (
    Call,
    Comparison,
    Expression,
    ExpressionError,
    Name,
    Negative,
    Number,
    Operation,
    names_of,
    parse_comparison,
)
from asktell_server.domain.linear import LinearConstraint
from asktell_server.domain.values import listed

_NOT_A_BOUND = {
    "<": "must be <=: a strict bound differs from it in single points alone",
    ">": "must be >=: a strict bound differs from it in single points alone",
    "==": "must be <= or >=: an equality leaves next to nothing to search; leave one of its parameters out and work its value out "
    "from the others",
    "!=": "must be <= or >=",
}


def read_constraint(text: str, *, field: str, names: Collection[str] | None = None) -> LinearConstraint:
    """The constraint that a text says; `names` are those of the space (None = any name is a parameter).

    Raises:
        InvalidArgument: naming `field`, and in the message the place in the text: it is no comparison, it is not linear, it names
            a parameter that the space does not have, or none that counts, or a coefficient is no number that a double can hold.
    """
    try:
        comparison = parse_comparison(text)
        if names is not None:
            _require_known(comparison, names)
        return _constraint(comparison)
    except ExpressionError as error:
        raise InvalidArgument(
            field, f"{error} of {_shortened(text)}", metadata={"character": str(error.position + 1)}
        ) from None


@dataclass(frozen=True, slots=True)
class _Sum:
    """A linear expression, exactly: a coefficient for each parameter, and a number."""

    coefficients: dict[str, Fraction]
    number: Fraction

    def plus(self, other: _Sum, sign: int = 1) -> _Sum:
        coefficients = dict(self.coefficients)
        for name, coefficient in other.coefficients.items():
            coefficients[name] = coefficients.get(name, Fraction(0)) + sign * coefficient
        return _Sum(coefficients, self.number + sign * other.number)

    def times(self, factor: Fraction) -> _Sum:
        return _Sum({name: factor * each for name, each in self.coefficients.items()}, factor * self.number)


def _require_known(comparison: Comparison, names: Collection[str]) -> None:
    for name in names_of(comparison):
        if name.name not in names:
            has = listed(sorted(names))
            raise ExpressionError(f"the space has no parameter {name.name[:128]!r}; it has {has}", name.position)


def _constraint(comparison: Comparison) -> LinearConstraint:
    if (operator := comparison.operator) in _NOT_A_BOUND:
        raise ExpressionError(_NOT_A_BOUND[operator], comparison.position)
    whole = _sum(comparison.left).plus(_sum(comparison.right), -1)
    terms = [(name, _double(each, comparison)) for name, each in whole.coefficients.items() if each]
    bound, at_least = _double(-whole.number, comparison), operator == ">="
    if not terms:
        raise ExpressionError("must have a parameter that counts on one of its sides", comparison.position)
    if all(coefficient < 0 for _, coefficient in terms):
        terms, bound, at_least = [(name, -coefficient) for name, coefficient in terms], 0.0 - bound, not at_least
    return LinearConstraint(tuple(sorted(terms, key=lambda term: term[1] < 0)), bound, at_least)


def _sum(expression: Expression) -> _Sum:
    match expression:
        case Number(value):
            return _Sum({}, Fraction(Decimal(repr(value))))
        case Name(name):
            return _Sum({name: Fraction(1)}, Fraction(0))
        case Negative(operand):
            return _sum(operand).times(Fraction(-1))
        case Operation("+", left, right):
            return _sum(left).plus(_sum(right))
        case Operation("-", left, right):
            return _sum(left).plus(_sum(right), -1)
        case Operation("*", left, right, position):
            one, other = _sum(left), _sum(right)
            if one.coefficients and other.coefficients:
                raise ExpressionError("a product of parameters is not linear", position)
            return other.times(one.number) if other.coefficients else one.times(other.number)
        case Operation("/", left, right, position):
            divisor = _sum(right)
            if divisor.coefficients:
                raise ExpressionError("a division by a parameter is not linear", position)
            if not divisor.number:
                raise ExpressionError("must not divide by 0", position)
            return _sum(left).times(1 / divisor.number)
        case Operation(operator, position=position):
            raise ExpressionError(f"{operator} is not linear: only + - * / are", position)
        case Call(function, position=position):
            raise ExpressionError(f"{function}(…) is not linear: only + - * / are", position)


def _double(number: Fraction, comparison: Comparison) -> float:
    try:
        rounded = float(number)
    except OverflowError:
        rounded = math.inf
    if not math.isfinite(rounded) or (number and not rounded):
        raise ExpressionError("must have coefficients and a bound that a double can hold", comparison.position)
    return rounded


def _shortened(text: str) -> str:
    return repr(text if len(text) <= 128 else text[:125] + "...")
