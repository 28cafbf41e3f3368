"""What a pool of workers has done, and how much it has to do."""

from __future__ import annotations

from dataclasses import dataclass

from asktell_server.domain.errors import ErrorReason, ResourceExhausted

MIN_RETRY_AFTER_S = 1.0
_RECENT = 0.1
"""Weight of the last task in what is taken as typical."""


@dataclass(slots=True, kw_only=True)
class PoolCounters:
    """What has happened since the start."""

    answered: int = 0
    """Tasks that a worker answered, those that nobody waited for included."""
    crashed: int = 0
    """Workers that ended while the pool was running, killed ones included."""
    timed_out: int = 0
    """Tasks whose worker was killed because it took too long."""
    fell_back: int = 0
    """Tasks that should have used a model and did not."""
    refused: int = 0
    """Tasks that came while too many waited."""


class Load:
    """How long a new task would have to wait, judging by how long tasks took of late.

    Tasks are refused while those that wait are more than `max_wait_s` of work: the refused ones would have met their
    deadlines before they were answered.
    """

    def __init__(self, *, workers: int, max_wait_s: float) -> None:
        self._workers = workers
        self._max_wait_s = max_wait_s
        self._typical_s = 0.0

    def took(self, seconds: float) -> None:
        """Notes that a worker took `seconds` for a task."""
        self._typical_s += _RECENT * (seconds - self._typical_s)

    def require_room(self, waiting: int) -> None:
        """Raises ResourceExhausted (OVERLOADED) where one more task would wait too long behind `waiting` others."""
        wait_s = waiting * self._typical_s / self._workers
        if wait_s <= self._max_wait_s:
            return
        raise ResourceExhausted(
            f"{waiting} asks that take a model wait already, about {wait_s:.0f} s of work",
            reason=ErrorReason.OVERLOADED,
            metadata={"waiting": str(waiting)},
            retry_after_s=max(MIN_RETRY_AFTER_S, wait_s - self._max_wait_s),
        )
