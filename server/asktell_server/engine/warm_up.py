"""Small tasks that make a new worker import and run everything once."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.algorithm import Auto
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective
from asktell_server.domain.space import CategoricalDomain, Configuration, FloatDomain, IntDomain, Parameter, SearchSpace
from asktell_server.engine.problem import Observation, Outcome, Problem, SuggestTask

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
    return SuggestTask(
        problem=Problem(
            space=SearchSpace(parameters=parameters),
            goals=Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),)),
            algorithm=Auto(),
        ),
        observations=[
            Observation(parameters=configuration, outcome=Outcome.VALUE, value=(index - 2.5) ** 2)
            for index, configuration in enumerate(tried[:-1])
        ],
        pending=tried[-1:],
    )
