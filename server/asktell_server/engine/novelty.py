"""Which configurations are new: none is tried twice, or more often than the study's replicates."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from asktell_server.domain.space import Configuration, Key
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.space.region import Region

DRAWS = 64
"""Candidates that are looked at before a new configuration is looked for by its number; enough when half the space is free."""
MOST_DRAWS = 1024
"""The same where configurations have no numbers: of most draws a space may hold few, and of the rest infinitely many."""


def room(task: StudyTask, count: int) -> int | None:
    """How many more trials a finite region has room for, at least `count` where there is enough; None = no end."""
    size, replicates = task.region.count, task.problem.replicates
    if size is None:
        return None
    most = replicates * size
    known = len(task.history) + len(task.pending)
    if known + count <= most:  # whichever they are
        return most - known
    tried, pending = task.taken
    uses = Counter(filter(_within(task), [*tried.keys, *pending]))
    return most - sum(min(times, replicates) for times in uses.values())


def _within(task: StudyTask) -> Callable[[Key], bool]:
    """Whether the configuration with a key has the values that are fixed."""
    names = task.problem.space.names
    places = [(names.index(name), value) for name, value in task.fixed.items()]
    return lambda key: all(key[place] == value for place, value in places)


class Novelty:
    """What has been tried, is running or has been chosen in this batch."""

    def __init__(self, task: StudyTask, region: Region) -> None:
        self._region = region
        self._history, self._pending = task.taken
        self._here = task.history
        self._replicates = task.problem.replicates
        self._within = _within(task)
        self._running = set(self._pending)
        self._as_asked = set(map(task.problem.space.key, task.pending))
        # How often each has been tried, is running or has been chosen; counted from the start only where replicates matter.
        self._uses = Counter(itertools.chain(self._history.keys, self._pending) if self._replicates > 1 else ())

    @property
    def moved(self) -> Sequence[Key]:
        """Configurations of the task that count as tried or running here, and have been so at other fidelities alone."""
        known = dict.fromkeys([*self._history.keys, *self._pending])
        return [key for key in known if key not in self._here and key not in self._as_asked]

    @property
    def running(self) -> Sequence[Key]:
        """Configurations of the task that are running or handed out."""
        return self._pending

    def spent(self) -> list[Key]:
        """Configurations of the task that have been tried as often as they may be; some may be listed twice."""
        if self._replicates == 1:
            return [*self._history.keys, *self._pending]
        return [key for key, uses in self._uses.items() if uses >= self._replicates]

    def __contains__(self, configuration: Configuration) -> bool:
        key = self._history.space.key(configuration)
        return key in self._running or key in self._history

    def add(self, configuration: Configuration) -> bool:
        """Marks a configuration as chosen; whether it has now been tried as often as it may be."""
        key = self._history.space.key(configuration)
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

        Looks at 64 candidates, or 1,024 where they cannot be numbered. Where all of them are known, a finite space gives a random one of the configurations that
        have not been tried. Where all have been and replicates are wanted, it gives one that is not running now, or else
        any that is not spent.
        """
        first: Configuration | None = None
        for candidate in itertools.islice(candidates, DRAWS if self._region.count is not None else MOST_DRAWS):
            if candidate not in self:
                return candidate
            first = first or candidate
        if self._region.count is None:
            return first
        found = self._left_over(self._running.union(self._history.uses), seed)
        if found is None and self._replicates > 1:
            spent = set(self.spent())
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
        """A configuration outside `taken`, each as likely; None = there is none, or too many to be numbered."""
        count = self._region.count
        if count is None:
            return None
        taken = set(filter(self._within, taken))
        if len(taken) >= count:
            return None
        lattice = self._region.lattice()
        rank = random.Random(repr(tuple(seed))).randrange(count - len(taken))
        for number in sorted(number for number in map(lattice.number, taken) if number is not None):
            if number > rank:
                break
            rank += 1  # so far the rank among what is left: counts past what is taken
        return self._history.space.configuration(lattice.key(rank))
