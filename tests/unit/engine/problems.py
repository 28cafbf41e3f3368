"""Problems with known optima, and a loop that runs the engine on them without a server."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from asktell_server.domain.algorithm import Algorithm, Auto, Random
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    Configuration,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    Scale,
    SearchSpace,
)
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem, SuggestResult
from asktell_server.engine.tasks.suggest import SuggestTask

Function = Callable[[Configuration], float | None]
"""The objective; None = the trial fails."""


def space_of(**domains: Domain) -> SearchSpace:
    """A space with these parameters."""
    space = SearchSpace(parameters=tuple(Parameter(name=name, domain=domain) for name, domain in domains.items()))
    space.validate("space")
    return space


def problem_of(space: SearchSpace, *, algorithm: Algorithm | None = None, goal: Goal = Goal.MINIMIZE) -> Problem:
    """A problem with one objective."""
    goals = Goals(objectives=(Objective(metric="loss", goal=goal),))
    return Problem(space=space, goals=goals, algorithm=algorithm or Auto())


def valued(configuration: Configuration, value: float, *, standard_error: float | None = None) -> Observation:
    """A trial with a value."""
    metric = Metric(value=value, standard_error=standard_error)
    return Observation(parameters=configuration, outcome=Outcome.VALUE, metrics=(metric,))


def value_of(observation: Observation) -> float:
    """The value of a trial that has one."""
    (metric,) = observation.metrics
    assert metric is not None
    return metric.value


def values_of(observations: Iterable[Observation]) -> list[float]:
    """The values of those trials that have one."""
    return [value_of(one) for one in observations if one.outcome is Outcome.VALUE]


def with_value(observation: Observation, value: float) -> Observation:
    """The same trial with another value."""
    (metric,) = observation.metrics
    assert metric is not None
    return valued(observation.parameters, value, standard_error=metric.standard_error)


def with_error(observation: Observation, standard_error: float) -> Observation:
    """The same trial with another standard error."""
    return valued(observation.parameters, value_of(observation), standard_error=standard_error)


def task_of(
    problem: Problem,
    observations: Iterable[Observation] = (),
    *,
    pending: Sequence[Configuration] = (),
    count: int = 1,
    seed: int = 0,
    warm_start: bytes = b"",
    fixed: Configuration | None = None,
) -> SuggestTask:
    """What the engine is asked for."""
    return SuggestTask(
        problem=problem,
        history=History.of(problem.space, observations),
        pending=pending,
        count=count,
        seed=seed,
        warm_start=warm_start,
        fixed=fixed or {},
    )


UNIT = FloatDomain(min=0.0, max=1.0)
BRANIN_SPACE = space_of(x=FloatDomain(min=-5.0, max=10.0), y=FloatDomain(min=0.0, max=15.0))
HARTMANN_SPACE = space_of(**{f"x{index}": UNIT for index in range(6)})
MIXED_SPACE = space_of(
    rate=FloatDomain(min=1e-5, max=1e-1, scale=Scale.LOG),
    momentum=UNIT,
    layers=IntDomain(min=1, max=12),
    width=DiscreteDomain(values=(16, 32, 64, 128, 256, 512)),
    units=IntDomain(min=1, max=300, scale=Scale.LOG),
    optimizer=CategoricalDomain(values=("sgd", "adam", "rms", "lion")),
    activation=CategoricalDomain(values=("relu", "gelu", "tanh", "silu", "elu")),
    norm=BoolDomain(),
)


def branin(configuration: Configuration) -> float:
    """Minimum 0.3979."""
    x, y = _numbers(configuration, "x", "y")
    valley = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return valley**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
_A = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(configuration: Configuration) -> float:
    """Minimum -3.3224."""
    x = np.array(_numbers(configuration, *(f"x{index}" for index in range(6))))
    return -float(_ALPHA @ np.exp(-(_A * (x - _P) ** 2).sum(axis=1)))


def mixed(configuration: Configuration) -> float:
    """Minimum about 0, with adam, silu and norm; the best rate depends on the optimizer."""
    rate, momentum, layers, width, units = _numbers(configuration, "rate", "momentum", "layers", "width", "units")
    optimizer = str(configuration["optimizer"])
    return (
        {"sgd": 0.8, "adam": 0.0, "rms": 0.4, "lion": 0.5}[optimizer]
        + {"relu": 0.3, "gelu": 0.1, "tanh": 0.9, "silu": 0.0, "elu": 0.5}[str(configuration["activation"])]
        + (math.log10(rate) - {"sgd": -2, "adam": -3.2, "rms": -3, "lion": -4}[optimizer]) ** 2
        + 2 * (momentum - 0.8) ** 2
        + ((layers - 5) / 6) ** 2
        + ((math.log2(width) - 7) / 4) ** 2
        + math.log(units / 60) ** 2 / 4
        + (0.0 if configuration["norm"] else 0.3)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a loop tried and saw."""

    observations: Sequence[Observation]
    results: Sequence[SuggestResult]

    @property
    def best(self) -> float:
        """The lowest value."""
        return min(values_of(self.observations))


def observe(configuration: Configuration, function: Function) -> Observation:
    """Runs one trial."""
    value = function(configuration)
    if value is None:
        return Observation(parameters=configuration, outcome=Outcome.FAILED)
    return valued(configuration, value)


def optimize(problem: Problem, function: Function, *, trials: int, seed: int, warm: bool = True) -> Run:
    """Asks and tells one at a time; every suggestion must be in the space and come from the model or its start."""
    observations: list[Observation] = []
    results: list[SuggestResult] = []
    warm_start = b""
    while len(observations) < trials:
        task = task_of(problem, observations, seed=seed, warm_start=warm_start)
        result = task.run()
        assert result.fallback_reason == ""
        warm_start = result.warm_start if warm else b""
        (suggestion,) = result.suggestions
        assert problem.space.normalize(suggestion.parameters, field="suggestion") == suggestion.parameters
        observations = [*observations, observe(suggestion.parameters, function)]
        results.append(result)
    return Run(observations=observations, results=results)


def random_results(problem: Problem, function: Function, *, count: int, seed: int = 0) -> list[Observation]:
    """Trials at random configurations."""
    random_problem = Problem(space=problem.space, goals=problem.goals, algorithm=Random())
    result = task_of(random_problem, count=count, seed=seed).run()
    return [observe(suggestion.parameters, function) for suggestion in result.suggestions]


def _numbers(configuration: Configuration, *names: str) -> list[float]:
    return [float(configuration[name]) for name in names]
