"""Numbers and unordered categories together. Which category is which is drawn by the seed, and the optimum moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from asktell import Categorical, Domain, Float, Int, ParameterValue
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance, Space
from benchmarks.regret.cases.continuous import evaluated, minimum

Vector = npt.NDArray[np.float64]


class _Column:
    """A parameter that stands for one coordinate of [0, 1]; its levels, if any, are coordinates in a drawn order."""

    def __init__(self, kind: str, count: int, generator: np.random.Generator) -> None:
        self.domain: Domain
        self.levels = (np.arange(count) + 0.5) / count if count else np.empty(0)
        if kind == "category":
            self.levels = generator.permutation(self.levels)
            self.names = [chr(ord("a") + index) for index in range(count)]
            self.domain = Categorical(self.names)
        elif kind == "int":
            self.domain = Int(0, count - 1)
        else:
            self.domain = Float(0.0, 1.0)

    def coordinate(self, value: ParameterValue) -> float:
        """Where a value of the parameter lies."""
        if not len(self.levels):
            return float(value)
        return float(self.levels[self.names.index(value) if isinstance(value, str) else int(value)])

    def value(self, coordinate: float) -> ParameterValue:
        """The value of the parameter that lies at a coordinate."""
        if not len(self.levels):
            return coordinate
        index = int(np.abs(self.levels - coordinate).argmin())
        return self.names[index] if isinstance(self.domain, Categorical) else index

    def target(self, near: float, reach: float, generator: np.random.Generator) -> float:
        """Where the optimum goes: a coordinate that the parameter can take."""
        wanted = float(np.clip(generator.uniform(near - reach, near + reach), 0.1, 0.9))
        return float(self.levels[np.abs(self.levels - wanted).argmin()]) if len(self.levels) else wanted


def _instance(name: str, kinds: Sequence[tuple[str, int]], reach: float, seed: int) -> Instance:
    """A BoTorch function of len(kinds) variables whose minimiser is moved onto coordinates that can be taken."""
    from botorch import test_functions

    generator = np.random.default_rng(seed)
    function = getattr(test_functions, name)(dim=len(kinds))
    low, high = function.bounds.numpy()
    minimiser, optimum = minimum(function)
    columns = {f"p{index}": _Column(kind, count, generator) for index, (kind, count) in enumerate(kinds)}
    places = (minimiser - low) / (high - low)
    targets = [column.target(place, reach, generator) for column, place in zip(columns.values(), places, strict=True)]
    shift = low + np.array(targets) * (high - low) - minimiser

    def objective(configuration: Configuration) -> float:
        unit = np.array([column.coordinate(configuration[key]) for key, column in columns.items()])
        return evaluated(function, low + unit * (high - low) - shift)

    reached = {key: column.value(target) for (key, column), target in zip(columns.items(), targets, strict=True)}
    space = {key: column.domain for key, column in columns.items()}
    return Instance.of_loss(space=space, objective=objective, optimum=optimum, minimiser=reached)


def _rosenbrock(x: Vector, y: Vector) -> Vector:
    return (100 * (y - x**2) ** 2 + (1 - x) ** 2) / 300


def _camel(x: Vector, y: Vector) -> Vector:
    return ((4 - 2.1 * x**2 + x**4 / 3) * x**2 + x * y + (4 * y**2 - 4) * y**2) / 10


def _beale(x: Vector, y: Vector) -> Vector:
    return ((1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2) / 50


FIRST: tuple[Callable[[Vector, Vector], Vector], ...] = (_rosenbrock, _camel, _beale)
SECOND: tuple[tuple[Callable[[Vector, Vector], Vector], float], ...] = (
    (_rosenbrock, 1.0),
    (_camel, 1.0),
    (_camel, 2.0),
    (_beale, 1.0),
    (_beale, 2.0),
)


def _func2c(seed: int) -> Instance:
    """Two categories choose which functions of two numbers are added; after Func2C of CoCaBO (Ru et al. 2020)."""
    generator = np.random.default_rng(seed)
    first, second = generator.permutation(len(FIRST)), generator.permutation(len(SECOND))
    shift = generator.uniform(-0.5, 0.5, 2)

    def value(a: int, b: int, x: Vector, y: Vector) -> Vector:
        added, weight = SECOND[second[b]]
        return FIRST[first[a]](x - shift[0], y - shift[1]) + weight * added(x - shift[0], y - shift[1])

    def objective(configuration: Configuration) -> float:
        a, b = "abc".index(str(configuration["f"])), "abcde".index(str(configuration["g"]))
        return float(value(a, b, *(np.float64(configuration[key]) for key in ("x", "y"))))  # type: ignore[arg-type]

    grid = np.meshgrid(np.linspace(-2, 2, 201), np.linspace(-2, 2, 201))
    optimum = np.inf
    minimiser: Configuration = {}
    for a in range(len(FIRST)):
        for b in range(len(SECOND)):
            values = value(a, b, *grid).ravel()
            for start in np.argsort(values)[:3]:
                point = np.array([axis.ravel()[start] for axis in grid])
                found = minimize(lambda p, a=a, b=b: float(value(a, b, p[0], p[1])), point, bounds=[(-2, 2)] * 2)
                if found.fun < optimum:
                    optimum, (best_x, best_y) = float(found.fun), found.x
                    minimiser = {"f": "abc"[a], "g": "abcde"[b], "x": float(best_x), "y": float(best_y)}
    space: Space = {
        "f": Categorical(list("abc")),
        "g": Categorical(list("abcde")),
        "x": Float(-2.0, 2.0),
        "y": Float(-2.0, 2.0),
    }
    return Instance.of_loss(space=space, objective=objective, optimum=optimum, minimiser=minimiser)


ACKLEY_MIXED = Case(
    name="ackley-mixed",
    make=partial(_instance, "Ackley", [("float", 0)] * 3 + [("category", 5)] * 3 + [("int", 7)] * 2, 0.5),
    floor=DISCRETE_FLOOR,
)
HARTMANN_MIXED = Case(
    name="hartmann-mixed",
    make=partial(_instance, "Hartmann", [("category", 6)] * 2 + [("int", 8)] * 2 + [("float", 0)] * 2, 0.2),
    floor=DISCRETE_FLOOR,
)
FUNC2C = Case(name="func2c", make=_func2c, floor=DISCRETE_FLOOR)
