"""Which configurations are new: nothing is tried twice, or more often than the study's replicates."""

from __future__ import annotations

import functools
import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from asktell_server.domain.space import ABSENT, Configuration, Key, ParameterValue
from asktell_server.engine.encoding import Continuum, Encoding
from asktell_server.engine.problem import SuggestTask

DRAWS = 64
"""Candidates that are looked at before a new configuration is counted out; enough when half the space is free."""

LOOKS = 16
"""Candidates of a continuum that are compared with the history one by one; for more a set of it is made first. At 4,000
trials of 6 values one look takes 0.06 ms and the set 1 ms; an ask for one trial takes a single look."""


def room(task: SuggestTask) -> int | None:
    """How many more trials a finite space has room for, at least `task.count` where there is enough; None = no end."""
    cardinality, replicates = task.problem.space.cardinality, task.problem.replicates
    if cardinality is None:
        return None
    most = replicates * cardinality
    known = len(task.observations) + len(task.pending)
    if known + task.count <= most:  # whichever they are
        return most - known
    configurations = [*(observation.parameters for observation in task.observations), *task.pending]
    uses = Counter(map(task.problem.space.key, configurations))
    return most - sum(min(count, replicates) for count in uses.values())


class Novelty:
    """What has been tried, is running or has been chosen in this batch."""

    def __init__(self, task: SuggestTask, encoding: Encoding) -> None:
        self._space = task.problem.space
        self._count = self._space.cardinality
        self._replicates = task.problem.replicates
        self._columns = encoding.columns
        self._pending = task.pending
        self._running = set(map(self._space.key, task.pending))
        self._observations = task.observations
        self._known_keys = task.tried
        # How often each has been tried, is running or has been chosen; counted only where that matters.
        counted = [*self._ended, *self._pending] if self._replicates > 1 else []
        self._uses = Counter(map(self._space.key, counted))
        self._looks = 0

    @functools.cached_property
    def _ended(self) -> list[Configuration]:
        return [observation.parameters for observation in self._observations]

    @functools.cached_property
    def _ended_keys(self) -> set[Key]:
        return set(map(self._space.key, self._ended))

    @property
    def _tried(self) -> set[Key]:
        return self._ended_keys | self._running

    @property
    def _spent(self) -> set[Key]:
        """Those that are not to be tried again."""
        if self._replicates == 1:
            return self._tried
        return {key for key, uses in self._uses.items() if uses >= self._replicates}

    def spent(self) -> list[Configuration]:
        """Configurations of the task that have been tried as often as they may be; some may come twice."""
        if self._replicates == 1:
            return [*self._ended, *self._pending]
        return [self._space.configuration(key) for key in self._spent]

    def __contains__(self, configuration: Configuration) -> bool:
        key = self._space.key(configuration)
        if key in self._running:
            return True
        if self._known_keys is not None:
            return key in self._known_keys
        self._looks += 1
        if self._count is None and self._looks <= LOOKS:
            return configuration in self._ended  # each comparison ends at the first value that differs
        return key in self._ended_keys

    def add(self, configuration: Configuration) -> bool:
        """Marks a configuration as chosen; whether it has now been tried as often as it may be."""
        key = self._space.key(configuration)
        self._running.add(key)
        self._uses[key] += 1
        return self._uses[key] >= self._replicates

    def choose(self, candidates: Iterable[Configuration], *, seed: Sequence[int]) -> Configuration | None:
        """What `find` finds, marked as chosen."""
        found = self.find(candidates, seed=seed)
        if found is not None:
            self.add(found)
        return found

    def find(self, candidates: Iterable[Configuration], *, seed: Sequence[int]) -> Configuration | None:
        """The first new candidate; None when the space is exhausted.

        Looks at 64 candidates; then at a random one of the configurations left. Where replicates are wanted and all
        configurations have been tried, at those that are not running now, and at last at any that is not spent.
        """
        first: Configuration | None = None
        for candidate in itertools.islice(candidates, DRAWS):
            if candidate not in self:
                return candidate
            first = first or candidate
        if self._count is None:
            return first
        found = self._left_over(self._tried, seed)
        if found is None and self._replicates > 1:
            spent = self._spent
            found = self._left_over(spent | self._running, seed) or self._left_over(spent, seed)
        return found

    def choices(
        self, candidates: Iterator[Configuration], *, count: int, seed: Sequence[int]
    ) -> Iterator[Configuration]:
        """`count` configurations, one after the other from `candidates`; fewer when the space is exhausted."""
        for index in range(count):
            chosen = self.choose(candidates, seed=(*seed, index))
            if chosen is None:
                return
            yield chosen

    def _left_over(self, taken: set[Key], seed: Sequence[int]) -> Configuration | None:
        """A configuration outside `taken`, each as likely; None = there is none, or the space is a continuum."""
        count = self._count
        if count is None or len(taken) >= count:
            return None
        rank = random.Random(repr(tuple(seed))).randrange(count - len(taken))
        for place in sorted(map(self._place, taken)):
            if place > rank:
                break
            rank += 1  # so far the rank among what is left: counts past what is taken
        return self._at(rank)

    def _place(self, key: Key) -> int:
        """Where a configuration stands among all of a finite space (the last parameter runs fastest)."""
        place = 0
        for column, value in zip(self._columns, key, strict=True):
            assert not isinstance(column, Continuum)
            assert value is not ABSENT
            place = place * column.count + column.index(value)
        return place

    def _at(self, place: int) -> Configuration:
        """The inverse of `_place`."""
        levels: list[ParameterValue] = []
        for column in reversed(self._columns):
            assert not isinstance(column, Continuum)
            place, level = divmod(place, column.count)
            levels.append(column.value(level))
        return self._space.configuration(tuple(reversed(levels)))
