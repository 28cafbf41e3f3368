"""WatchStudy: the study's log as a stream, from a cursor on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import LogEntry, LogStore, StudyHead, StudyStore


class _Store(StudyStore, LogStore, Protocol):
    """The parts of the ledger that are needed here."""


class Watching:
    """Streams of changes."""

    def __init__(self, ledger: _Store) -> None:
        self._ledger = ledger

    async def watch(self, name: StudyName, *, cursor: str) -> AsyncIterator[tuple[StudyHead, LogEntry]]:
        """Changes after `cursor` ("" = from the beginning), for ever, each with the head as of the start.

        Raises:
            NotFound: the study is not there, or not any more.
            InvalidArgument: the cursor is none of this study (INVALID_TOKEN).
        """
        head = await self._ledger.read_head(name)
        after = parse_cursor(cursor, head) if cursor else 0
        async for entry in self._ledger.watch(name, after=after):
            yield head, entry


def cursor_at(head: StudyHead, sequence: int) -> str:
    """The cursor of a log position. It carries the epoch: positions of a deleted study of the same name do not fit."""
    return f"{head.epoch}:{sequence}"


def parse_cursor(cursor: str, head: StudyHead) -> int:
    """The log position of a cursor. Raises InvalidArgument (INVALID_TOKEN) when it is none of this study."""
    epoch, _, sequence = cursor.partition(":")
    if epoch != head.epoch or not sequence.isdecimal() or len(sequence) > 16 or int(sequence) > head.sequence:
        raise InvalidArgument(
            "cursor", "is not a cursor of this study (it may have been deleted since)", reason=ErrorReason.INVALID_TOKEN
        )
    return int(sequence)
