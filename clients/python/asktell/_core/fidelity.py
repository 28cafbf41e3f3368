"""Which trials run the whole: those with the highest value of the space's fidelity."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from asktell.spaces import Discrete, Domain, Float, Int, ParameterValue


def whole(domains: Mapping[str, Domain]) -> dict[str, ParameterValue]:
    """The fidelity and its highest value, by name; empty where the space has none."""
    return {name: _highest(domain) for name, domain in domains.items() if _is_fidelity(domain)}


def has(params: Mapping[str, Any], values: Mapping[str, ParameterValue]) -> bool:
    """Whether a configuration has these values; a float that was computed may be off by rounding."""
    return all(
        name in params and math.isclose(params[name], float(value), rel_tol=1e-9) for name, value in values.items()
    )


def _is_fidelity(domain: Domain) -> bool:
    return isinstance(domain, Float | Int | Discrete) and bool(domain.fidelity)


def _highest(domain: Domain) -> ParameterValue:
    match domain:
        case Discrete(values=values):
            return values[-1]
        case Int(min=low, max=high, step=step):
            return low + (high - low) // (step or 1) * (step or 1)
        case Float(min=low, max=high, step=step):
            return high if step is None else low + math.floor((high - low) / step + 1e-9) * step
        case _:
            raise TypeError(f"{domain!r} is no fidelity")
