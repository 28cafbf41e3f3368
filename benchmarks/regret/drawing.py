"""Random configurations of a space, every value in the share that its scale gives it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from asktell import Bool, Categorical, Discrete, Domain, Float, Int, ParameterValue


def draw(space: Mapping[str, Domain], generator: np.random.Generator) -> dict[str, ParameterValue]:
    """One configuration."""
    return {name: _value(domain, generator) for name, domain in space.items()}


def _value(domain: Domain, generator: np.random.Generator) -> ParameterValue:
    match domain:
        case Float():
            if domain.reverse_log or domain.step is not None:
                raise NotImplementedError("no case has a float with steps or a reverse-log scale")
            low, high = (math.log(domain.min), math.log(domain.max)) if domain.log else (domain.min, domain.max)
            value = generator.uniform(low, high)
            return min(max(math.exp(value), domain.min), domain.max) if domain.log else float(value)
        case Int():
            if not domain.log:
                return int(generator.integers(domain.min, domain.max, endpoint=True))
            value = math.exp(generator.uniform(math.log(domain.min - 0.5), math.log(domain.max + 0.5)))
            return min(max(round(value), domain.min), domain.max)
        case Discrete():
            return domain.values[int(generator.integers(len(domain.values)))]
        case Categorical():
            return domain.values[int(generator.integers(len(domain.values)))]
        case Bool():
            return bool(generator.integers(2))
