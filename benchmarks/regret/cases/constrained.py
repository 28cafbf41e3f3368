"""One objective with constraints: botorch.test_functions, Gardner et al. (2014), and bbob-constrained.

Each seed cuts the box at every side, by up to 30 % of what lies between the side and the optimum, which stays where it is.
Constraints are metrics g1, g2, … that have to be at most 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.stats import qmc

from asktell import Domain, Float, Int
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import OutcomeConstraint
from benchmarks.regret.case import CONTINUOUS_FLOOR, DISCRETE_FLOOR, LOSS, ONE_LOSS, Case, Configuration, Instance
from benchmarks.regret.cases.continuous import at
from benchmarks.regret.score import Metrics

Vector = npt.NDArray[np.float64]

_CUT = 0.3
_STARTS = 16
_MARGIN = 1e-9
"""Of the scale of each constraint: what the minimiser keeps to be feasible in spite of rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A function of a point (d) with constraints: `excesses` (k) are at most 0 where it is feasible.

    `worst` is at least the value of all feasible points. `minimiser` where it is known, else it is searched for: from near it,
    where `hint` says so, or from many places.
    """

    objective: Callable[[Vector], float]
    excesses: Callable[[Vector], Vector]
    low: Vector
    high: Vector
    worst: float
    minimiser: Vector | None = None
    hint: Vector | None = None
    integers: tuple[int, ...] = ()


def feasible_minimum(problem: Problem) -> Vector:
    """The minimiser (d), by sequential quadratic programming; ValueError where none is found."""
    places = qmc.scale(qmc.Sobol(len(problem.low), seed=0).random(_STARTS), problem.low, problem.high)
    starts = places if problem.hint is None else problem.hint[None]
    scales = np.maximum(np.abs([problem.excesses(place) for place in places]).mean(axis=0), 1e-12)
    value = max(abs(problem.objective(starts[0])), 1e-12)
    best: tuple[float, Vector | None] = (np.inf, None)
    for start in starts:
        found = minimize(
            lambda point: problem.objective(point) / value,
            start,
            method="SLSQP",
            bounds=list(zip(problem.low, problem.high, strict=True)),
            constraints={"type": "ineq", "fun": lambda point: -problem.excesses(point) / scales - _MARGIN},
            options={"ftol": 1e-12, "maxiter": 200},
        ).x
        point = np.clip(found, problem.low, problem.high)
        if (problem.excesses(point) <= 0.0).all() and problem.objective(point) < best[0]:
            best = (problem.objective(point), point)
    if best[1] is None:
        raise ValueError("no feasible minimum found")
    return best[1]


Make = Callable[[], Problem]


@lru_cache(maxsize=32)
def _solved(make: Make) -> tuple[Problem, Vector]:
    problem = make()
    return problem, feasible_minimum(problem) if problem.minimiser is None else problem.minimiser


def instance(problem: Problem, minimiser: Vector, low: Vector, high: Vector) -> Instance:
    """The problem in a box."""
    names = [f"x{index}" for index in range(len(low))]
    kinds = [Int if index in problem.integers else Float for index in range(len(low))]
    space: dict[str, Domain] = {
        name: Int(int(a), int(b)) if kind is Int else Float(float(a), float(b))
        for name, kind, a, b in zip(names, kinds, low, high, strict=True)
    }

    def evaluate(configuration: Configuration) -> Metrics:
        point = np.array([configuration[name] for name in names], dtype=np.float64)
        excesses = problem.excesses(point)
        return {LOSS: problem.objective(point), **{f"g{number}": float(g) for number, g in enumerate(excesses, 1)}}

    bounds = tuple(OutcomeConstraint(metric=f"g{place}", max=0.0) for place in range(1, len(problem.excesses(low)) + 1))
    reached = {
        name: int(value) if kind is Int else float(value)
        for name, kind, value in zip(names, kinds, minimiser, strict=True)
    }
    return Instance(
        space=space,
        evaluate=evaluate,
        goals=Goals(objectives=ONE_LOSS.objectives, outcome_constraints=bounds),
        optimum=problem.objective(minimiser),
        minimisers=[reached],
        worst=problem.worst,
    )


def _cut(make: Make, seed: int) -> Instance:
    problem, minimiser = _solved(make)
    generator = np.random.default_rng(seed)
    parts = generator.uniform(0.0, _CUT, (2, len(minimiser)))
    low = problem.low + parts[0] * (minimiser - problem.low)
    high = problem.high - parts[1] * (problem.high - minimiser)
    whole = list(problem.integers)
    low[whole], high[whole] = np.floor(low[whole]), np.ceil(high[whole])
    return instance(problem, minimiser, low, high)


def _botorch(name: str, hint: tuple[float, ...] | None = None, **options: Any) -> Problem:
    from botorch.test_functions import synthetic

    function = getattr(synthetic, name)(**options)
    low, high = function.bounds.numpy()
    return Problem(
        objective=lambda point: float(at(function._evaluate_true, point)[0]),  # noqa: SLF001  # bounds are kept here
        excesses=lambda point: -at(function._evaluate_slack_true, point),  # noqa: SLF001
        low=low,
        high=high,
        worst=float(function.worst_feasible_value),
        hint=None if hint is None else np.array(hint),
    )


_INCH = 0.0625


def _pressure_vessel() -> Problem:
    """BoTorch's, with the two thicknesses as what they are: multiples of 1/16 inch. The optimum is the literature's 6059.714."""
    function = _botorch("PressureVessel")

    def inches(point: Vector) -> Vector:
        return point * np.array([_INCH, _INCH, 1.0, 1.0])

    thick, radius = 13, 13 * _INCH / 0.0193 * (1.0 - 1e-12)
    length = (1296000.0 - 4.0 / 3.0 * np.pi * radius**3) / (np.pi * radius**2) * (1.0 + 1e-12)
    return Problem(
        objective=lambda point: function.objective(inches(point)),
        excesses=lambda point: function.excesses(inches(point)),
        low=np.array([1.0, 1.0, 10.0, 150.0]),
        high=np.array([160.0, 160.0, 50.0, 200.0]),
        worst=function.worst,
        minimiser=np.array([thick, 7, radius, length]),
        integers=(0, 1),
    )


def _gardner_1() -> Problem:
    """The first simulation of Gardner et al. (2014)."""
    return Problem(
        objective=lambda p: float(np.cos(2 * p[0]) * np.cos(p[1]) + np.sin(p[0])),
        excesses=lambda p: np.array([np.cos(p[0]) * np.cos(p[1]) - np.sin(p[0]) * np.sin(p[1]) - 0.5]),
        low=np.zeros(2),
        high=np.full(2, 6.0),
        worst=2.0,
    )


def _gardner_2() -> Problem:
    """The second one: 2 % of the space are feasible."""
    return Problem(
        objective=lambda p: float(np.sin(p[0]) + p[1]),
        excesses=lambda p: np.array([np.sin(p[0]) * np.sin(p[1]) + 0.95]),
        low=np.zeros(2),
        high=np.full(2, 6.0),
        worst=7.0,
    )


def case(name: str, make: Make, *, floor: float = CONTINUOUS_FLOOR) -> Case:
    """A case of a problem whose box the seed cuts."""
    return Case(name=name, make=partial(_cut, make), floor=floor)


GARDNER_1 = case("gardner-1", _gardner_1)
GARDNER_2 = case("gardner-2", _gardner_2)
GRAMACY = case("gramacy-2", partial(_botorch, "ConstrainedGramacy"))
HARTMANN_6 = case(
    "constrained-hartmann-6",
    partial(_botorch, "ConstrainedHartmann", (0.2017, 0.15, 0.4769, 0.2753, 0.3117, 0.6573), dim=6),
)
HARTMANN_3 = case("constrained-hartmann-3", partial(_botorch, "ConstrainedHartmannSmooth", dim=3))
PRESSURE_VESSEL = case("pressure-vessel", _pressure_vessel, floor=DISCRETE_FLOOR)
SPEED_REDUCER = case("speed-reducer", partial(_botorch, "SpeedReducer", (3.5, 0.7, 17.0, 7.3, 7.8, 3.35, 5.287)))
TENSION_COMPRESSION = case("tension-compression", partial(_botorch, "TensionCompressionString", (0.052, 0.36, 11.3)))
WELDED_BEAM = case("welded-beam", partial(_botorch, "WeldedBeamSO", (0.206, 3.47, 9.04, 0.206)))
