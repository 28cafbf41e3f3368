"""Small tasks that make a new worker import and run everything once."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.algorithm import Auto
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.space import CategoricalDomain, Configuration, FloatDomain, IntDomain, Parameter, SearchSpace
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem
from asktell_server.engine.tasks.suggest import SuggestTask

_REAL = Parameter(name="real", domain=FloatDomain(min=0.0, max=1.0))
_WHOLE = Parameter(name="whole", domain=IntDomain(min=0, max=7))
_NAME = Parameter(name="name", domain=CategoricalDomain(values=("a", "b", "c")))


def warm_up_tasks() -> Sequence[SuggestTask]:
    """A continuous, a mixed and a categorical problem, each past its start and with a pending trial."""
    return [_task(_REAL), _task(_REAL, _WHOLE, _NAME), _task(_NAME)]


def _task(*parameters: Parameter) -> SuggestTask:
    configurations: list[Configuration] = [
        {"real": index / 7, "whole": index, "name": "abc"[index % 3]} for index in range(7)
    ]
    names = [parameter.name for parameter in parameters]
    tried: list[Configuration] = [{name: whole[name] for name in names} for whole in configurations]
    observations = [
        Observation(parameters=one, outcome=Outcome.VALUE, metrics=(Metric(value=(index - 2.5) ** 2),))
        for index, one in enumerate(tried[:-1])
    ]
    space = SearchSpace(parameters=parameters)
    objective = Objective(metric="loss", goal=Goal.MINIMIZE)
    return SuggestTask(
        problem=Problem(space=space, goals=Goals(objectives=(objective,)), algorithm=Auto()),
        history=History.of(space, observations),
        pending=tried[-1:],
    )
