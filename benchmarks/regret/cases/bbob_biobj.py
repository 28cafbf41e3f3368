"""Two functions of bbob at once: bbob-biobj (Brockhoff et al. 2022) from coco-experiment; the seed is the instance.

Bounds are ±5 as in bbob, between which all optima lie, not bbob-biobj's ±100. References are the nadir, as there. The fronts are
found here, by weighted sums from one function's optimum to the other's: of the functions that are used, each has one valley.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from asktell import Float
from asktell_server.domain import pareto
from benchmarks.regret.case import Case, Configuration, Instance
from benchmarks.regret.cases.multi_objective import minimising, named
from benchmarks.regret.score import Metrics

Vector = npt.NDArray[np.float64]
Function = Callable[[Vector], float]

_WEIGHTS = expit(np.linspace(-12.0, 12.0, 30))
_BETWEEN = 20
"""Points on the straight line from one weight's minimiser to the next."""


def _components(function: int, dimension: int, instance: int) -> list[tuple[Function, Vector]]:
    """The two functions of bbob, each with its minimiser."""
    import cocoex  # optional

    options = f"function_indices: {function} dimensions: {dimension} instance_indices: {instance}"
    suite = cocoex.Suite("bbob-biobj", "", options)
    parts = re.findall(r"bbob_f(\d+)_i(\d+)_d\d+", suite[0].name)
    problems = [cocoex.BareProblem("bbob", int(number), dimension, int(each)) for number, each in parts]
    return [(problem, np.array(problem.best_parameter(), dtype=np.float64)) for problem in problems]


@lru_cache(maxsize=32)
def _front(function: int, dimension: int, instance: int) -> tuple[Vector, Vector]:
    """Points of the front (n x d) in order, and the nadir (2)."""
    (first, start), (second, end) = _components(function, dimension, instance)
    ideal, nadir = np.array([first(start), second(end)]), np.array([first(end), second(start)])

    def weighted(point: Vector, weight: float) -> float:
        costs = (np.array([first(point), second(point)]) - ideal) / (nadir - ideal)
        return float((1.0 - weight) * costs[0] + weight * costs[1])

    path = [start]
    for weight in _WEIGHTS:  # each from where the last one ended
        found = minimize(weighted, path[-1], args=(weight,), method="BFGS").x
        path.append(minimize(weighted, found, args=(weight,), method="Nelder-Mead", options={"maxiter": 400}).x)
    path.append(end)
    pieces = [np.linspace(one, other, _BETWEEN, endpoint=False) for one, other in itertools.pairwise(path)]
    points = np.clip(np.concatenate([*pieces, end[None]]), -5.0, 5.0)
    costs = np.array([[first(point), second(point)] for point in points])
    return points[pareto.front(costs)], nadir


def _instance(function: int, dimension: int, seed: int) -> Instance:
    (first, _), (second, _) = _components(function, dimension, seed + 1)
    points, nadir = _front(function, dimension, seed + 1)
    names = [f"x{index}" for index in range(dimension)]

    def values(point: Sequence[float] | Vector) -> Vector:
        return np.array([first(np.asarray(point)), second(np.asarray(point))])

    def evaluate(configuration: Configuration) -> Metrics:
        return named(values([float(configuration[name]) for name in names]))

    return Instance(
        space={name: Float(-5.0, 5.0) for name in names},
        evaluate=evaluate,
        goals=minimising(nadir.tolist()),
        optimum=-pareto.hypervolume(np.array([values(point) for point in points]), nadir),
        minimisers=[dict(zip(names, map(float, point), strict=True)) for point in points],
    )


def case(function: int, dimension: int) -> Case:
    """bbob-biobj function 1 (sphere and sphere) to 10 (sphere and Gallagher's peaks)."""
    return Case(
        name=f"bbob-biobj-f{function}-{dimension}", make=partial(_instance, function, dimension), module="cocoex"
    )
