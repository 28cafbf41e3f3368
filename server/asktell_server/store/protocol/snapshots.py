"""Snapshots: what a server has made of a study's log up to a position, so that others need not read all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_PIECE_BYTES = 256 * 1024
"""Most bytes of a piece: writing or reading one keeps a store busy for a millisecond or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A snapshot without its pieces. To a store all of it is opaque.

    Attributes:
        epoch: of the study that it belongs to.
        sequence: it holds every change up to this position of the log, and may hold later ones.
        manifest: says what the pieces are.
        pieces: their names, each one word.
    """

    epoch: str
    sequence: int
    manifest: bytes
    pieces: Sequence[str]
