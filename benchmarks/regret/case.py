"""A case: a search space and what is to be minimised on it, moved about by the seed of a run."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from asktell import Domain, ParameterValue
from benchmarks.regret.drawing import draw

Space: TypeAlias = Mapping[str, Domain]
"""Without derived parameters, which the other packages do not know."""

Configuration: TypeAlias = Mapping[str, ParameterValue]

CONTINUOUS_FLOOR = 1e-4
"""Least normalised regret that counts: below it the methods differ in digits that nobody needs."""
DISCRETE_FLOOR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What one run minimises. `objective` is the true value; `noise` makes the observed one of it.

    `optimum` is the least true value and `minimiser` a configuration that has it, None where nobody knows. A
    configuration may lack parameters whose `when` does not hold, or hold any value for them.
    """

    space: Space
    objective: Callable[[Configuration], float]
    optimum: float | None
    minimiser: Configuration | None
    noise: Callable[[float, np.random.Generator], float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A family of instances, one for each seed.

    `module` is what has to be installed for it. `revision` goes up when the instances change: results of earlier
    revisions then count no more.
    """

    name: str
    make: Callable[[int], Instance]
    floor: float = CONTINUOUS_FLOOR
    module: str = "numpy"
    revision: int = 1
    scale_draws: int = 1000

    def generator(self, purpose: str, seed: int) -> np.random.Generator:
        """Random numbers for one purpose of one run, the same for every method."""
        return np.random.default_rng([zlib.crc32(f"{self.name}/{purpose}".encode()), seed])

    def random_median(self, instance: Instance, seed: int) -> float:
        """The median true value of random configurations: what regret is measured against."""
        generator = self.generator("scale", seed)
        return float(np.median([instance.objective(draw(instance.space, generator)) for _ in range(self.scale_draws)]))
