"""A case: a search space, what comes of a configuration and what is wanted of it, moved about by the seed of a run."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from asktell import Domain, ParameterValue
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective
from benchmarks.regret.drawing import draw
from benchmarks.regret.score import Metrics, scores

Space: TypeAlias = Mapping[str, Domain]
"""Without derived parameters, which the other packages do not know."""

Configuration: TypeAlias = Mapping[str, ParameterValue]
LOSS = "loss"
ONE_LOSS = Goals(objectives=(Objective(metric=LOSS, goal=Goal.MINIMIZE),))

CONTINUOUS_FLOOR = 1e-4
"""Least normalised regret that counts: below it the methods differ in digits that nobody needs."""
DISCRETE_FLOOR = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What one run is about. `evaluate` gives the true metrics of a configuration; `noise` makes an observed loss of a true one.

    `optimum` is the least score (see `score`) and `minimisers` the configurations that reach it together: one where there
    is one objective, else points of the front. None where nobody knows. `worst` is the score of a run in which nothing is
    feasible, for goals with one objective and constraints. A configuration may lack parameters whose `when` does not hold,
    or hold any value for them.
    """

    space: Space
    evaluate: Callable[[Configuration], Metrics]
    goals: Goals = ONE_LOSS
    optimum: float | None
    minimisers: Sequence[Configuration] | None
    worst: float = math.inf
    noise: Callable[[float, np.random.Generator], float] | None = None

    def __post_init__(self) -> None:
        assert self.noise is None or self.goals == ONE_LOSS, "noise is of a loss alone"

    @classmethod
    def of_loss(
        cls,
        *,
        space: Space,
        objective: Callable[[Configuration], float],
        optimum: float | None,
        minimiser: Configuration | None,
        noise: Callable[[float, np.random.Generator], float] | None = None,
    ) -> Instance:
        """One loss to minimise, without constraints."""
        return cls(
            space=space,
            evaluate=lambda configuration: {LOSS: objective(configuration)},
            optimum=optimum,
            minimisers=None if minimiser is None else [minimiser],
            noise=noise,
        )

    def scores(self, trials: Iterable[Metrics]) -> list[float]:
        """One number for each trial, lower is better; see `score.scores`."""
        return scores(self.goals, trials, worst=self.worst)

    def observed(self, true: Metrics, generator: np.random.Generator) -> Metrics:
        """What is seen of the true metrics."""
        return true if self.noise is None else {LOSS: self.noise(true[LOSS], generator)}


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
        """The median score of single random configurations: what regret is measured against."""
        generator = self.generator("scale", seed)
        drawn = (instance.evaluate(draw(instance.space, generator)) for _ in range(self.scale_draws))
        return float(np.median([instance.scores([metrics])[0] for metrics in drawn]))
