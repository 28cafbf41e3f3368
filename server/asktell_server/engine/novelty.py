"""Which configurations are new: nothing is tried twice while the space has something else."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Sequence

from asktell_server.domain.space import Configuration, ParameterValue, SearchSpace
from asktell_server.engine.problem import SuggestTask

DRAWS = 64
"""Candidates that are looked at before a new configuration is counted out; enough when half the space is free."""

Key = tuple[Hashable, ...]


class Novelty:
    """What has been tried, is running or has been chosen in this batch."""

    def __init__(self, task: SuggestTask) -> None:
        self._space = task.problem.space
        self._names = tuple(parameter.name for parameter in self._space.parameters)
        self._running = {self.key(configuration) for configuration in task.pending}
        self._tried = {self.key(observation.parameters) for observation in task.observations} | self._running

    def key(self, configuration: Configuration) -> Key:
        """What two configurations share exactly when they are equal."""
        return tuple(configuration[name] for name in self._names)

    def __contains__(self, configuration: Configuration) -> bool:
        return self.key(configuration) in self._tried

    def add(self, configuration: Configuration) -> None:
        """Marks a configuration as chosen."""
        key = self.key(configuration)
        self._tried.add(key)
        self._running.add(key)

    @property
    def exhausted(self) -> bool:
        """Every configuration of the space has been tried."""
        count = self._space.cardinality
        return count is not None and len(self._tried) >= count

    def choose(self, candidates: Iterable[Configuration], *, seed: Sequence[int]) -> Configuration:
        """The first new candidate, and marks it.

        Looks at 64 candidates; then at a random one of the configurations left; in a space that has been tried
        out, at those that are not running now. Only when all of them are running one comes twice.
        """
        draws = [candidate for candidate, _ in zip(candidates, range(DRAWS), strict=False)]
        chosen = next((draw for draw in draws if draw not in self), None)
        if chosen is None:
            chosen = self._left_over(self._tried, seed) or self._left_over(self._running, seed) or draws[0]
        self.add(chosen)
        return chosen

    def _left_over(self, taken: set[Key], seed: Sequence[int]) -> Configuration | None:
        """A configuration outside `taken`, each as likely; None = there is none, or the space is a continuum."""
        count = self._space.cardinality
        if count is None or len(taken) >= count:
            return None
        rank = random.Random(repr(tuple(seed))).randrange(count - len(taken))
        for index in sorted(configuration_index(self._space, self._named(key)) for key in taken):
            if index > rank:
                break
            rank += 1  # the rank among what is left, counted past what is taken
        return configuration_at(self._space, rank)

    def _named(self, key: Key) -> Configuration:
        return dict(zip(self._names, key, strict=True))  # type: ignore[arg-type]  # built from parameter values


def configuration_index(space: SearchSpace, configuration: Configuration) -> int:
    """The place of a configuration among all of a finite space (the last parameter runs fastest)."""
    index = 0
    for parameter in space.parameters:
        levels = parameter.domain.levels()
        index = index * len(levels) + levels.index(configuration[parameter.name])
    return index


def configuration_at(space: SearchSpace, index: int) -> dict[str, ParameterValue]:
    """The configuration at a place; the inverse of `configuration_index`."""
    result: dict[str, ParameterValue] = {}
    for parameter in reversed(space.parameters):
        levels = parameter.domain.levels()
        index, level = divmod(index, len(levels))
        result[parameter.name] = levels[level]
    return {parameter.name: result[parameter.name] for parameter in space.parameters}
