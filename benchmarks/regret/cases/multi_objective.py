"""Several objectives: ZDT (Zitzler et al. 2000) and DTLZ (Deb et al. 2005) of botorch.test_functions, whose fronts are known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from asktell import Float
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective
from benchmarks.regret.case import Case, Configuration, Instance
from benchmarks.regret.cases.continuous import at
from benchmarks.regret.score import Metrics

Vector = npt.NDArray[np.float64]


def minimising(references: Sequence[float]) -> Goals:
    """Objectives f1, f2, … to minimise, each with its reference."""
    return Goals(
        objectives=tuple(
            Objective(metric=f"f{number}", goal=Goal.MINIMIZE, reference=float(reference))
            for number, reference in enumerate(references, 1)
        )
    )


def named(values: Vector) -> Metrics:
    """The values of the objectives (m) as metrics."""
    return {f"f{number}": float(value) for number, value in enumerate(values, 1)}


def _zdt(name: str, dimension: int, seed: int) -> Instance:
    """The front lies on an edge of the box; the seed mirrors parameters, so that it is another edge each time."""
    from botorch.test_functions import multi_objective

    function = getattr(multi_objective, name)(dim=dimension)
    mirrored = np.random.default_rng(seed).integers(2, size=dimension).astype(bool)
    names = [f"x{index}" for index in range(dimension)]

    def evaluate(configuration: Configuration) -> Metrics:
        point = np.array([configuration[name] for name in names], dtype=np.float64)
        return named(at(function._evaluate_true, np.where(mirrored, 1.0 - point, point)))  # noqa: SLF001

    # Along the first parameter, denser where the front is steep.
    edge = np.linspace(0.0, 1.0, 200)[:, None] ** 2 * np.eye(1, dimension)
    front = np.where(mirrored, 1.0 - edge, edge)
    return Instance(
        space={name: Float(0.0, 1.0) for name in names},
        evaluate=evaluate,
        goals=minimising(function.ref_point.tolist()),
        optimum=-float(function.max_hv),
        minimisers=[dict(zip(names, map(float, point), strict=True)) for point in front],
    )


def _dtlz2(dimension: int, objectives: int, seed: int) -> Instance:
    """The front is a part of a sphere, reached where the parameters of distance have the values that the seed draws."""
    from botorch.test_functions import DTLZ2

    function = DTLZ2(dim=dimension, num_objectives=objectives)
    distances = dimension - objectives + 1
    target = np.random.default_rng(seed).uniform(0.1, 0.9, distances)
    names = [f"x{index}" for index in range(dimension)]

    def evaluate(configuration: Configuration) -> Metrics:
        point = np.array([configuration[name] for name in names], dtype=np.float64)
        # From the target to the middle, where DTLZ2 has its front, without leaving the box.
        point[-distances:] = 0.5 + 0.5 * (point[-distances:] - target) / np.maximum(target, 1.0 - target)
        return named(at(function._evaluate_true, point))  # noqa: SLF001

    axis = np.linspace(0.0, 1.0, 100 if objectives == 2 else 12)
    places = np.stack(np.meshgrid(*[axis] * (objectives - 1)), axis=-1).reshape(-1, objectives - 1)
    front = np.hstack([places, np.tile(target, (len(places), 1))])
    return Instance(
        space={name: Float(0.0, 1.0) for name in names},
        evaluate=evaluate,
        goals=minimising(function.ref_point.tolist()),
        optimum=-float(function.max_hv),
        minimisers=[dict(zip(names, map(float, point), strict=True)) for point in front],
    )


def zdt(number: int, dimension: int) -> Case:
    """ZDT 1 (a convex front), 2 (concave) or 3 (in five pieces)."""
    return Case(name=f"zdt{number}-{dimension}", make=partial(_zdt, f"ZDT{number}", dimension))


def dtlz2(dimension: int, objectives: int) -> Case:
    """DTLZ2 of two objectives or three."""
    return Case(name=f"dtlz2-{dimension}-m{objectives}", make=partial(_dtlz2, dimension, objectives))
