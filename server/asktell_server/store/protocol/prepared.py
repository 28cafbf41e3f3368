"""Suggestions that are computed before anybody asks for them, and how stale one may become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import Trial

MAX_READY = 8
"""Most suggestions that are kept prepared for a study."""


class Progress(Protocol):
    """How far a study has come, or had come when something was computed."""

    @property
    def ended(self) -> int:
        """How many trials have ended."""
        ...

    @property
    def surprise(self) -> int:
        """The sum of their surprise, in thousandths of a result."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StalenessLimit:
    """How far a study may move on after a suggestion was computed and before it is started; None = any distance.

    `ended` limits how many trials may end, `surprise` the sum of their surprise in thousandths of a result.
    """

    ended: int | None = None
    surprise: int | None = None

    @property
    def results(self) -> int:
        """How many results that nobody expected a suggestion may lack."""
        limits = [
            limit for limit in (self.ended, self.surprise and self.surprise // WHOLE_SURPRISE) if limit is not None
        ]
        return min(limits, default=MAX_READY)

    def allows(self, then: Progress, now: Progress) -> bool:
        """Whether what was computed then may be used now.

        Never if `then` is ahead of `now`: whoever computed it knew of a result that has been deleted or amended since.
        """
        ended, surprise = now.ended - then.ended, now.surprise - then.surprise
        return (
            ended >= 0
            and (self.ended is None or ended <= self.ended)
            and (self.surprise is None or 0 <= surprise <= self.surprise)
        )


UP_TO_DATE = StalenessLimit(ended=0)
"""No trial may end in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A suggestion computed before anybody asked for it: a QUEUED trial that has no number yet.

    `ended` and `surprise` are those of the study's head when it was computed, `known_number` the last trial known then.
    """

    ready_id: str
    trial: Trial
    ended: int
    surprise: int
    known_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedPreparing:
    """Whether the suggestion was kept, and how many were dropped because they had become too stale."""

    kept: bool
    stale: int
