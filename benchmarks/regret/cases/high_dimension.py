"""20 to 100 parameters: all of which matter, few of which do, or less and less from one to the next."""

from __future__ import annotations

from functools import partial

import numpy as np

from asktell import Float
from benchmarks.regret.case import Case, Configuration, Instance
from benchmarks.regret.cases.continuous import case, evaluated, minimum

TRIALS = 200
AT = (50, 200)


def _embedded(dimension: int, seed: int) -> Instance:
    """Hartmann of six variables in a space of many; the seed draws which six matter."""
    from botorch.test_functions import Hartmann

    function = Hartmann(dim=6)
    place, optimum = minimum(function)
    active = [f"x{index}" for index in np.random.default_rng(seed).permutation(dimension)[:6]]

    def objective(configuration: Configuration) -> float:
        return evaluated(function, np.array([configuration[name] for name in active], dtype=np.float64))

    space = {f"x{index}": Float(0.0, 1.0) for index in range(dimension)}
    minimiser = {**dict.fromkeys(space, 0.5), **dict(zip(active, map(float, place), strict=True))}
    return Instance.of_loss(space=space, objective=objective, optimum=optimum, minimiser=minimiser)


def _decaying(dimension: int, seed: int) -> Instance:
    """A bowl whose weights fall by a factor of a thousand from the first drawn parameter to the last."""
    generator = np.random.default_rng(seed)
    weights = generator.permutation(np.logspace(0, -3, dimension))
    target = generator.uniform(0.1, 0.9, dimension)
    names = [f"x{index}" for index in range(dimension)]

    def objective(configuration: Configuration) -> float:
        point = np.array([configuration[name] for name in names], dtype=np.float64)
        return float(weights @ (point - target) ** 2)

    minimiser = dict(zip(names, target.tolist(), strict=True))
    space = {name: Float(0.0, 1.0) for name in names}
    return Instance.of_loss(space=space, objective=objective, optimum=0.0, minimiser=minimiser)


HIGH_DIMENSION = {
    "development": (
        case("Rosenbrock", 20, label="rosenbrock-20", reach=0.15),
        Case(name="hartmann-6-in-20", make=partial(_embedded, 20)),
        case("Ackley", 50, label="ackley-50"),
        Case(name="decaying-50", make=partial(_decaying, 50)),
    ),
    "reporting": (
        case("Levy", 20, label="levy-20"),
        Case(name="hartmann-6-in-50", make=partial(_embedded, 50)),
        case("StyblinskiTang", 50, label="styblinski-tang-50", reach=0.0),
        Case(name="decaying-100", make=partial(_decaying, 100)),
    ),
}
FIELD = ("asktell", "optuna-cma", "optuna-tpe", "random")
