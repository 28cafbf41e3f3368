"""A study's log, read to its end by pages."""

from __future__ import annotations

from collections.abc import AsyncIterator

from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import LogStore, StudyDelta

PAGE = 250
"""Trials and log entries read in one round trip: taking in so many holds up nobody."""


async def log_pages(ledger: LogStore, name: StudyName, *, after: int = 0) -> AsyncIterator[StudyDelta]:
    """What the log holds after a position, oldest first; at least one page. Raises NotFound."""
    more = True
    while more:
        delta = await ledger.read_delta(name, after=after, limit=PAGE, lapsed_limit=0)
        yield delta
        if delta.entries:
            after = delta.entries[-1].sequence
        more = delta.more
