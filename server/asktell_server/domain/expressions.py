"""Arithmetic in text, as people write it into a search space: read into a tree, and nothing else.

    expression = [sum ("<=" | ">=" | ...) sum]     with the operators, precedences and meanings of Python:
    + - * / // % **, brackets, numbers, names of parameters, and the functions in FUNCTIONS

A name is letters, digits, `_` and `.`; one with `-` or `/` in it stands in backticks: `` `batch-size` * 2 ``. There are no
keywords: a parameter may be called `lambda`. Names of functions are taken for functions only before a bracket.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from asktell_server.domain.values import MAX_EXACT_INT

MAX_CHARACTERS = 2000
MAX_NESTING = 32
MAX_NODES = 400
"""Operators, functions, names and numbers: 100 parameters, each with a factor, have 399."""

FUNCTIONS = ("abs", "ceil", "exp", "floor", "log", "log10", "log2", "max", "min", "round", "sqrt")
SEVERAL_ARGUMENTS = frozenset({"max", "min"})
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_.]*)"
    r"|`(?P<quoted>[^`]*)`"
    r"|(?P<symbol>\*\*|//|<=|>=|==|!=|[-+*/%(),<>]))"
)
_SUM = {"+": 1, "-": 1}
_PRODUCT = {"*": 2, "/": 2, "//": 2, "%": 2}
_PRECEDENCE = _SUM | _PRODUCT


class ExpressionError(ValueError):
    """A text is no expression, or one that cannot be used; `position` counts its characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1})")
        self.position = position


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written: an int without a point and exponent."""

    value: int | float
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """The value of a parameter."""

    name: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """The operand with its sign turned."""

    operand: Expression
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Operation:
    """`left operator right`, where the operator is one of + - * / // % **."""

    operator: str
    left: Expression
    right: Expression
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One of FUNCTIONS of one argument, or of several where it is min or max."""

    function: str
    arguments: tuple[Expression, ...]
    position: int = field(default=0, compare=False)


Expression = Number | Name | Negative | Operation | Call
"""Two are equal where they are written alike, wherever in a text they stand."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left operator right`, where the operator is one of COMPARISONS."""

    operator: str
    left: Expression
    right: Expression
    position: int = field(default=0, compare=False)


def parse_expression(text: str) -> Expression:
    """Reads arithmetic. Raises ExpressionError: it is none, too long, or nested too deeply."""
    reader = _Reader(text)
    expression = reader.sum()
    if reader.symbol in COMPARISONS:
        reader.refuse(f"{reader.symbol!r} compares, and only arithmetic has a value")
    reader.end()
    return expression


def parse_comparison(text: str) -> Comparison:
    """Reads a comparison of two sides. Raises ExpressionError: it is none, too long, or nested too deeply."""
    reader = _Reader(text)
    left = reader.sum()
    operator, position = reader.symbol, reader.position
    if operator not in COMPARISONS:
        reader.refuse(f"a comparison such as <= must stand here, got {reader.shown}")
    reader.next()
    right = reader.sum()
    if reader.symbol in COMPARISONS:
        reader.refuse("must compare two sides only; write two comparisons")
    reader.end()
    return Comparison(operator, left, right, position)


def names_of(expression: Expression | Comparison) -> Iterator[Name]:
    """The names in an expression from left to right, as often as they stand there."""
    match expression:
        case Name():
            yield expression
        case Negative(operand):
            yield from names_of(operand)
        case Operation(_, left, right) | Comparison(_, left, right):
            yield from names_of(left)
            yield from names_of(right)
        case Call(_, arguments):
            for argument in arguments:
                yield from names_of(argument)


