"""All parts of the ledger in memory."""

from __future__ import annotations

from asktell_server.store.memory.log import MemoryLog
from asktell_server.store.memory.measurements import MemoryMeasurements
from asktell_server.store.memory.prepared import MemoryPrepared
from asktell_server.store.memory.snapshots import MemorySnapshots
from asktell_server.store.memory.studies import MemoryStudies
from asktell_server.store.memory.trials import MemoryTrials


class MemoryLedger(MemoryStudies, MemoryTrials, MemoryLog, MemoryMeasurements, MemoryPrepared, MemorySnapshots):
    """Implements `protocol.Ledger`."""

    async def check(self) -> None:
        """See Ledger."""

    async def close(self) -> None:
        """See Ledger."""
