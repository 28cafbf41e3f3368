"""Fidelity: the parameter that says how much of the whole a trial runs, and the levels at which configurations are tried."""

from __future__ import annotations

import dataclasses
import math
from functools import lru_cache
from typing import TYPE_CHECKING

from asktell_server.domain.domains import DiscreteDomain, FloatDomain, IntDomain, Scale
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.parameter import Fidelity, Parameter
from asktell_server.domain.values import Configuration, ParameterValue

if TYPE_CHECKING:
    from asktell_server.domain.space import SearchSpace

MAX_DISCRETE_LEVELS = 10
_MOST_LEVELS = 10
"""Below the tenth level a trial would cost a thousandth of one at the target, and with the usual factor a 20,000th."""


def validate_fidelity(space: SearchSpace, field: str) -> None:
    """Checks the fidelity of an otherwise valid space.

    Raises:
        InvalidArgument: there is more than one; its values are no numbers above 0, or too many; it has a condition, a default or a prior, is
            context, or is part of a constraint; its settings are out of range; or nothing else is left to choose.
    """
    found = [index for index, parameter in enumerate(space.parameters) if parameter.fidelity is not None]
    if not found:
        return
    if len(found) > 1:
        first = space.names[found[0]]
        raise InvalidArgument(
            f"{field}.parameters[{found[1]}].fidelity", f"must be unset: {first!r} is the space's fidelity already"
        )
    (index,) = found
    parameter, where = space.parameters[index], f"{field}.parameters[{index}]"
    _validate_domain(parameter, where)
    for name, given in (
        ("condition", parameter.condition is not None),
        ("default_value", parameter.default is not None),
        ("prior", parameter.prior is not None),
        ("context", parameter.context),
    ):
        if given:
            raise InvalidArgument(
                f"{where}.{name}", f"must be unset: {parameter.name!r} is the fidelity, whose values the server assigns"
            )
    for place, constraint in enumerate(space.parameter_constraints):
        if parameter.name in constraint.names:
            raise InvalidArgument(
                f"{field}.parameter_constraints[{place}]", f"must not name {parameter.name!r}, which is the fidelity"
            )
    if any(each.condition is not None and each.condition.parent == parameter.name for each in space.parameters):
        raise InvalidArgument(
            f"{where}.fidelity", f"must be unset: other parameters exist only beside some values of {parameter.name!r}"
        )
    if all(each.context or each.fidelity is not None for each in space.parameters):
        raise InvalidArgument(f"{field}.parameters", "must hold a parameter to choose beside the fidelity and contexts")
    _validate_settings(parameter.fidelity, f"{where}.fidelity")


def _validate_domain(parameter: Parameter, where: str) -> None:
    domain = parameter.domain
    match domain:
        case FloatDomain() | IntDomain():
            lowest: float = domain.min
            if domain.scale is Scale.REVERSE_LOG:
                raise InvalidArgument(f"{where}.float_domain.scale", "must be linear or log for a fidelity")
        case DiscreteDomain(values=values):
            lowest = values[0]
            if len(values) > MAX_DISCRETE_LEVELS:
                raise InvalidArgument(
                    f"{where}.discrete_domain.values",
                    f"must hold at most {MAX_DISCRETE_LEVELS} numbers for a fidelity, each of which is a level, got {len(values)}",
                )
        case _:
            raise InvalidArgument(
                f"{where}.fidelity", "must be unset: a fidelity is a number, so a float, int or discrete parameter"
            )
    if lowest <= 0:
        raise InvalidArgument(f"{where}.fidelity", f"needs values above 0, since cost goes with them, got {lowest}")


def _validate_settings(fidelity: Fidelity | None, where: str) -> None:
    assert fidelity is not None
    for name, value in (
        ("fixed_cost_share", fidelity.fixed_cost_share),
        ("reduction_factor", fidelity.reduction_factor),
    ):
        if not math.isfinite(value):
            raise InvalidArgument(f"{where}.{name}", f"must be finite, got {value}", reason=ErrorReason.NOT_FINITE)
    if not 0 <= fidelity.fixed_cost_share < 1:
        raise InvalidArgument(
            f"{where}.fixed_cost_share", f"must be at least 0 and below 1, got {fidelity.fixed_cost_share}"
        )
    if not 2 <= fidelity.reduction_factor <= 10:
        raise InvalidArgument(f"{where}.reduction_factor", f"must be 2 to 10, got {fidelity.reduction_factor}")


def target_of(parameter: Parameter) -> ParameterValue:
    """The highest value of a fidelity: the whole."""
    domain = parameter.domain
    match domain:
        case DiscreteDomain(values=values):
            return values[-1]
        case IntDomain():
            return domain.level(domain.cardinality - 1)
        case FloatDomain(step=None):
            return float(domain.max)
        case FloatDomain():
            return domain.level((domain.cardinality or 1) - 1)
    raise ValueError(f"{parameter.name} is no number")


@lru_cache(maxsize=256)  # every ask wants to know
def levels_of(parameter: Parameter) -> tuple[ParameterValue, ...]:
    """The values at which configurations are tried, rising, the last of them the target.

    They are one reduction factor apart in cost (Li et al. 2018, "Hyperband"), so that a level costs in all about as much as any other.
    Where a part of the cost is fixed, low values would save little, and there are none.
    """
    domain, fidelity = parameter.domain, parameter.fidelity
    assert fidelity is not None, "only a fidelity has levels"
    if isinstance(domain, DiscreteDomain):
        return domain.values
    assert isinstance(domain, FloatDomain | IntDomain)
    target = target_of(parameter)
    levels: list[float | int] = [float(target) if isinstance(target, float) else int(target)]
    for depth in range(1, _MOST_LEVELS):
        share = fidelity.fixed_cost_share
        wanted = float(target) * (fidelity.reduction_factor**-depth - share) / (1.0 - share)
        if wanted < float(domain.min) * (1.0 - 1e-9):
            break
        level = _nearest(domain, wanted)
        if level >= levels[-1]:
            break
        levels.append(level)
    return tuple(reversed(levels))


def _nearest(domain: FloatDomain | IntDomain, number: float) -> float | int:
    """The value of the domain next to a number of its range."""
    if isinstance(domain, FloatDomain) and domain.step is None:
        return max(float(f"{number:.12g}"), float(domain.min))
    step = domain.step or 1
    place = min(max(round((number - domain.min) / step), 0), (domain.cardinality or 1) - 1)
    return domain.level(place)


def is_at_target(space: SearchSpace, configuration: Configuration) -> bool:
    """Whether a configuration runs the whole; all do where the space has no fidelity."""
    parameter = space.fidelity
    return parameter is None or configuration.get(parameter.name) == target_of(parameter)


def search_domain(parameter: Parameter) -> FloatDomain | IntDomain | None:
    """The domain of a fidelity with the scale that fits its levels, a log one; None where the parameter's own will do."""
    domain = parameter.domain
    if parameter.fidelity is None or not isinstance(domain, FloatDomain | IntDomain):
        return None
    return dataclasses.replace(domain, scale=Scale.LOG)
