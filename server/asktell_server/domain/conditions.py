"""The forest of conditions: which parameters exist beside which values of their parents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from asktell_server.domain.domains import MAX_LEVELS, FloatDomain
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.parameter import Parameter
from asktell_server.domain.values import ParameterValue


@dataclass(frozen=True, slots=True)
class Link:
    """The places of a parameter and of its parent, and the parent's values beside which the parameter exists."""

    child: int
    parent: int
    values: frozenset[ParameterValue]


@dataclass(frozen=True, slots=True)
class Forest:
    """The conditions of a space by place.

    Attributes:
        order: all places, a parent before its children and otherwise as in the space.
        links: the condition of each place; None = the parameter always exists.
    """

    order: tuple[int, ...]
    links: tuple[Link | None, ...]

    @classmethod
    def of(cls, parameters: Sequence[Parameter]) -> Forest:
        """The forest of parameters whose conditions are valid (`validate_conditions`); of others it is of no use."""
        places = {parameter.name: place for place, parameter in enumerate(parameters)}
        links = [_link(place, parameters, places) for place in range(len(parameters))]
        return cls(order=tuple(_parents_first(links)), links=tuple(links))

    def count(self, counts: Sequence[int | None], held: Mapping[int, ParameterValue] | None = None) -> int | None:
        """How many configurations there are with so many values of each parameter (None = infinitely many).

        `held`: the places whose parameter has one value alone, and that value.
        Branches are summed, not listed: the work grows with the values that conditions name.
        """
        branches: list[list[Link]] = [[] for _ in self.links]
        for link in self.links:
            if link is not None:
                branches[link.parent].append(link)
        sizes: dict[int, int | None] = {}
        for place in reversed(self.order):
            if held is not None and place in held:
                there = [sizes[link.child] for link in branches[place] if held[place] in link.values]
                sizes[place] = None if None in there else math.prod(size or 1 for size in there)
                continue
            size, own = 0, counts[place]
            if own is None or any(sizes[link.child] is None for link in branches[place]):
                sizes[place] = None
                continue
            products: dict[ParameterValue, int] = {}
            for link in branches[place]:
                for value in link.values:
                    products[value] = products.get(value, 1) * (sizes[link.child] or 1)
            size = own - len(products) + sum(products.values())
            sizes[place] = size
        total = 1
        for place, link in enumerate(self.links):
            if link is None:
                size_of_root = sizes[place]
                if size_of_root is None:
                    return None
                total *= size_of_root
        return total

    def line(self, place: int) -> dict[int, int]:
        """The ancestors of a parameter, each with the child that leads to it."""
        line: dict[int, int] = {}
        while (link := self.links[place]) is not None:
            line[link.parent] = place
            place = link.parent
        return line

    def root(self, place: int) -> int:
        """The ancestor that always exists; the parameter itself where it does."""
        return next(reversed(self.line(place)), place)

    @property
    def parents(self) -> frozenset[int]:
        """The places of the parameters on which others depend."""
        return frozenset(link.parent for link in self.links if link is not None)


def validate_conditions(parameters: Sequence[Parameter], field: str) -> None:
    """Checks the conditions of parameters whose names and domains are valid.

    Every parameter that passes can exist: each has one parent, and no chain of parents comes back to where it began.

    Raises:
        InvalidArgument: an unknown parent, the parameter itself, a cycle; a parent that is a float without a step; no
            value, a value outside of the parent's domain, or the same one twice. The field is one of
            `{field}.parameters[i].condition`.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for index, parameter in enumerate(parameters):
        condition, where = parameter.condition, f"{field}.parameters[{index}].condition"
        if condition is None:
            continue
        parent = known.get(condition.parent)
        if condition.parent == parameter.name:
            raise InvalidArgument(f"{where}.parent", f"must be another parameter, got {parameter.name!r} itself")
        if parent is None:
            raise InvalidArgument(f"{where}.parent", f"the space has no parameter {condition.parent[:128]!r}")
        if isinstance(parent.domain, FloatDomain) and parent.domain.step is None:
            raise InvalidArgument(
                f"{where}.parent",
                f"must be a parameter of finitely many values, and {parent.name!r} is a float without a step",
            )
        if cycle := _cycle(parameter, known):
            raise InvalidArgument(f"{where}.parent", f"must not lead back to {parameter.name!r}: {' → '.join(cycle)}")
        _validate_values(condition.values, parent, f"{where}.values")


def _validate_values(values: Sequence[ParameterValue], parent: Parameter, where: str) -> None:
    if not 1 <= len(values) <= MAX_LEVELS:
        raise InvalidArgument(where, f"must hold 1 to {MAX_LEVELS} values of {parent.name!r}, got {len(values)}")
    seen: set[ParameterValue] = set()
    for place, value in enumerate(values):
        try:
            normal = parent.domain.normalize(value)
        except ValueError as error:
            raise InvalidArgument(
                f"{where}[{place}]", f"as a value of {parent.name!r} {error}", reason=ErrorReason.VALUE_OUTSIDE_SPACE
            ) from None
        if normal in seen:
            raise InvalidArgument(f"{where}[{place}]", f"must be different from the others, got {value!r} again")
        seen.add(normal)


def _cycle(parameter: Parameter, known: Mapping[str, Parameter]) -> list[str]:
    """The names from a parameter over its parents back to itself; empty where they lead elsewhere."""
    names = [parameter.name]
    while parameter.condition is not None and len(names) <= len(known):
        names.append(parameter.condition.parent)
        if names[-1] == names[0]:
            return names
        if names[-1] not in known:
            break
        parameter = known[names[-1]]
    return []


def _link(place: int, parameters: Sequence[Parameter], places: Mapping[str, int]) -> Link | None:
    condition = parameters[place].condition
    if condition is None or condition.parent not in places:
        return None
    parent = places[condition.parent]
    return Link(place, parent, frozenset(_normal(parameters[parent], value) for value in condition.values))


def _normal(parent: Parameter, value: ParameterValue) -> ParameterValue:
    try:
        return parent.domain.normalize(value)
    except (ValueError, ArithmeticError, LookupError):  # refused by `validate_conditions`, or the domain is
        return value


def _parents_first(links: Sequence[Link | None]) -> Iterator[int]:
    done: set[int] = set()
    for place in range(len(links)):
        chain: list[int] = []
        at: int | None = place
        while at is not None and at not in done and at not in chain:
            chain.append(at)
            link = links[at]
            at = None if link is None else link.parent
        done.update(chain)
        yield from reversed(chain)
