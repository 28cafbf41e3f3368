"""The ranges that linear constraints leave to parameters, one at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from asktell_server.domain.domains import DiscreteDomain, FloatDomain, IntDomain, Scale
from asktell_server.domain.linear import TOLERANCE, LinearConstraint
from asktell_server.domain.parameter import Parameter

Range = tuple[float, float]
"""The least and the greatest number."""

_ROUNDS = 5


def ends(parameter: Parameter) -> Range:
    """The least and the greatest number of a numeric parameter."""
    domain = parameter.domain
    match domain:
        case DiscreteDomain(values=values):
            return float(values[0]), float(values[-1])
        case FloatDomain() | IntDomain():
            last = domain.max if domain.cardinality is None else domain.level(domain.cardinality - 1)
            return float(domain.min), float(last)
        case _:
            raise TypeError(f"{parameter.name} has no numbers")


def narrowed(ranges: Mapping[str, Range], constraints: Sequence[LinearConstraint]) -> dict[str, Range] | None:
    """The ranges without what no values of the others make up for; None where nothing is left of one."""
    left = dict(ranges)
    for _ in range(_ROUNDS):
        for constraint in constraints:
            coefficients, bound = constraint.at_most
            weights = dict(zip(constraint.names, coefficients, strict=True))
            least = {name: min(weight * end for end in left[name]) for name, weight in weights.items()}
            size = abs(bound) + math.fsum(map(abs, least.values()))
            for name, weight in weights.items():
                end = (bound - math.fsum(low for other, low in least.items() if other != name)) / weight
                slack = TOLERANCE * size / abs(weight)
                low, high = left[name]
                low, high = (low, min(high, end + slack)) if weight > 0 else (max(low, end - slack), high)
                if low > high:
                    return None
                left[name] = low, high
    return left


def share_of_scale(parameter: Parameter, within: Range) -> float:
    """How much of a continuous parameter's scale a range has; of others it does not matter."""
    domain = parameter.domain
    if not isinstance(domain, FloatDomain) or domain.step is not None:
        return 1.0
    low, high, least, most = *within, domain.min, domain.max
    if domain.scale is Scale.REVERSE_LOG:
        low, high = (domain.min + (domain.max - end) for end in (high, low))
    if domain.scale is not Scale.LINEAR:
        low, high, least, most = (math.log(end) for end in (low, high, least, most))
    return (high - low) / (most - least)
