"""Counts what a server has of something, and refuses more than it can take, of all callers and of one."""

from __future__ import annotations

from asktell_server.domain.errors import ErrorReason, ResourceExhausted

OVERLOAD_RETRY_AFTER_S = 0.25


class Counter:
    """At most `most` of `what`, and at most half of them of one caller."""

    def __init__(self, what: str, most: int) -> None:
        self._what = what
        self._most = most
        self._most_of_one = max(1, most // 2)
        self._of: dict[str, int] = {}
        self.total = 0

    def require(self, caller: str, count: int = 1) -> None:
        """Checks that there is room for `count` more. `caller` "" = nobody in particular, who may have all.

        Raises:
            ResourceExhausted: there is not (OVERLOADED).
        """
        if self.total + count > self._most:
            raise _overloaded(f"the server has {self.total} {self._what}, and takes {self._most}", self._most)
        of_one = self._of.get(caller, 0)
        if caller and of_one + count > self._most_of_one:
            raise _overloaded(
                f"the server has {of_one} {self._what} from {caller}, and takes {self._most_of_one} of one caller",
                self._most_of_one,
            )

    def add(self, caller: str, count: int = 1) -> None:
        """Counts `count` in."""
        self.total += count
        if caller and count:
            self._of[caller] = self._of.get(caller, 0) + count

    def take(self, caller: str, count: int = 1) -> None:
        """Counts `count` out."""
        self.total -= count
        if not caller:
            return
        if left := self._of.pop(caller, 0) - count:
            self._of[caller] = left


def _overloaded(message: str, limit: int) -> ResourceExhausted:
    return ResourceExhausted(
        message,
        reason=ErrorReason.OVERLOADED,
        metadata={"limit": str(limit)},
        retry_after_s=OVERLOAD_RETRY_AFTER_S,
    )
