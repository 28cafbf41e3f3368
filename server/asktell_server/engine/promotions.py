"""Which configurations go on to the next fidelity: asynchronous successive halving (Li et al. 2020, "A system for massively
parallel hyperparameter tuning"), decided from what has been tried and is running alone, so that any server decides alike.

Where a model can say it, the best are those that it expects to be best at the target, rather than at their own fidelity: a low fidelity may
favour others (measured; see docs/engine.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from asktell_server.domain import pareto
from asktell_server.domain.fidelity import levels_of
from asktell_server.domain.fixing import context_of
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal
from asktell_server.domain.space import Configuration, Key, ParameterValue
from asktell_server.engine.history import History
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import StudyTask

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A configuration, with its next fidelity, and the place in the history of the observation that it goes on from."""

    parameters: Configuration
    continues: int


@dataclass(slots=True)
class _Course:
    """How far a configuration has come, whatever its fidelity.

    Attributes:
        values: places in the history of its latest observations with a value that was reached, by level.
        ended: levels at which it has a value or failed.
        lowest: the level at which it began.
        highest: the highest level at which it has been tried or is running.
    """

    values: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    lowest: int = 1_000
    highest: int = -1

    def tried(self, level: int) -> None:
        self.lowest, self.highest = min(self.lowest, level), max(self.highest, level)


class Courses:
    """How far the configurations of a task have come, by their values without the fidelity."""

    def __init__(self, task: StudyTask) -> None:
        space = task.problem.space
        assert space.fidelity is not None, "there are no levels without a fidelity"
        assert space.fidelity.fidelity is not None
        self._task = task
        self.factor = space.fidelity.fidelity.reduction_factor
        self._name = space.fidelity.name
        self._place = space.names.index(self._name)
        self.levels: tuple[ParameterValue, ...] = levels_of(space.fidelity)
        self._numbers = [float(level) for level in self.levels]
        self._courses: dict[Key, _Course] = {}
        here = context_of(space, task.fixed)
        self._context = [(space.names.index(name), value) for name, value in here.items()]
        history = task.history
        outcomes = zip(
            history.keys,
            (history.mask(Outcome.VALUE) & ~history.expected).tolist(),
            history.mask(Outcome.UNKNOWN).tolist(),
            strict=True,
        )
        for place, (key, valued, unknown) in enumerate(outcomes):
            course, level = self._of(key)
            course.tried(level)
            if valued:
                course.values[level] = place
            if not unknown:
                course.ended.add(level)
        for configuration in task.pending:
            course, level = self._of(space.key(configuration))
            course.tried(level)

    def __len__(self) -> int:
        """How many configurations have been tried or are running."""
        return len(self._courses)

    def _of(self, key: Key) -> tuple[_Course, int]:
        """The course that a trial belongs to, and its level; below the lowest level it is -1."""
        place = self._place
        course = self._courses.setdefault((*key[:place], *key[place + 1 :]), _Course())
        return course, bisect_right(self._numbers, float(key[place] or 0.0)) - 1

    @property
    def any_can(self) -> bool:
        """Whether there is a configuration that could go on, be it among the best or not."""
        last = len(self.levels) - 1
        return any(
            0 <= course.highest < last and self._may_have(place)
            for course in self._courses.values()
            if (place := course.values.get(course.highest)) is not None
        )

    def promotions(self, values: Values | None = None, *, all_that_can: bool = False) -> Iterator[Promotion]:
        """What is to be promoted, the highest levels first, and the best of each level first.

        Of the configurations that began at the same level and have ended at one, a share of 1 / reduction factor goes on;
        with `all_that_can`, every one that has a value. Which are the best is for the `values` (n x metrics) of all observations to say:
        the observed ones, unless others are given.
        """
        history = self._task.history
        known = history.values if values is None else values
        # Results of another context say nothing of which are the best in this one.
        courses = [course for key, course in self._courses.items() if self._is_here(key)]
        for level in range(len(self.levels) - 2, -1, -1):
            begun = sorted({course.lowest for course in courses if level in course.ended}, reverse=True)
            for lowest in begun:
                ended = [course for course in courses if level in course.ended and course.lowest == lowest]
                most = len(ended) if all_that_can else int(len(ended) / self.factor + 1e-9)
                valued = [course for course in ended if level in course.values]
                places = [course.values[level] for course in valued]
                for index in best_first(self._task.problem.goals, known[places], most):
                    if valued[index].highest == level and self._may_have(places[index]):
                        yield Promotion(parameters=self._at(places[index], level + 1), continues=places[index])

    def _is_here(self, key: Key) -> bool:
        """Whether a configuration, by its key without the fidelity, is one of the context that is asked for."""
        return all(key[place - (place > self._place)] == value for place, value in self._context)

    def _may_have(self, place: int) -> bool:
        """Whether the configuration has the values that the task fixes."""
        names, key = self._task.problem.space.names, self._task.history.keys[place]
        return all(key[names.index(name)] == value for name, value in self._task.fixed.items())

    def _at(self, place: int, level: int) -> Configuration:
        history = self._task.history
        return {**history.space.configuration(history.keys[place]), self._name: self.levels[level]}


def best_first(goals: Goals, values: Values, most: int) -> list[int]:
    """The indices of at most `most` of the values (n x metrics, or more columns), none of them missing, the best first.

    Those that keep the outcome constraints come before others, and these by how much they miss them; with several objectives, front
    after front, each from one end of the first objective to the other.
    """
    if not len(values) or not most:
        return []
    costs = _costs(goals, values)
    layers = costs[:, 0] if costs.shape[1] == 1 else _layers(costs)
    order = np.lexsort((costs[:, 0], layers, goals.violations(values)))
    return [int(index) for index in order[:most]]


def _costs(goals: Goals, values: Values) -> Values:
    """The objectives (n x objectives), lower is better."""
    signs = np.array([1.0 if goal is Goal.MINIMIZE else -1.0 for goal in goals.directions[: len(goals.objectives)]])
    costs: Values = values[:, : len(goals.objectives)] * signs
    return costs


def best_of_highest(goals: Goals, history: History, count: int) -> list[int]:
    """The places in the history of at most `count` of the best observations of the highest fidelity at which there is a value; with
    several objectives all that are on their front. As at the target, only those that keep the outcome constraints, where some do.
    """
    name = history.space.fidelity.name if history.space.fidelity else ""
    valued = np.flatnonzero(history.mask(Outcome.VALUE) & ~history.expected)
    if not name or not len(valued):
        return []
    column = history.space.names.index(name)
    fidelities = np.array([float(history.keys[place][column] or 0.0) for place in valued.tolist()])
    places = valued[fidelities == fidelities.max()]
    values = history.values[places]
    violations = goals.violations(values)
    if len(goals.objectives) > 1 or not violations.min():
        places, values = places[violations == violations.min()], values[violations == violations.min()]
    if len(goals.objectives) > 1:
        front = pareto.front(_costs(goals, values))
        places, values, count = places[front], values[front], len(front)
    return [int(places[index]) for index in best_first(goals, values, count)]


def _layers(costs: Values) -> Values:
    """The front (n) that each of the costs (n x m) is on, when those before it are taken away."""
    layers = np.zeros(len(costs))
    left = np.arange(len(costs))
    while len(left):
        front = pareto.front(costs[left])
        on_front = np.isin(np.arange(len(left)), front)
        layers[left[~on_front]] += 1.0
        left = left[~on_front]
    return layers
