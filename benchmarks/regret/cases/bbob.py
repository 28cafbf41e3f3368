"""Functions of bbob (Hansen et al. 2009) from coco-experiment; the seed is the instance, which moves and turns them."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from asktell import Float
from benchmarks.regret.case import Case, Configuration, Instance

SEVERE = 1.0
"""β of bbob-noisy's severe Gaussian noise."""
_EXACT_BELOW = 1e-8  # where bbob-noisy adds none


def _instance(function: int, dimension: int, beta: float, seed: int) -> Instance:
    import cocoex  # optional

    problem = cocoex.BareProblem("bbob", function, dimension, seed + 1)
    optimum = float(problem.best_value())
    names = [f"x{index}" for index in range(dimension)]

    def objective(configuration: Configuration) -> float:
        return float(problem(np.array([configuration[name] for name in names], dtype=np.float64)))

    def noise(value: float, generator: np.random.Generator) -> float:
        """bbob-noisy's Gaussian model: (f - f*)·exp(β·N(0, 1)). Drawn here, since coco's own cannot be seeded."""
        excess = value - optimum
        return value if excess < _EXACT_BELOW else optimum + excess * math.exp(beta * generator.standard_normal())

    space = {name: Float(-5.0, 5.0) for name in names}
    return Instance.of_loss(
        space=space,
        objective=objective,
        optimum=optimum,
        minimiser=dict(zip(names, map(float, problem.best_parameter()), strict=True)),
        noise=noise if beta else None,
    )


def case(function: int, dimension: int) -> Case:
    """bbob function 1 to 24."""
    return Case(
        name=f"bbob-f{function}-{dimension}", make=partial(_instance, function, dimension, 0.0), module="cocoex"
    )


def noisy_case(function: int, dimension: int) -> Case:
    """The function with severe Gaussian noise (1 → f107, 7 → f113 of bbob-noisy); regret is of the noiseless value."""
    return Case(
        name=f"bbob-f{function}-noisy-{dimension}",
        make=partial(_instance, function, dimension, SEVERE),
        module="cocoex",
    )