class _Reader:
    """Reads by recursive descent, one token ahead: `symbol`, `number` or `name` is the next one's, at `position`."""

    def __init__(self, text: str) -> None:
        if len(text) > MAX_CHARACTERS:
            raise ExpressionError(f"must have at most {MAX_CHARACTERS} characters, got {len(text)}", MAX_CHARACTERS)
        self._text = text
        self._nodes = 0
        self._nesting = 0
        self._after = 0
        self.next()

    def next(self) -> None:
        """Goes on by one token."""
        self.symbol = self.number = self.name = ""
        match = _TOKEN.match(self._text, self._after)
        rest = self._text[self._after :]
        self.position = self._after + len(rest) - len(rest.lstrip())
        self.shown = "the end" if not rest.strip() else repr(rest.lstrip()[:1])
        if match is None:
            if rest.strip():
                self._refuse_character(rest.lstrip())
            return
        self._after = match.end()
        self.shown = repr(match[0].strip()[:128])
        self.symbol, self.number = match["symbol"] or "", match["number"] or ""
        self.name = match["name"] or match["quoted"] or ""
        if match["quoted"] == "":
            self.refuse("a name must stand between backticks")

    def refuse(self, message: str) -> NoReturn:
        """Raises ExpressionError at the token that is next."""
        raise ExpressionError(message, self.position)

    def end(self) -> None:
        """Raises ExpressionError unless everything is read."""
        if self.symbol or self.number or self.name:
            self.refuse(f"an operator such as + or * must stand here, got {self.shown}")

    def sum(self, precedence: int = 1) -> Expression:
        """A chain of operations that bind at least as strongly, from left to right."""
        left = self._signed()
        while _PRECEDENCE.get(self.symbol, 0) >= precedence:
            operator, position = self.symbol, self.position
            self.next()
            right = self.sum(_PRECEDENCE[operator] + 1)
            self._count()
            left = Operation(operator, left, right, position)
        return left

    def _signed(self) -> Expression:
        """A sign binds more weakly than the power after it, and more strongly than the one before it."""
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self.refuse(f"must not be nested more than {MAX_NESTING} deep")
        try:
            if self.symbol not in _SUM:
                return self._power()
            sign, position = self.symbol, self.position
            self.next()
            operand = self._signed()
            if sign == "+":
                return operand
            self._count()
            return Number(-operand.value, position) if isinstance(operand, Number) else Negative(operand, position)
        finally:
            self._nesting -= 1

    def _power(self) -> Expression:
        base = self._atom()
        if self.symbol != "**":
            return base
        position = self.position
        self.next()
        exponent = self._signed()
        self._count()
        return Operation("**", base, exponent, position)

    def _atom(self) -> Expression:
        self._count()
        position = self.position
        if self.number:
            return self._number(position)
        if self.name:
            name = self.name
            self.next()
            return self._call(name, position) if self.symbol == "(" else Name(name, position)
        if self.symbol != "(":
            self.refuse(f"a number, a parameter or a bracket must stand here, got {self.shown}")
        self.next()
        inner = self.sum()
        self._close()
        return inner

    def _number(self, position: int) -> Number:
        text = self.number
        value = int(text) if text.isdigit() else float(text)
        if not math.isfinite(value) or (isinstance(value, int) and value > MAX_EXACT_INT):
            self.refuse(f"must be a number that can be kept exactly, at most 2^53 or a double, got {text[:40]}")
        self.next()
        return Number(value, position)

    def _call(self, function: str, position: int) -> Call:
        if function not in FUNCTIONS:
            raise ExpressionError(f"no function {function[:128]!r}; there are {', '.join(FUNCTIONS)}", position)
        self.next()
        arguments = [self.sum()]
        while self.symbol == ",":
            self.next()
            arguments.append(self.sum())
        self._close()
        if len(arguments) > 1 and function not in SEVERAL_ARGUMENTS:
            raise ExpressionError(f"{function} takes one argument, got {len(arguments)}", position)
        return Call(function, tuple(arguments), position)

    def _close(self) -> None:
        if self.symbol != ")":
            self.refuse(f"a closing bracket or an operator must stand here, got {self.shown}")
        self.next()

    def _count(self) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            self.refuse(f"must have at most {MAX_NODES} numbers, names and operators")

    def _refuse_character(self, rest: str) -> NoReturn:
        if rest[0] == "`":
            self.refuse("a backtick is not closed")
        hint = "; a power is written **" if rest[0] == "^" else ""
        self.refuse(f"{rest[0]!r} has no meaning in an expression{hint}")
