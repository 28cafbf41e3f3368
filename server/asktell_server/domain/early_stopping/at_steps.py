"""What trials' curves say of a step, sorted, kept for the steps that were asked for lately."""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Iterable, MutableSequence, Sequence
from typing import Generic, Protocol, TypeVar

MAX_KEPT_STEPS = 1000
"""Most steps for which anything is kept."""


class Curve(Protocol):
    """The values of one metric of one trial: steps rise, and there is a value for each."""

    @property
    def steps(self) -> Sequence[int]: ...
    @property
    def values(self) -> Sequence[float]: ...


_Curve = TypeVar("_Curve", bound=Curve)
_Said = TypeVar("_Said", float, tuple[float, float])


class AtSteps(Generic[_Curve, _Said]):
    """What `measure` says of curves at a step, rising, for every step that was asked for lately.

    A list is made from all curves when its step is first asked for, and kept up to date by `grown`. So a report of the newest
    step of a trial costs a few insertions, however many trials there are. It tells groups of trials apart, such as the
    brackets of Hyperband; a trial is in one group for good.

    What `measure` says of a curve at a step must not depend on points beyond the first one at or behind that step. It says None
    where the curve does not get that far.
    """

    def __init__(
        self,
        measure: Callable[[_Curve, int], _Said | None],
        keep: Callable[[Sequence[_Said]], MutableSequence[_Said]],
        *,
        max_steps: int,
        max_kept: int,
    ) -> None:
        """`keep` makes the list of what is said of a step; `max_kept` is how much is kept of all steps together."""
        self._measure: Callable[[_Curve, int], _Said | None] = measure
        self._keep: Callable[[Sequence[_Said]], MutableSequence[_Said]] = keep
        self._max_steps = max_steps
        self._max_kept = max_kept
        self._kept: OrderedDict[tuple[int, int], MutableSequence[_Said]] = OrderedDict()
        """By group and step; those asked for last stand at the end."""
        self._size = 0

    def at(self, step: int, *, group: int = 0, curves: Iterable[_Curve]) -> Sequence[_Said]:
        """What the trials of a group say that got to the step, rising. `curves`: all of that group, if they are needed."""
        kept = self._kept.get((group, step))
        if kept is None:
            found = (self._measure(curve, step) for curve in curves)
            kept = self._kept[group, step] = self._keep(sorted(said for said in found if said is not None))
            self._size += len(kept)
            self._bound()
        else:
            self._kept.move_to_end((group, step))
        return kept

    def grown(self, curve: _Curve, *, since: int, group: int = 0) -> None:
        """A curve whose last step was `since` (-1 = it had none) has got a later one."""
        last = curve.steps[-1]
        for (of, step), kept in self._kept.items():
            if of == group and since < step <= last:
                said = self._measure(curve, step)
                if said is not None:
                    insort(kept, said)
                    self._size += 1
        self._bound()

    def forget(self, *, group: int | None = None, first: int = 0) -> None:
        """Drops what is kept from a step on: an earlier point of a curve of the group (None = any) has changed, or a curve went."""
        for key in [key for key in self._kept if key[1] >= first and group in (None, key[0])]:
            self._size -= len(self._kept.pop(key))

    def _bound(self) -> None:
        while len(self._kept) > 1 and (len(self._kept) > self._max_steps or self._size > self._max_kept):
            self._size -= len(self._kept.popitem(last=False)[1])
