"""Fixed parameters: values that every suggestion for an ask must have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.feasible import roomiest
from asktell_server.domain.parameter import Parameter
from asktell_server.domain.space import SearchSpace, no_such, outside
from asktell_server.domain.values import Configuration, ParameterValue, shown


def fixed_values(space: SearchSpace, given: Configuration, *, field: str) -> dict[str, ParameterValue]:
    """The values that an ask fixes, in the order and kinds of the space.

    A parameter that exists beside some values of its parent is fixed together with that parent, so all configurations that have
    the fixed values of their parents have those of the children.

    Raises:
        InvalidArgument: a parameter is unknown, its value is not in its domain, its parent is not fixed to a value beside which it
            exists; a context parameter is not given. The field is `{field}[{parameter}]`; it is `field` where nothing with the fixed
            values keeps the constraints.
    """
    for name in given:
        if name in space.derivation.names:
            raise outside(field, name, "is derived from other parameters: fix these")
        if name not in space.names:
            raise outside(field, name, no_such(space.names))
    fixed: dict[str, ParameterValue] = {}
    for place in range(len(space.parameters)) if space.forest is None else space.forest.order:
        parameter = space.parameters[place]
        value = given.get(parameter.name)
        if (why_not := _why_not(parameter, fixed)) is not None:
            if value is not None:
                raise outside(field, parameter.name, why_not)
            continue
        if value is not None:
            try:
                fixed[parameter.name] = parameter.domain.normalize(value)
            except ValueError as error:
                raise outside(field, parameter.name, str(error)) from None
        elif parameter.context:
            raise outside(
                field, parameter.name, "is missing: it is a context parameter, and every ask states its value"
            )
    _require_room(space, fixed, field)
    return {name: fixed[name] for name in space.names if name in fixed}


def has_values(configuration: Configuration, fixed: Configuration) -> bool:
    """Whether a configuration has all of the fixed values."""
    return all(configuration.get(name) == value for name, value in fixed.items())


def context_of(space: SearchSpace, fixed: Configuration) -> dict[str, ParameterValue]:
    """Those of the fixed values that belong to context parameters."""
    return {one.name: fixed[one.name] for one in space.parameters if one.context and one.name in fixed}


def listed_values(fixed: Configuration) -> str:
    """The values as a person writes them: `batch_size=8, dataset=A`."""
    return ", ".join(f"{name}={shown(value)}" for name, value in fixed.items())


def _require_room(space: SearchSpace, fixed: Configuration, field: str) -> None:
    """Raises InvalidArgument when no configuration with the fixed values keeps the constraints."""
    if not any(name in fixed for constraint in space.parameter_constraints for name in constraint.names):
        return
    if not _has_room(space, tuple(fixed.items())):
        kept = " and ".join(map(str, space.parameter_constraints))
        raise InvalidArgument(
            field,
            f"no configuration with {listed_values(fixed)} keeps {kept}",
            reason=ErrorReason.VALUE_OUTSIDE_SPACE,
        )


@lru_cache(maxsize=256)  # every ask of a worker wants to know
def _has_room(space: SearchSpace, fixed: tuple[tuple[str, ParameterValue], ...]) -> bool:
    return roomiest(space.parameters, space.forest, space.parameter_constraints, fixed=dict(fixed)) is not None


def _why_not(parameter: Parameter, fixed: Mapping[str, ParameterValue]) -> str | None:
    """Why a parameter cannot be fixed beside these values of its parents; None = it can."""
    condition = parameter.condition
    if condition is None:
        return None
    if condition.parent not in fixed:
        return f"exists only beside some values of {condition.parent}: fix {condition.parent}, too"
    if fixed[condition.parent] in condition.values:
        return None
    return f"is not active: {condition.parent} is fixed to {shown(fixed[condition.parent])}"
