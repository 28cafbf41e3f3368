"""What a study is being asked, and whether it pays to prepare suggestions for it."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from asktell_server.domain.space import Configuration
from asktell_server.service.ask.offer import Offer
from asktell_server.store.protocol import Prepared, Progress, StalenessLimit

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
class Credit:
    """Whether it pays to prepare for a cause: used suggestions bring credit, wasted ones cost some.

    Where less than two thirds are used, preparing is tried ever less.
    """

    amount: float = FIRST_CREDIT

    @property
    def is_enough(self) -> bool:
        """For one preparation."""
        return self.amount >= 1

    def add(self, amount: float) -> None:
        """Gives credit, or takes some away."""
        self.amount = max(0.0, min(MAX_CREDIT, self.amount + amount))


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgress:
    """The progress of a study as something that was computed knows it: see `Progress`."""

    ended: int
    surprise: int


@dataclass(slots=True)
class Making:
    """A suggestion in the making: its fixed values, the progress that it knows (None = still to be read), and when it is done."""

    fixed: Configuration
    known: KnownProgress | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def may_serve(self, now: Progress, limit: StalenessLimit, fixed: Sequence[Configuration]) -> bool:
        """Whether it is made for one of several asks, by their fixed values, and will be fresh enough for one of now."""
        return self.fixed in fixed and (self.known is None or limit.allows(self.known, now))


@dataclass(slots=True, kw_only=True)
class Demand:
    """What a study is being asked.

    Attributes:
        asked_at: when it was asked last, by the event loop's clock.
        asked: how many trials were started for asks since the last preparation.
        recent: the same between the last preparations.
        fixed: the fixed values of the last ask, of the study with this `epoch`: what is prepared is for another one like it.
        cause: of the next preparation: CHANGE from a change on until something is computed that knows it.
        credits: by cause.
        made: what this server has prepared last and nobody has used yet, and why, by id.
        rounds: how many rounds of asks compute trials of their own now, which a preparation could not know of.
        task: prepares; `again`: something has happened since it looked.
        making: the suggestion that it computes now.
    """

    asked_at: float
    asked: int = 0
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    fixed: Configuration = field(default_factory=dict)
    epoch: str = ""
    cause: Cause = Cause.ASK
    credits: Mapping[Cause, Credit] = field(default_factory=lambda: {cause: Credit() for cause in Cause})
    made: dict[str, Cause] = field(default_factory=dict)
    rounds: int = 0
    task: asyncio.Task[None] | None = None
    again: bool = False
    making: Making | None = None

    @property
    def is_idle(self) -> bool:
        """Nothing is going on for it."""
        return self.task is None and not self.rounds

    def fixed_in(self, offer: Offer) -> Configuration:
        """The fixed values to prepare for; none for a new study of the same name."""
        return self.fixed if self.epoch == offer.epoch else {}

    def depth(self, offer: Offer) -> int:
        """How many suggestions to prepare: as many as were asked for between two of the last preparations."""
        return min(offer.depth, max(1, self.asked, *self.recent))

    def end_of_preparation(self) -> None:
        """Counts from here how many trials are asked for."""
        self.recent.append(self.asked)
        self.asked = 0

    def keep(self, ready_id: str, cause: Cause) -> None:
        """Notes what has been prepared, and why."""
        self.made[ready_id] = cause
        if len(self.made) > REMEMBERED:
            del self.made[next(iter(self.made))]

    def use(self, ready_ids: Sequence[str]) -> None:
        """Notes what has been used; what another server prepared says nothing about this one."""
        for ready_id in ready_ids:
            if cause := self.made.pop(ready_id, None):
                self.credits[cause].add(1)

    def discard(self, stale: Iterable[Prepared]) -> None:
        """Notes what has become too stale to be used."""
        for prepared in stale:
            if cause := self.made.pop(prepared.ready_id, None):
                self.credits[cause].add(-WASTE)
