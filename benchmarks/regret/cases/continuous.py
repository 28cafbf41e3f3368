"""Functions of botorch.test_functions, moved so that no optimum lies where optimisers like to start."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from asktell import Float
from benchmarks.regret.case import Case, Configuration, Instance

if TYPE_CHECKING:
    from botorch.test_functions import SyntheticTestFunction

Vector = npt.NDArray[np.float64]


def at(evaluate: Callable[[Any], Any], point: Vector) -> Vector:
    """What a part of a BoTorch function gives at a point (d): one number or several (k)."""
    import torch  # two seconds, which `--help` and the tests of other parts do without

    found: Vector = evaluate(torch.from_numpy(np.asarray(point, dtype=np.float64))[None]).numpy().reshape(-1)
    return found


def evaluated(function: SyntheticTestFunction, point: Vector) -> float:
    """The value of a BoTorch function at a point (d), which may lie outside its box: then it is moved."""
    return float(at(function._evaluate_true, point)[0])  # noqa: SLF001  # the public one refuses points outside


def minimum(function: SyntheticTestFunction) -> tuple[Vector, float]:
    """The function's (first) minimiser and least value, sharpened where BoTorch gives six digits."""
    from scipy.optimize import minimize

    assert function._optimizers is not None  # noqa: SLF001  # has no public name
    start = np.array(function._optimizers[0])  # noqa: SLF001
    value = evaluated(function, start)
    found = minimize(lambda point: evaluated(function, point), start, method="Nelder-Mead", options={"xatol": 1e-9})
    return (found.x, float(found.fun)) if found.fun < value else (start, value)


def _moved(make: Callable[[], SyntheticTestFunction], reach: float, seed: int) -> Instance:
    """f(x - s), with the minimiser up to `reach` of the box's width from its place, but 10 % inside the box."""
    function = make()
    low, high = function.bounds.numpy()
    minimiser, optimum = minimum(function)
    place = (minimiser - low) / (high - low)
    generator = np.random.default_rng(seed)
    target = np.clip(generator.uniform(place - reach, place + reach), 0.1, 0.9)
    shift = low + target * (high - low) - minimiser
    names = [f"x{index}" for index in range(len(low))]

    def objective(configuration: Configuration) -> float:
        return evaluated(function, np.array([configuration[name] for name in names], dtype=np.float64) - shift)

    space = {name: Float(float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}
    reached = dict(zip(names, map(float, minimiser + shift), strict=True))
    return Instance.of_loss(space=space, objective=objective, optimum=optimum, minimiser=reached)


def _make(name: str, dimension: int | None) -> SyntheticTestFunction:
    from botorch import test_functions

    family = getattr(test_functions, name)
    return family() if dimension is None else family(dim=dimension)


def case(name: str, dimension: int | None = None, *, label: str, reach: float = 0.5) -> Case:
    """A case of a BoTorch function by its class name. `reach` 0.5 puts a central minimiser anywhere."""
    return Case(name=label, make=partial(_moved, partial(_make, name, dimension), reach))


BRANIN_2 = case("Branin", label="branin-2")
HARTMANN_3 = case("Hartmann", 3, label="hartmann-3", reach=0.2)
HARTMANN_6 = case("Hartmann", 6, label="hartmann-6", reach=0.2)
LEVY_12 = case("Levy", 12, label="levy-12")
ACKLEY_20 = case("Ackley", 20, label="ackley-20")
