"""What was learned before: results of earlier studies, or of this one before its data changed.

They join the task's own results as those of other contexts (see `bayes/contexts.py`): one more parameter says which study a
result belongs to, and whoever is asked for is the present one. How much the studies have in common, and how far their levels
lie apart, the model's kernel finds out.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.stats import rankdata

from asktell_server.domain.goals import Goals
from asktell_server.domain.space import CategoricalDomain, Parameter, SearchSpace
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome

if TYPE_CHECKING:
    from asktell_server.engine.problem import StudyTask, Suggestion

    Asked = TypeVar("Asked", bound=StudyTask)

_STUDY = "asktell: which study"
"""No name that a parameter may have."""
_PRESENT = "this one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Results of one earlier study: configurations of the task's space, and the metrics of its goals.

    `doubt` is how far a result may be from what it would be today: a variance, where that of all results is about 1.
    """

    history: History
    doubt: float = 0.0


def with_earlier(task: Asked) -> Asked:
    """The task with its earlier results among its own, and as many `doubts` as results: first the earlier ones, then its own."""
    choices = (_PRESENT, *(f"earlier {number}" for number in range(1, len(task.earlier) + 1)))
    space = task.problem.space
    which = Parameter(name=_STUDY, domain=CategoricalDomain(values=choices), context=True)
    space = SearchSpace(
        parameters=(*space.parameters, which), parameter_constraints=space.parameter_constraints, derived=space.derived
    )
    problem = dataclasses.replace(task.problem, space=space)
    history = problem.empty_history()
    doubts: list[float] = []
    for earlier, name in zip(task.earlier, choices[1:], strict=True):
        for observation in earlier.history:
            history.append(_marked(observation, name))
        doubts += [earlier.doubt] * len(earlier.history)
    for observation in task.history:
        history.append(_marked(observation, _PRESENT))
    doubts += [0.0] * len(task.history)
    return dataclasses.replace(
        task,
        problem=problem,
        history=history,
        pending=[{**configuration, _STUDY: _PRESENT} for configuration in task.pending],
        fixed={**task.fixed, _STUDY: _PRESENT},
        earlier=(),
        doubts=tuple(doubts),
    )


def without_mark(suggestion: Suggestion) -> Suggestion:
    """A suggestion for `with_earlier(task)` as one for the task itself."""
    parameters = {name: value for name, value in suggestion.parameters.items() if name != _STUDY}
    return dataclasses.replace(suggestion, parameters=parameters)


def informative(history: History, goals: Goals, *, most: int) -> list[int]:
    """The places of at most `most` observations, rising: the best half, and others from all over; all where there are no more.

    With several objectives an observation is as good as its places in the orders of each are on average, and one that keeps the
    outcome constraints is better than any that does not.
    """
    count = len(history)
    if count <= most:
        return list(range(count))
    valued = np.flatnonzero(history.mask(Outcome.VALUE))
    values = history.values[valued]
    costs = np.stack(
        [values[:, goals.metrics.index(each.metric)] * each.cost(1.0) for each in goals.objectives], axis=1
    )
    standing = rankdata(costs, axis=0).mean(axis=1)
    for constraint in goals.outcome_constraints:
        violated = constraint.violations(values[:, goals.metrics.index(constraint.metric)]) > 0
        standing = standing + len(valued) * violated
    best = valued[np.argsort(standing, kind="stable")[: most // 2]]
    rest = np.setdiff1d(np.arange(count), best)
    spread = rest[np.linspace(0, len(rest) - 1, most - len(best)).round().astype(np.int64)]
    return sorted({*best.tolist(), *spread.tolist()})


def _marked(observation: Observation, name: str) -> Observation:
    return dataclasses.replace(observation, parameters={**observation.parameters, _STUDY: name})
