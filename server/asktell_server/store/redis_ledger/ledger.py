"""All parts of the ledger on one link to the store."""

from __future__ import annotations

from asktell_server.store.calls import ScriptCalls
from asktell_server.store.driver import translated
from asktell_server.store.durability import require_durable
from asktell_server.store.hub import Hub
from asktell_server.store.index import ProjectIndex
from asktell_server.store.link import Link
from asktell_server.store.redis_ledger.log import RedisLog
from asktell_server.store.redis_ledger.measurements import RedisMeasurements
from asktell_server.store.redis_ledger.prepared import RedisPrepared
from asktell_server.store.redis_ledger.snapshots import RedisSnapshots
from asktell_server.store.redis_ledger.studies import RedisStudies
from asktell_server.store.redis_ledger.trials import RedisTrials


class RedisLedger(RedisStudies, RedisTrials, RedisLog, RedisMeasurements, RedisPrepared, RedisSnapshots):
    """Implements `protocol.Ledger`; made by `connect`."""

    def __init__(self, link: Link, *, verify_durability: bool = True) -> None:
        self._link = link
        self._verify_durability = verify_durability
        self._hub = Hub(link)
        self._calls = ScriptCalls(link)
        self._index = ProjectIndex(link)

    async def check(self) -> None:
        """See Ledger."""
        with translated("check", self._link.name):
            masters = await self._link.masters()
            if self._verify_durability:
                await require_durable(masters)
            for node in masters.values():
                await node.execute_command("PING")

    async def close(self) -> None:
        """See Ledger. Changes on their way are finished first."""
        await self._hub.close()
        await self._link.close()
