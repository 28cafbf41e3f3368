"""Snapshots of studies."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.names import StudyName
from asktell_server.store.memory.state import MemoryState
from asktell_server.store.protocol import Snapshot


class MemorySnapshots(MemoryState):
    """Implements `protocol.SnapshotStore`."""

    async def read_snapshot(self, name: StudyName) -> Snapshot | None:
        """See SnapshotStore."""
        return self._stored(name).snapshot

    async def read_pieces(self, name: StudyName, pieces: Sequence[str]) -> Sequence[bytes | None]:
        """See SnapshotStore."""
        stored = self._stored(name)
        return [stored.pieces.get(piece) for piece in pieces]

    async def write_piece(self, name: StudyName, *, epoch: str, piece: str, data: bytes) -> None:
        """See SnapshotStore."""
        stored = self._studies.get(name)
        if stored is not None and stored.epoch == epoch:
            stored.pieces[piece] = data

    async def keep_snapshot(self, name: StudyName, snapshot: Snapshot) -> bool:
        """See SnapshotStore."""
        stored = self._studies.get(name)
        if stored is None or stored.epoch != snapshot.epoch or not 1 <= snapshot.sequence <= len(stored.log):
            return False
        if stored.snapshot is not None and stored.snapshot.sequence > snapshot.sequence:
            return False
        if any(piece not in stored.pieces for piece in snapshot.pieces):
            return False
        stored.snapshot = snapshot
        stored.pieces = {piece: stored.pieces[piece] for piece in snapshot.pieces}
        return True
