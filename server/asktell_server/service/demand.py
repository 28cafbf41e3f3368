"""What a study is being asked, and whether it pays to prepare suggestions for it."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from asktell_server.store.protocol import MAX_READY, Prepared, Progress, StalenessLimit

FIRST_CREDIT = 4.0
MAX_CREDIT = 8.0
WASTE = 2.0
"""What a suggestion costs that nobody could use; one that was used brings 1."""
CREDIT_OF_CALL = 1 / 8
"""Lets a study for which preparing has been no use, because calls come too fast, try it now and then."""
REMEMBERED = 8
"""Preparations over which it is remembered how many trials were asked for in between."""


class Cause(enum.Enum):
    """What has led to a preparation."""

    ASK = enum.auto()
    """A trial has been started: the next ask may come before any result."""
    CHANGE = enum.auto()
    """A result, or something else that suggestions depend on."""


@dataclass(slots=True)
class Yield:
    """Whether it pays to prepare for a cause.

    Where less than two thirds of it is used, it is tried ever less.
    """

    credit: float = FIRST_CREDIT

    def add(self, credit: float) -> None:
        """Gives credit, or takes some away."""
        self.credit = max(0.0, min(MAX_CREDIT, self.credit + credit))


@dataclass(slots=True, kw_only=True)
class Demand:
    """What a study is being asked."""

    asked_at: float
    since: int = 0
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    cause: Cause = Cause.ASK
    """Of the next preparation: CHANGE from a change on until something is computed that knows it."""
    yields: Mapping[Cause, Yield] = field(default_factory=lambda: {cause: Yield() for cause in Cause})
    made: dict[str, Cause] = field(default_factory=dict)
    """What this server has prepared and nobody has used yet, by id; of the last ones."""
    again: bool = False
    held: int = 0
    """Rounds of asks that compute trials of their own, which a preparation could not know of."""
    task: asyncio.Task[None] | None = None
    making: Making | None = None

    def depth(self, limit: StalenessLimit) -> int:
        """As many as were asked for between two of the last preparations, at most MAX_READY.

        Where every ask follows a tell, one that has more than the limit before it would be stale when its turn comes.
        """
        return min(MAX_READY, limit.results + 1, max(1, self.since, *self.recent))

    def keep(self, ready_id: str, cause: Cause) -> None:
        """Notes what has been prepared, and why."""
        self.made[ready_id] = cause
        if len(self.made) > REMEMBERED:
            del self.made[next(iter(self.made))]

    def use(self, ready_ids: Sequence[str]) -> None:
        """Notes what has been used; what another server prepared says nothing about this one."""
        for ready_id in ready_ids:
            if cause := self.made.pop(ready_id, None):
                self.yields[cause].add(1)

    def discard(self, stale: Iterable[Prepared]) -> None:
        """Notes what has become too stale to be used."""
        for prepared in stale:
            if cause := self.made.pop(prepared.ready_id, None):
                self.yields[cause].add(-WASTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgress:
    """The progress of a study as something that was computed knows it: see `Progress`."""

    ended: int
    surprise: int


@dataclass(slots=True)
class Making:
    """A suggestion in the making: the progress that it knows (None = still to be read), and when it is done."""

    known: KnownProgress | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def may_serve(self, now: Progress, limit: StalenessLimit) -> bool:
        """Whether it will be fresh enough for an ask of now."""
        return self.known is None or limit.allows(self.known, now)
