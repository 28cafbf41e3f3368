"""A study's log: incremental reads and watchers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from asktell_server.domain.errors import Unavailable, study_not_found
from asktell_server.domain.names import StudyName
from asktell_server.domain.times import from_microseconds
from asktell_server.pace import in_pieces
from asktell_server.store.calls import ScriptCalls
from asktell_server.store.driver import store_unavailable
from asktell_server.store.hub import Hub
from asktell_server.store.keys import meta_key
from asktell_server.store.protocol import LogEntry, StudyDelta
from asktell_server.store.replies import read_entry, read_head, read_prepared

_PAGE = 500
"""Log entries that a watcher reads in one round trip."""
_RETRY_WATCH_S = 1.0


class RedisLog:
    """Implements `protocol.LogStore`."""

    _calls: ScriptCalls
    _hub: Hub

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """See LogStore."""
        arguments = {"after": after, "limit": limit, "lapsed_limit": lapsed_limit, "ready": ready}
        while (reply := await self._calls.ask("read_delta", name, arguments))[0] == b"CLOCK_SET_BACK":
            await self._calls.ask("set_leases_back", name, {})
        _, fields, raw, lapsed, next_ms, seconds, microseconds, prepared = reply
        head = read_head(fields)
        entries = await in_pieces(read_entry, raw)
        return StudyDelta(
            head=head,
            entries=entries,
            more=(entries[-1].sequence if entries else after) < head.sequence,
            lapsed=[int(number) for number in lapsed],
            next_lapse_s=None if next_ms < 0 else next_ms / 1000,
            now=from_microseconds(int(seconds) * 1_000_000 + int(microseconds)),
            ready=[each for element in prepared if (each := read_prepared(element)) is not None],
        )

    async def watch(self, name: StudyName, *, after: int) -> AsyncIterator[LogEntry]:
        """See LogStore. A store that is away is waited for."""

        async def read(sequence: int) -> StudyDelta:
            return await self.read_delta(name, after=sequence, limit=_PAGE, lapsed_limit=0)

        epoch: str | None = None
        async with self._hub.channel(meta_key(name)) as channel:
            while not self._hub.closed:
                generation = channel.generation
                try:
                    delta = await channel.read(after, read)
                except Unavailable:
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(channel.wait(generation), _RETRY_WATCH_S)
                    continue
                if epoch not in (None, delta.head.epoch):
                    raise study_not_found(str(name))
                epoch = delta.head.epoch
                for entry in delta.entries:
                    yield entry
                    after = entry.sequence
                if not delta.more:
                    await channel.wait(generation)
        raise store_unavailable("the server is stopping")
