"""Snapshots of studies, in pieces that a store can write and read in passing."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.names import StudyName
from asktell_server.store.calls import ScriptCalls
from asktell_server.store.protocol import MAX_PIECE_BYTES, Snapshot


class RedisSnapshots:
    """Implements `protocol.SnapshotStore`. Nothing is lost with a snapshot, so nobody waits for the replicas."""

    _calls: ScriptCalls

    async def read_snapshot(self, name: StudyName) -> Snapshot | None:
        """See SnapshotStore."""
        _, kept = await self._calls.ask("read_snapshot", name, {})
        if kept is None:
            return None
        epoch, sequence, manifest, pieces = kept
        return Snapshot(
            epoch=epoch.decode(), sequence=sequence, manifest=manifest, pieces=[piece.decode() for piece in pieces]
        )

    async def read_pieces(self, name: StudyName, pieces: Sequence[str]) -> Sequence[bytes | None]:
        """See SnapshotStore."""
        _, found = await self._calls.ask("read_pieces", name, {"pieces": list(pieces)})
        return list(found)

    async def write_piece(self, name: StudyName, *, epoch: str, piece: str, data: bytes) -> None:
        """See SnapshotStore."""
        if len(data) > MAX_PIECE_BYTES:
            raise ValueError(f"a piece has at most {MAX_PIECE_BYTES} bytes, got {len(data)}")
        await self._calls.ask("write_piece", name, {"epoch": epoch, "piece": piece, "data": data})

    async def keep_snapshot(self, name: StudyName, snapshot: Snapshot) -> bool:
        """See SnapshotStore."""
        arguments = {
            "epoch": snapshot.epoch,
            "sequence": snapshot.sequence,
            "manifest": snapshot.manifest,
            "pieces": list(snapshot.pieces),
        }
        _, kept = await self._calls.ask("keep_snapshot", name, arguments)
        return bool(kept)
