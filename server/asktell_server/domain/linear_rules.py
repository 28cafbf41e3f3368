"""What linear constraints on parameters have to be: about numbers, able to hold, and able to hold together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from asktell_server.domain.conditions import Forest
from asktell_server.domain.domains import BoolDomain, CategoricalDomain
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.feasible import LEAST_ROOM, Place, roomiest
from asktell_server.domain.linear import TOLERANCE, LinearConstraint
from asktell_server.domain.parameter import Parameter
from asktell_server.domain.ranges import ends
from asktell_server.domain.values import shown

MAX_CONSTRAINTS = 32


def validate_constraints(
    parameters: Sequence[Parameter], forest: Forest | None, constraints: Sequence[LinearConstraint], field: str
) -> None:
    """Checks constraints on parameters that are valid themselves.

    Raises:
        InvalidArgument: too many; an unknown parameter, or one without numbers; parameters that never exist together; a bound
            that no values keep, or that the defaults do not keep; bounds that nothing keeps together, or hardly anything, and
            parameters that could not exist then. The field is `{field}.parameter_constraints` or one of it.
    """
    if len(constraints) > MAX_CONSTRAINTS:
        raise InvalidArgument(
            f"{field}.parameter_constraints",
            f"must hold at most {MAX_CONSTRAINTS} constraints, got {len(constraints)}",
            metadata={"limit": str(MAX_CONSTRAINTS)},
        )
    known = {parameter.name: place for place, parameter in enumerate(parameters)}
    for index, constraint in enumerate(constraints):
        where = f"{field}.parameter_constraints[{index}]"
        for name in constraint.names:
            if name not in known:
                raise InvalidArgument(where, f"the space has no parameter {name[:128]!r}")
            if isinstance(domain := parameters[known[name]].domain, CategoricalDomain | BoolDomain):
                kind = "a bool" if isinstance(domain, BoolDomain) else "categorical"
                raise InvalidArgument(where, f"must name parameters that are numbers, and {name!r} is {kind}")
        mine = {name: parameters[known[name]] for name in constraint.names}
        if forest is not None and (apart := _apart([known[name] for name in constraint.names], forest)):
            one, other = (parameters[place].name for place in apart)
            raise InvalidArgument(where, f"would never apply: {one!r} and {other!r} never exist together")
        _require_able(constraint, mine, where)
        _require_defaults(constraint, mine, where)
    if constraints:
        _require_together(tuple(parameters), forest, tuple(constraints), f"{field}.parameter_constraints")


def _require_able(constraint: LinearConstraint, parameters: Mapping[str, Parameter], where: str) -> None:
    coefficients, bound = constraint.at_most
    parts = [
        min(coefficient * end for end in ends(parameters[name]))
        for name, coefficient in zip(constraint.names, coefficients, strict=True)
    ]
    if sum(parts) - bound > TOLERANCE * (sum(map(abs, parts)) + abs(bound)):
        raise InvalidArgument(where, f"no values keep {constraint}: at best it is missed by {sum(parts) - bound:g}")


def _require_defaults(constraint: LinearConstraint, parameters: Mapping[str, Parameter], where: str) -> None:
    defaults = {
        name: parameter.domain.normalize(parameter.default)
        for name, parameter in parameters.items()
        if parameter.default is not None
    }
    if len(defaults) == len(parameters) and not constraint.keeps(defaults):
        raise InvalidArgument(
            where,
            f"the defaults do not keep {constraint}: {', '.join(f'{name} = {shown(each)}' for name, each in defaults.items())}",
            reason=ErrorReason.VALUE_OUTSIDE_SPACE,
        )


def _apart(places: Sequence[int], forest: Forest) -> tuple[int, int] | None:
    """Two parameters that never exist together: an ancestor of both has other values beside each."""
    asked: dict[int, tuple[int, frozenset[object]]] = {}
    for place in places:
        at = place
        while (link := forest.links[at]) is not None:
            first, values = asked.get(link.parent, (place, frozenset(link.values)))
            if not (common := values & link.values):
                return first, place
            asked[link.parent] = (first, common)
            at = link.parent
    return None


def _require_together(
    parameters: tuple[Parameter, ...], forest: Forest | None, constraints: tuple[LinearConstraint, ...], field: str
) -> None:
    problem = _problem(parameters, forest, constraints)
    if problem:
        raise InvalidArgument(field, problem)


@lru_cache(maxsize=256)  # the stateless door brings the same space with each call
def _problem(
    parameters: tuple[Parameter, ...], forest: Forest | None, constraints: tuple[LinearConstraint, ...]
) -> str:
    """What is wrong with constraints together; empty = nothing."""
    if not _roomy(roomiest(parameters, forest, constraints)):
        return _conflict(parameters, forest, constraints)
    if forest is None:
        return ""
    named = {name for constraint in constraints for name in constraint.names}
    constrained = {place for place, parameter in enumerate(parameters) if parameter.name in named}
    deciding = constrained.union(*(forest.line(place) for place in constrained))
    for place, parameter in enumerate(parameters):
        if deciding.isdisjoint(forest.line(place)):
            continue
        if not _roomy(roomiest(parameters, forest, constraints, having=parameter.name)):
            return f"no configuration with {parameter.name!r} keeps them: that parameter could never exist"
    return ""


def _conflict(
    parameters: tuple[Parameter, ...], forest: Forest | None, constraints: tuple[LinearConstraint, ...]
) -> str:
    conflict = list(constraints)
    for constraint in constraints:
        others = [other for other in conflict if other is not constraint]
        if not _roomy(roomiest(parameters, forest, others)):
            conflict = others
    *texts, last = (f"'{constraint}'" for constraint in conflict)
    named = f"{', '.join(texts)} and {last}" if texts else last
    if roomiest(parameters, forest, conflict) is None:
        return f"no values of the parameters keep {named}{' together' if texts else ''}"
    return (
        f"{named} {'leave' if texts else 'leaves'} less than {LEAST_ROOM:g} of a parameter's range, next to nothing to search, as an "
        "equality does: leave a parameter out and work its value out from the others"
    )


def _roomy(place: Place | None) -> bool:
    return place is not None and place.room >= LEAST_ROOM
