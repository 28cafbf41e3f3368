"""The value of an expression, and the range of its values over a whole search space.

Both follow Python: `/` gives a float and `//` of whole numbers a whole one, `%` has the sign of its right side, `round`
goes to the even neighbour. The range is found by interval arithmetic (Moore, Interval Analysis, 1966): it holds every
value, and may be wider than the values are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from asktell_server.domain.expressions import Call, Expression, ExpressionError, Name, Negative, Number, Operation

_MAX = 1e300
"""Beyond it, a value may be too large for a double."""

_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "ceil": math.ceil,
    "exp": math.exp,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": round,
    "sqrt": math.sqrt,
}
_TO_WHOLE = frozenset({"ceil", "floor", "round"})
_OPERATIONS: Mapping[str, Callable[[float, float], float]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
    "**": lambda left, right: left**right,
}


@dataclass(frozen=True, slots=True)
class Range:
    """All values lie in [low, high]; `whole` says that all are ints."""

    low: float
    high: float
    whole: bool

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


def value_of(expression: Expression, values: Mapping[str, float]) -> float:
    """The expression's value; ints stay ints as in Python.

    Raises:
        ArithmeticError, ValueError: it has none. Never where `range_of` found a range that holds the values.
    """
    match expression:
        case Number(value):
            return value
        case Name(name):
            return values[name]
        case Negative(operand):
            return -value_of(operand, values)
        case Operation(operator, left, right):
            return _OPERATIONS[operator](value_of(left, values), value_of(right, values))
        case Call(function, arguments):
            return _FUNCTIONS[function](*(value_of(argument, values) for argument in arguments))


def range_of(expression: Expression, ranges: Mapping[str, Range]) -> Range:
    """The range of the expression's values where its names have values in `ranges`.

    Raises:
        ExpressionError: some of these values may have no result: a division by zero, the logarithm or root of a number that has
            none, or a result that is too large.
    """
    match expression:
        case Number(value):
            found = Range(value, value, isinstance(value, int))
        case Name(name):
            found = ranges[name]
        case Negative(operand):
            inner = range_of(operand, ranges)
            found = Range(-inner.high, -inner.low, inner.whole)
        case Operation():
            found = _of_operation(expression, range_of(expression.left, ranges), range_of(expression.right, ranges))
        case Call(function, arguments):
            found = _of_call(function, [range_of(argument, ranges) for argument in arguments], expression.position)
        case _:
            assert_never(expression)
    if not -_MAX <= found.low <= found.high <= _MAX:
        raise ExpressionError("may become too large for a double", expression.position)
    return found


def _of_operation(operation: Operation, left: Range, right: Range) -> Range:
    whole, operator = left.whole and right.whole, operation.operator
    if operator == "**" or (operator == "*" and operation.left == operation.right):
        return _of_power(left, right if operator == "**" else Range(2, 2, whole=True), operation.position)
    match operator:
        case "+":
            return Range(left.low + right.low, left.high + right.high, whole)
        case "-":
            return Range(left.low - right.high, left.high - right.low, whole)
        case "*":
            corners = [one * other for one in (left.low, left.high) for other in (right.low, right.high)]
            return Range(min(corners), max(corners), whole)
    if right.low <= 0 <= right.high:
        raise ExpressionError(
            f"may divide by zero: what is divided by lies between {right.low:g} and {right.high:g}; "
            "max(…) or min(…) keeps it away from 0",
            operation.position,
        )
    if operator == "%":
        if right.low > 0 and left.low >= 0 and left.high < right.low:
            return Range(left.low, left.high, whole)
        return Range(min(right.low, 0), right.high if right.low > 0 else 0, whole)
    corners = [one / other for one in (left.low, left.high) for other in (right.low, right.high)]
    low, high = min(corners), max(corners)
    if operator == "/" or not -_MAX <= low <= high <= _MAX:
        return Range(low, high, whole=False)
    # A float's // is exact where the division rounds up.
    return Range(math.floor(low) - (not whole), math.floor(high), whole)


def _of_power(base: Range, exponent: Range, position: int) -> Range:
    if base.low <= 0 <= base.high and exponent.low < 0:
        raise ExpressionError(
            f"may divide by zero: 0 to a power between {exponent.low:g} and {exponent.high:g} has no value", position
        )
    if base.low < 0 and not exponent.whole:
        raise ExpressionError(
            f"may have no value: what is raised to a power lies between {base.low:g} and {base.high:g}, and the power of a number "
            "below 0 must be whole",
            position,
        )
    whole = base.whole and exponent.whole and exponent.low >= 0
    sizes = [abs(base.low), abs(base.high)] + ([0] if base.low < 0 < base.high else [])
    corners = [_power(size, power, position) for size in sizes for power in (exponent.low, exponent.high)]
    low, high = min(corners), max(corners)
    if base.low >= 0:
        return Range(low, high, whole)
    if exponent.low != exponent.high:  # even powers and odd ones
        return Range(-high, high, whole)
    if exponent.low % 2 == 0:
        return Range(low, high, whole)
    ends = [math.copysign(_power(abs(end), exponent.low, position), end) for end in (base.low, base.high)]
    return Range(min(ends), max(ends), whole)


def _power(base: float, exponent: float, position: int) -> float:
    """`base ** exponent` of a base from 0 on, in floats: whole powers of whole numbers may have thousands of digits."""
    try:
        return math.pow(base, exponent)
    except OverflowError:
        raise ExpressionError("may become too large for a double", position) from None


def _of_call(function: str, arguments: list[Range], position: int) -> Range:
    first = arguments[0]
    match function:
        case "max" | "min":
            pick = _FUNCTIONS[function]
            return Range(
                pick(argument.low for argument in arguments),
                pick(argument.high for argument in arguments),
                all(argument.whole for argument in arguments),
            )
        case "abs":
            least = 0 if first.low <= 0 <= first.high else min(abs(first.low), abs(first.high))
            return Range(least, max(abs(first.low), abs(first.high)), first.whole)
        case "log" | "log2" | "log10" if first.low <= 0:
            raise ExpressionError(f"takes the logarithm of what may be {first.low:g}, and not above 0", position)
        case "sqrt" if first.low < 0:
            raise ExpressionError(f"takes the root of what may be {first.low:g}, below 0", position)
    try:
        ends = [_FUNCTIONS[function](end) for end in (first.low, first.high)]
    except OverflowError:
        raise ExpressionError("may become too large for a double", position) from None
    return Range(ends[0], ends[1], function in _TO_WHOLE)
