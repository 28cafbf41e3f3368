"""A study's log: incremental reads and watchers."""

from __future__ import annotations

from collections.abc import AsyncIterator

from asktell_server.domain.errors import study_not_found
from asktell_server.domain.names import StudyName
from asktell_server.store.memory.state import MemoryState
from asktell_server.store.protocol import LogEntry, StudyDelta


class MemoryLog(MemoryState):
    """Implements `protocol.LogStore`."""

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """See LogStore."""
        stored = self._stored(name)
        now = self._clock()
        entries = stored.log[after : after + limit]
        by_deadline = sorted(stored.leases, key=lambda number: stored.leases[number])
        lapsed = [number for number in by_deadline if stored.leases[number] <= now]
        lasting = by_deadline[len(lapsed) :]
        return StudyDelta(
            head=stored.head,
            entries=entries,
            more=after + len(entries) < len(stored.log),
            lapsed=lapsed[:lapsed_limit],
            next_lapse_s=(stored.leases[lasting[0]] - now).total_seconds() if lasting else None,
            now=now,
            ready=tuple(stored.ready) if ready else (),
        )

    async def watch(self, name: StudyName, *, after: int) -> AsyncIterator[LogEntry]:
        """See LogStore."""
        stored = self._stored(name)
        while True:
            changed = stored.changed
            for entry in stored.log[after:]:
                yield entry
                after = entry.sequence
            if self._studies.get(name) is not stored:
                raise study_not_found(str(name))
            if after >= len(stored.log):
                await changed.wait()
