"""The trials of a view: objects, or the bytes that they are stored as.

Of a hundred thousand trials few are looked at. Those that came with a snapshot stay on shelves, in a tenth of the memory and
without work for the garbage collector, and become objects each time somebody looks.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgpack

from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.codec import decode_trial, encode_trial

SHELF_BYTES = 64 * 2**10
"""Of the trials of a shelf, about: opening one takes a third of a millisecond."""
_STATES = {state.value: state for state in TrialState}


class Shelf:
    """Some trials as `codec.encode_trial` gives them, compressed together until somebody looks at one of them.

    Attributes:
        numbers: rising.
        revisions: in the order of the numbers.
        states: likewise, by their values.
    """

    __slots__ = ("_data", "numbers", "revisions", "states")

    def __init__(self, numbers: Sequence[int], revisions: Sequence[int], states: Sequence[str], packed: bytes) -> None:
        self.numbers = numbers
        self.revisions = revisions
        self.states = states
        self._data: bytes | Sequence[bytes] = packed

    @classmethod
    def of(cls, trials: Sequence[tuple[int, int, str, bytes]]) -> tuple[Shelf, bytes]:
        """A shelf with trials of these numbers, revisions, states and bytes, and its data for another one like it."""
        numbers, revisions, states, blobs = zip(*trials, strict=True)
        packed = zlib.compress(msgpack.packb(blobs), level=1)
        return cls(numbers, revisions, states, packed), packed

    def version(self, number: int) -> tuple[int, TrialState]:
        """A trial's revision and state."""
        place = bisect_left(self.numbers, number)
        return self.revisions[place], _STATES[self.states[place]]

    def row(self, number: int) -> tuple[int, int, str, bytes]:
        """For `of`."""
        place = bisect_left(self.numbers, number)
        return number, self.revisions[place], self.states[place], self._blobs()[place]

    def trial(self, number: int) -> Trial:
        """A trial as an object."""
        place = bisect_left(self.numbers, number)
        return decode_trial(self._blobs()[place], number=number, revision=self.revisions[place])

    def _blobs(self) -> Sequence[bytes]:
        data = self._data  # two threads may open it at once
        if isinstance(data, bytes):
            data = self._data = msgpack.unpackb(zlib.decompress(data), use_list=False)
        return data


class TrialBook(Mapping[int, Trial]):
    """Trials by number."""

    def __init__(self) -> None:
        self._trials: dict[int, Trial | Shelf] = {}

    def __getitem__(self, number: int) -> Trial:
        kept = self._trials[number]
        return kept if isinstance(kept, Trial) else kept.trial(number)

    def __iter__(self) -> Iterator[int]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)

    def __contains__(self, number: object) -> bool:
        return number in self._trials

    def version(self, number: int) -> tuple[int, TrialState] | None:
        """A trial's revision and state, without making an object of it; None when it is not there."""
        kept = self._trials.get(number)
        if kept is None:
            return None
        return (kept.revision, kept.state) if isinstance(kept, Trial) else kept.version(number)

    def entries(self, first: int, last: int) -> dict[int, Trial | Shelf]:
        """The trials with the numbers from `first` to `last` as they are kept, in the order of the numbers."""
        return {number: kept for number in range(first, last + 1) if (kept := self._trials.get(number)) is not None}

    def put(self, trial: Trial) -> None:
        """Keeps a trial in place of the one with its number."""
        self._trials[trial.number] = trial

    def update(self, trials: Mapping[int, Trial | Shelf]) -> None:
        """Keeps many trials in place of those with their numbers."""
        self._trials.update(trials)

    def unpack(self, number: int) -> Trial:
        """Keeps a trial as an object from now on: for one that is looked at all the time."""
        self._trials[number] = trial = self[number]
        return trial

    def replace(self, known: Mapping[int, Trial | Shelf], shelves: Iterable[Shelf]) -> None:
        """Keeps what has ended on a shelf, where it still is the very version that is `known`."""
        for shelf in shelves:
            for number, state in zip(shelf.numbers, shelf.states, strict=True):
                if self._trials.get(number) is known[number] and not _STATES[state].is_open:
                    self._trials[number] = shelf

    def pop(self, number: int) -> None:
        """Forgets a trial."""
        self._trials.pop(number, None)


def shelved(trials: Mapping[int, Trial | Shelf]) -> list[tuple[Shelf, bytes]]:
    """Trials in the order of their numbers on new shelves, each with its data."""
    shelves: list[tuple[Shelf, bytes]] = []
    rows: list[tuple[int, int, str, bytes]] = []
    size = 0
    for number, kept in trials.items():
        rows.append(_row(kept) if isinstance(kept, Trial) else kept.row(number))
        size += len(rows[-1][-1])
        if size >= SHELF_BYTES:
            shelves.append(Shelf.of(rows))
            rows, size = [], 0
    return [*shelves, Shelf.of(rows)] if rows else shelves


def _row(trial: Trial) -> tuple[int, int, str, bytes]:
    return trial.number, trial.revision, trial.state.value, encode_trial(trial)
