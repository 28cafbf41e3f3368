"""bbob-constrained (Dufossé et al. 2022) from coco-experiment; the seed is the instance.

Optima are searched for here, which is sure only where there is one valley: the sphere, functions 1 to 6.
"""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt

from benchmarks.regret.case import Case, Instance
from benchmarks.regret.cases.constrained import Problem, feasible_minimum, instance

Vector = npt.NDArray[np.float64]
_DRAWS = 1000


@lru_cache(maxsize=32)
def _solved(function: int, dimension: int, number: int) -> tuple[Problem, Vector]:
    import cocoex  # optional

    options = f"function_indices: {function} dimensions: {dimension} instance_indices: {number}"
    suite = cocoex.Suite("bbob-constrained", "", options)
    coco = suite[0]
    low, high = np.array(coco.lower_bounds), np.array(coco.upper_bounds)
    places = np.random.default_rng(0).uniform(low, high, (_DRAWS, dimension))
    problem = Problem(
        # The suite is held, for its problems do not outlive it.
        objective=lambda point, _held=suite: float(coco(point)),  # type: ignore[misc]
        excesses=lambda point: np.array(coco.constraint(point)),
        low=low,
        high=high,
        worst=max(float(coco(place)) for place in places),
    )
    return problem, feasible_minimum(problem)


def _instance(function: int, dimension: int, seed: int) -> Instance:
    problem, minimiser = _solved(function, dimension, seed + 1)
    return instance(problem, minimiser, problem.low, problem.high)


def case(function: int, dimension: int) -> Case:
    """bbob-constrained function 1 (one constraint) to 6 (31 in five dimensions, of which asktell takes 16)."""
    return Case(
        name=f"bbob-constrained-f{function}-{dimension}", make=partial(_instance, function, dimension), module="cocoex"
    )
