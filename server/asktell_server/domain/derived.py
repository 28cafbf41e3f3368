"""Derived parameters: values that follow from a configuration by arithmetic, and are delivered with it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from asktell_server.domain.arithmetic import Range, range_of, value_of
from asktell_server.domain.domains import BoolDomain, CategoricalDomain, DiscreteDomain, Domain, IntDomain
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.expressions import Expression, ExpressionError, Name, names_of, parse_expression
from asktell_server.domain.parameter import Parameter
from asktell_server.domain.values import MAX_EXACT_INT, Configuration, ParameterValue, listed, shown

MAX_DERIVED_PARAMETERS = 32
_TOLERANCE = 1e-9
"""By how much, relatively, a value that comes with a configuration may differ from what is computed: tables round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedParameter:
    """A name, and the expression over other parameters that gives its value."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class Step:
    """How one value is computed, from values of the configuration and of earlier steps. `whole`: it is an int."""

    name: str
    expression: Expression
    whole: bool
    needs: frozenset[str]

    def value(self, values: Mapping[str, float]) -> int | float | None:
        """The value, always of the same kind; None where one of those that it needs is missing."""
        if not self.needs <= values.keys():
            return None
        try:
            value = value_of(self.expression, values)
            return int(value) if self.whole else float(value)
        except (ArithmeticError, ValueError):  # the ranges exclude it, but for the rounding at their ends
            return None


@dataclass(frozen=True, slots=True)
class Derivation:
    """All steps, each after those that it needs, and the names in the order in which they were declared."""

    names: tuple[str, ...]
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, parameters: Sequence[Parameter], derived: Sequence[DerivedParameter], field: str) -> Derivation:
        """Reads the expressions of a space; `field` is its path.

        Raises:
            InvalidArgument: too many; an expression that cannot be read, names something unknown or without a number, needs
                itself, or has no value for some configurations. The field is one of `{field}.derived_parameters[i]`.
        """
        where = f"{field}.derived_parameters"
        if len(derived) > MAX_DERIVED_PARAMETERS:
            raise InvalidArgument(where, f"must hold at most {MAX_DERIVED_PARAMETERS}, got {len(derived)}")
        fields = {each.name: f"{where}[{index}].expression" for index, each in enumerate(derived)}
        trees = {each.name: _read(each.expression, fields[each.name]) for each in derived}
        ranges: dict[str, Range] = {}
        for parameter in parameters:
            if (values := _range_of(parameter.domain)) is not None:
                ranges[parameter.name] = values
        known = {**{parameter.name: parameter for parameter in parameters}, **dict.fromkeys(trees)}
        for name, tree in trees.items():
            for each in names_of(tree):
                if each.name not in ranges and each.name not in trees:
                    _refuse_name(each, known, fields[name])
        steps = []
        for name in _needed_first(trees, fields):
            ranges[name] = values = _checked_range(name, trees[name], ranges, fields[name])
            needs = frozenset(each.name for each in names_of(trees[name]))
            steps.append(Step(name, trees[name], values.whole, needs))
        return cls(names=tuple(trees), steps=tuple(steps))

    @classmethod
    def of_any(cls, parameters: Sequence[Parameter], derived: Sequence[DerivedParameter]) -> Derivation:
        """The same of a space that need not be valid: of one that is not, nothing is derived."""
        try:
            return cls.of(parameters, derived, "")
        except InvalidArgument:
            return cls((), ())

    def values(self, configuration: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
        """The derived values in the order of their declaration, without those that need what the configuration lacks."""
        known: dict[str, float] = {
            name: int(value) if isinstance(value, bool) else value
            for name, value in configuration.items()
            if not isinstance(value, str)
        }
        found: dict[str, ParameterValue] = {}
        for step in self.steps:
            if (value := step.value(known)) is not None:
                found[step.name] = known[step.name] = value
        return {name: found[name] for name in self.names if name in found}


def validate_derived(parameters: Sequence[Parameter], derived: Sequence[DerivedParameter], field: str) -> None:
    """Checks the derived parameters of a space whose names, other parameters and conditions are valid.

    Raises:
        InvalidArgument: as `Derivation.of`, or the parameters that an expression needs never exist together.
    """
    derivation = Derivation.of(parameters, derived, field)
    fields = {each.name: f"{field}.derived_parameters[{index}].expression" for index, each in enumerate(derived)}
    roots = {parameter.name: frozenset({parameter.name}) for parameter in parameters}
    for step in derivation.steps:
        needs: set[str] = set()
        roots[step.name] = frozenset(needs.union(*(roots[need] for need in step.needs)))
        if (parent := _contradiction(roots[step.name], parameters)) is not None:
            message = f"never has a value: what it needs exists beside different values of {parent}"
            raise InvalidArgument(fields[step.name], message)


def disagreements(
    derived: Sequence[DerivedParameter], *, given: Configuration, computed: Configuration
) -> Iterator[tuple[str, str]]:
    """The derived parameters that came with a configuration and are not what is computed, apart from rounding, and why not."""
    for each in derived:
        if each.name not in given:
            continue
        if each.name not in computed:
            yield each.name, f"has no value here: it is derived, {each.expression}"
        elif not _agrees(given[each.name], computed[each.name]):
            right, wrong = shown(computed[each.name]), shown(given[each.name])
            yield each.name, f"is derived and may be left out: {each.expression} is {right}, got {wrong}"


def _agrees(given: ParameterValue, computed: ParameterValue) -> bool:
    if isinstance(given, bool | str) or isinstance(computed, bool | str):
        return False
    return math.isclose(given, computed, rel_tol=_TOLERANCE)


def _read(text: str, field: str) -> Expression:
    try:
        return parse_expression(text)
    except ExpressionError as error:
        raise InvalidArgument(field, str(error)) from None


def _range_of(domain: Domain) -> Range | None:
    """None for names, which have no number."""
    match domain:
        case CategoricalDomain():
            return None
        case BoolDomain():
            return Range(0, 1, whole=True)
        case DiscreteDomain(values=values):
            return None if not values else Range(values[0], values[-1], isinstance(values[0], int))
        case _:
            return Range(domain.min, domain.max, isinstance(domain, IntDomain))


def _refuse_name(name: Name, known: Mapping[str, Parameter | None], field: str) -> None:
    if name.name in known:
        error = ExpressionError(f"{name.name} is categorical and has no number", name.position)
    else:
        hard = [each for each in known if ("-" in each or "/" in each) and name.name in each]
        hint = f"; the name of {hard[0]} must stand in backticks" if hard else f"; there are {listed(sorted(known))}"
        error = ExpressionError(f"no parameter {name.name[:128]!r}{hint}", name.position)
    raise InvalidArgument(field, str(error))


def _needed_first(trees: Mapping[str, Expression], fields: Mapping[str, str]) -> list[str]:
    """All names, each after those that its expression needs. Raises InvalidArgument: one needs itself."""
    done: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            circle = " → ".join((*path[path.index(name) :], name))
            raise InvalidArgument(fields[path[0]], f"must not lead back to itself: {circle}")
        if name in done or name not in trees:
            return
        for each in names_of(trees[name]):
            visit(each.name, (*path, name))
        done[name] = None

    for name in trees:
        visit(name, ())
    return list(done)


def _contradiction(names: Iterable[str], parameters: Sequence[Parameter]) -> str | None:
    """A parameter of which no value lets all the named ones exist; None = they can exist together."""
    by_name = {parameter.name: parameter for parameter in parameters}
    allowed: dict[str, set[ParameterValue]] = {}
    for name in names:
        while (condition := by_name[name].condition) is not None:
            name = condition.parent
            values = allowed.setdefault(name, set(condition.values))
            values &= set(condition.values)
            if not values:
                return name
    return None


def _checked_range(name: str, tree: Expression, ranges: Mapping[str, Range], field: str) -> Range:
    try:
        values = range_of(tree, ranges)
    except ExpressionError as error:
        raise InvalidArgument(field, str(error)) from None
    if values.whole and max(abs(values.low), abs(values.high)) > MAX_EXACT_INT:
        raise InvalidArgument(
            field, f"must be within ±2^53, and {name} may be {values}; * 1.0 makes it a float, which may be larger"
        )
    return values
