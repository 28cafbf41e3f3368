"""A space with conditions: which parameters exist depends on others.

asktell is told of them, Optuna by define-by-run, Ax by dependent parameters. Random search draws every parameter, also those
that change nothing.
"""

from __future__ import annotations

import math

import numpy as np

from asktell import Categorical, Float, Int
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance, Space

SPACE: Space = {
    "model": Categorical(["forest", "svm", "mlp"]),
    "depth": Int(2, 20, when={"model": ["forest"]}),
    "features": Float(0.1, 1.0, when={"model": ["forest"]}),
    "c": Float(1e-3, 1e3, log=True, when={"model": ["svm"]}),
    "gamma": Float(1e-4, 1e1, log=True, when={"model": ["svm"]}),
    "optimizer": Categorical(["sgd", "adam"], when={"model": ["mlp"]}),
    "lr": Float(1e-5, 1e-1, log=True, when={"model": ["mlp"]}),
    "momentum": Float(0.0, 0.99, when={"optimizer": ["sgd"]}),
    "units": Int(8, 512, log=True, when={"model": ["mlp"]}),
}


def _instance(seed: int) -> Instance:
    """A bowl for each branch in the scale of its parameters, of depths that the seed draws."""
    generator = np.random.default_rng(seed)
    base = dict(zip(("forest", "svm", "sgd", "adam"), generator.permutation([0.05, 0.08, 0.11, 0.14]), strict=True))
    depth = int(generator.integers(5, 16))
    features, c, gamma, lr_sgd, lr_adam, momentum = generator.uniform(0.2, 0.8, 6)
    units = int(generator.integers(32, 257))

    def log_place(value: float, low: float, high: float) -> float:
        return math.log(value / low) / math.log(high / low)

    def objective(configuration: Configuration) -> float:
        def number(name: str) -> float:
            return float(configuration[name])

        match configuration["model"]:
            case "forest":
                bowl = 1.5 * ((number("depth") - depth) / 18) ** 2 + 0.3 * (number("features") - features) ** 2
                return float(base["forest"]) + bowl
            case "svm":
                x, y = log_place(number("c"), 1e-3, 1e3) - c, log_place(number("gamma"), 1e-4, 1e1) - gamma
                return float(base["svm"]) + 1.5 * x**2 + 1.5 * y**2 + 1.5 * x * y
        kind = str(configuration["optimizer"])
        bowl = 0.5 * math.log2(number("units") / units) ** 2 / 36
        rate = log_place(number("lr"), 1e-5, 1e-1)
        if kind == "adam":
            return float(base["adam"]) + bowl + 2.0 * (rate - lr_adam) ** 2
        slide = number("momentum") - momentum
        return float(base["sgd"]) + bowl + 2.0 * (rate - lr_sgd + 0.3 * slide) ** 2 + 0.5 * slide**2

    def from_log(place: float, low: float, high: float) -> float:
        return float(low * (high / low) ** place)

    # Every bowl reaches its bottom inside the space, so the optimum is the lowest base.
    bottoms: dict[str, Configuration] = {
        "forest": {"model": "forest", "depth": depth, "features": float(features)},
        "svm": {"model": "svm", "c": from_log(c, 1e-3, 1e3), "gamma": from_log(gamma, 1e-4, 1e1)},
        "sgd": {"optimizer": "sgd", "lr": from_log(lr_sgd, 1e-5, 1e-1), "momentum": float(momentum)},
        "adam": {"optimizer": "adam", "lr": from_log(lr_adam, 1e-5, 1e-1)},
    }
    best = min(base, key=base.__getitem__)
    minimiser = bottoms[best] if "model" in bottoms[best] else {"model": "mlp", "units": units, **bottoms[best]}
    return Instance.of_loss(space=SPACE, objective=objective, optimum=float(base[best]), minimiser=minimiser)


CONDITIONAL = Case(name="conditional", make=_instance, floor=DISCRETE_FLOOR)
