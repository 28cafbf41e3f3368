"""The trials of a view: objects, or the bytes that they are stored as.

Of a hundred thousand trials few are looked at. Those that came with a snapshot stay packed, in a fifth of the memory and
without work for the garbage collector, and become objects each time somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from asktell_server.domain.trial import Trial, TrialState
from asktell_server.store.codec import decode_trial, encode_trial

Packed = tuple[int, str, bytes]
"""A trial's revision, its state, and all else as `codec.encode_trial` gives it."""
_OPEN = frozenset(state.value for state in TrialState if state.is_open)


class TrialBook(Mapping[int, Trial]):
    """Trials by number."""

    def __init__(self) -> None:
        self._trials: dict[int, Trial | Packed] = {}

    def __getitem__(self, number: int) -> Trial:
        return _unpacked(number, self._trials[number])

    def __iter__(self) -> Iterator[int]:
        return iter(self._trials)

    def __len__(self) -> int:
        return len(self._trials)

    def __contains__(self, number: object) -> bool:
        return number in self._trials

    def version(self, number: int) -> tuple[int, TrialState] | None:
        """A trial's revision and state, without unpacking it; None when it is not there."""
        kept = self._trials.get(number)
        if kept is None:
            return None
        return (kept.revision, kept.state) if isinstance(kept, Trial) else (kept[0], TrialState(kept[1]))

    def entries(self, first: int, last: int) -> dict[int, Trial | Packed]:
        """The trials with the numbers from `first` to `last` as they are kept, in the order of the numbers."""
        return {number: kept for number in range(first, last + 1) if (kept := self._trials.get(number)) is not None}

    def put(self, trial: Trial) -> None:
        """Keeps a trial in place of the one with its number."""
        self._trials[trial.number] = trial

    def update(self, trials: Mapping[int, Trial | Packed]) -> None:
        """Keeps many trials in place of those with their numbers."""
        self._trials.update(trials)

    def unpack(self, number: int) -> Trial:
        """Keeps a trial as an object from now on: for one that is looked at all the time."""
        self._trials[number] = trial = self[number]
        return trial

    def replace(self, known: Mapping[int, Trial | Packed], packed: Mapping[int, Packed]) -> None:
        """Keeps what has ended in its packed form, where it still is the very version that is `known`."""
        for number, each in packed.items():
            if self._trials.get(number) is known[number] and each[1] not in _OPEN:
                self._trials[number] = each

    def pop(self, number: int) -> None:
        """Forgets a trial."""
        self._trials.pop(number, None)


def packed(kept: Trial | Packed) -> Packed:
    """A trial in its packed form."""
    return (kept.revision, kept.state.value, encode_trial(kept)) if isinstance(kept, Trial) else kept


def _unpacked(number: int, kept: Trial | Packed) -> Trial:
    if isinstance(kept, Trial):
        return kept
    revision, _, blob = kept
    return decode_trial(blob, number=number, revision=revision)
