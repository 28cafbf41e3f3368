"""The history of a study: every configuration that was tried, and what came of it."""

from __future__ import annotations

import hashlib
import pickle
import weakref
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import Configuration, Key, ParameterValue, SearchSpace, configuration_digest
from asktell_server.engine.observations import Columns, Observation, Outcome

_DIGEST_SIZE = 8
_BLOCK = 2000
"""Keys that are packed within a millisecond."""


class History:
    """The observations of a study in the order of its trials, by columns (see `Columns`).

    A history grows while a study runs, and a task must not see that: it gets a `snapshot`.
    """

    def __init__(self, space: SearchSpace, *, metrics: int = 1) -> None:
        self.space = space
        self.metrics = metrics
        self._columns = Columns(metrics)
        self._is_snapshot = False
        self._snapshot: weakref.ref[History] | None = None

    @classmethod
    def of(cls, space: SearchSpace, observations: Iterable[Observation], *, metrics: int = 1) -> History:
        """A history of these observations."""
        history = cls(space, metrics=metrics)
        for observation in observations:
            history.append(observation)
        return history

    def __len__(self) -> int:
        return len(self._columns.keys)

    def __getitem__(self, place: int) -> Observation:
        columns = self._columns
        return Observation(
            parameters=self.space.configuration(columns.keys[place]),
            outcome=columns.outcome_at(place),
            metrics=columns.metrics_at(place),
            expected=bool(columns.expected[place]),
        )

    def __iter__(self) -> Iterator[Observation]:
        return map(self.__getitem__, range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return (self.space, self.metrics) == (other.space, other.metrics) and self._columns == other._columns

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __getstate__(self) -> tuple[SearchSpace, int, Sequence[bytes], Sequence[Sequence[Any]]]:
        """For a pickle: the columns, a fraction of the size and time of an object for each observation.

        The keys come in blocks. Python has the interpreter to itself while it packs one, and other threads wait.
        """
        keys, *others = self._columns.all()
        blocks = [pickle.dumps(keys[start : start + _BLOCK], protocol=5) for start in range(0, len(keys), _BLOCK)]
        return self.space, self.metrics, blocks, others

    def __setstate__(self, state: tuple[SearchSpace, int, Sequence[bytes], Sequence[Sequence[Any]]]) -> None:
        space, metrics, blocks, others = state
        self.__init__(space, metrics=metrics)  # type: ignore[misc]
        keys = [key for block in blocks for key in pickle.loads(block)]  # noqa: S301  inside of a pickle already
        self._columns.fill([keys, *others])

    @property
    def keys(self) -> Sequence[Key]:
        """The configurations (n)."""
        return self._columns.keys

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """The values (n x metrics), each in its metric's unit; NaN = not measured."""
        return _matrix(self._columns.values)

    @property
    def standard_errors(self) -> npt.NDArray[np.float64]:
        """The standard errors (n x metrics) that came with the values; NaN = not known."""
        return _matrix(self._columns.standard_errors)

    def mask(self, outcome: Outcome) -> npt.NDArray[np.bool_]:
        """Which observations (n) have the outcome."""
        return np.frombuffer(bytes(self._columns.outcomes), dtype=np.uint8) == outcome.value

    @property
    def expected(self) -> npt.NDArray[np.bool_]:
        """Which observations (n) have values that were expected of a trial that was stopped, not reached by it."""
        return np.frombuffer(bytes(self._columns.expected), dtype=np.bool_)

    def having(self, name: str, value: ParameterValue) -> npt.NDArray[np.bool_]:
        """Which observations (n) are of configurations with this value of a parameter."""
        place = self.space.names.index(name)
        return np.fromiter((key[place] == value for key in self.keys), dtype=np.bool_, count=len(self))

    def count(self, outcome: Outcome) -> int:
        """How many observations have the outcome."""
        return self._columns.outcomes.count(outcome.value)

    def __contains__(self, key: Key) -> bool:
        """Whether the configuration with this key was tried."""
        return key in self._columns

    @property
    def is_indexed(self) -> bool:
        """Looking for a configuration takes no longer in a long history than in a short one."""
        return self._columns.uses is not None

    @property
    def uses(self) -> Mapping[Key, int]:
        """How often each configuration that was tried was, by its key."""
        return self._columns.index()

    def append(self, observation: Observation) -> None:
        """Adds an observation at the end."""
        self.insert(len(self), observation)

    def insert(self, place: int, observation: Observation) -> None:
        """Adds an observation before the one that now stands at `place`. Raises ValueError when it has too many metrics."""
        if len(observation.metrics) > self.metrics:
            raise ValueError(f"{len(observation.metrics)} metrics for a history of {self.metrics}")
        self._own().insert(place, self.space.key(observation.parameters), observation)

    def moved(self, place: int, value: ParameterValue) -> History:
        """The same observations, of configurations that have this value of the parameter at `place`."""
        keys, *others = self._columns.all()
        history = History(self.space, metrics=self.metrics)
        history.extend([[moved(key, place, value) for key in keys], *others])
        return history

    def part(self, first: int, last: int) -> Sequence[Sequence[Any]]:
        """The observations from place `first` up to `last`, which is left out, as columns for `extend`."""
        return [column[first:last] for column in self._columns.all()]

    def extend(self, part: Sequence[Sequence[Any]]) -> None:
        """Adds observations at the end, as `part` has given them. Raises ValueError when they have other metrics."""
        self._own().extend(part)

    def remove(self, place: int) -> None:
        """Takes the observation at `place` out."""
        self._own().remove(place)

    def snapshot(self) -> History:
        """The history as it is now; it stays so, in whatever thread it is read, whatever happens to this one.

        Nothing is copied unless this history changes while the snapshot is in use.
        """
        known = self._snapshot() if self._snapshot is not None else None
        if known is None:
            known = object.__new__(History)
            known.__dict__ |= {**self.__dict__, "_is_snapshot": True, "_snapshot": None}
            self._snapshot = weakref.ref(known)
        return known

    def digest(self, pending: Iterable[Configuration] = ()) -> bytes:
        """8 bytes that two histories of one study share when their observations and pending configurations are the same.

        A trial never changes its configuration, so the outcomes, values and standard errors in their order say enough.
        """
        hasher = hashlib.blake2b(self._columns.packed(), digest_size=_DIGEST_SIZE)
        for configuration in pending:
            hasher.update(configuration_digest(configuration).encode())
        return hasher.digest()

    def _own(self) -> Columns:
        """The columns, for a change: no longer those of a snapshot that is in use."""
        if self._is_snapshot or (self._snapshot is not None and self._snapshot() is not None):
            self._columns = self._columns.copy()
        self._is_snapshot, self._snapshot = False, None
        return self._columns


def moved(key: Key, place: int, value: ParameterValue) -> Key:
    """The key of a configuration that has this value of the parameter at `place`, and else the same."""
    return (*key[:place], value, *key[place + 1 :])


def _matrix(columns: Sequence[array[float]]) -> npt.NDArray[np.float64]:
    """Columns of numbers side by side (n x columns)."""
    return np.stack([np.array(column, dtype=np.float64) for column in columns], axis=1)
