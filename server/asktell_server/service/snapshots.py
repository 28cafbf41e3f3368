"""Snapshots of views: what a server knows of a study, in the store, so that a server that starts need not read its log.

A view is written in parts of a thousand trials. A part is named by its content, and a later snapshot names those again in
which nothing has changed: a study that grows writes its newest parts, not all of it. A snapshot at position C holds every
change up to C. It may hold later ones, since parts are taken one after the other while the study goes on; the log after C
brings those once more, which changes nothing.

A snapshot can always be made again. Whatever is wrong with one is a reason to read the trials instead, and a line in the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from asktell_server.domain.errors import AsktellError
from asktell_server.domain.names import StudyName
from asktell_server.pace import without_collector
from asktell_server.service.log_pages import log_pages
from asktell_server.service.snapshot_parts import Manifest, NoSnapshot, read_part, readable, sealed_part
from asktell_server.service.study_view import StudyView
from asktell_server.service.view_parts import ViewPart
from asktell_server.store.codec import digest
from asktell_server.store.protocol import MAX_PIECE_BYTES, LogStore, Snapshot, SnapshotStore, StudyHead

log = logging.getLogger(__name__)

EVERY = 5000
"""Changes of a study from one snapshot to the next: reading so many takes a few tenths of a second."""
WORTH = 50
"""A fiftieth of that is worth a snapshot when the study is at rest or the server stops: reading a hundred changes takes 10 ms."""
MAX_BYTES = 256 * 2**20
"""Most bytes of a snapshot; a study that needs more has none."""
_GROUP_BYTES = 2**20
"""About as many bytes are read in one round trip."""


class _Store(SnapshotStore, LogStore, Protocol):
    """The parts of the ledger that are needed here."""


class Snapshots:
    """Reads the snapshots of studies, and writes them beside what else is done."""

    def __init__(self, ledger: _Store, *, every: int = EVERY, max_bytes: int = MAX_BYTES) -> None:
        self._ledger = ledger
        self._every = every
        self._least = max(1, every // WORTH)
        self._max_bytes = max_bytes
        self._writing: dict[StudyName, asyncio.Task[None]] = {}
        self._unusable: dict[StudyName, Snapshot] = {}
        """What was left alone, to be written anew: no part of it may stand in the next one."""

    async def load(self, head: StudyHead) -> StudyView | None:
        """A view made of the study's snapshot and the log since, if that goes; None: read the trials.

        Raises:
            NotFound: no such study. Unavailable: the store is away.
        """
        name = head.study.name
        if (
            head.sequence < self._least or head.study.former_groups
        ):  # it would not have been worth while, or there is none
            return None
        began = time.monotonic()
        snapshot = await self._ledger.read_snapshot(name)
        if snapshot is None:
            return None
        try:
            view = await self._restored(head, snapshot)
        except NoSnapshot as error:
            log.warning("the snapshot of %s is left alone, its trials are read instead: %s", name, error)
            self._unusable[name] = snapshot
            return None
        view.snapshot_sequence = snapshot.sequence
        log.debug("read the snapshot of %s in %.3f s: %d trials", name, time.monotonic() - began, len(view.trials))
        return view

    def consider(self, view: StudyView) -> None:
        """Begins to write a snapshot of the view if enough has changed since the last one."""
        if view.study.name not in self._writing:
            self._begin(view, after=self._every)

    async def catch_up(self, view: StudyView) -> None:
        """Writes a snapshot of the view if the last one is not nearly up to date; returns when that is done."""
        if (writing := self._writing.get(view.study.name)) is not None:
            await asyncio.wait({writing})
        if (writing := self._begin(view, after=self._least)) is not None:
            await asyncio.wait({writing})

    def _begin(self, view: StudyView, *, after: int) -> asyncio.Task[None] | None:
        """Begins to write a snapshot if there have been so many changes since the last one."""
        # A view of a study whose data has changed keeps results in groups, which a snapshot has no place for.
        if view.sequence - view.snapshot_sequence < after or view.study.former_groups:
            return None
        name = view.study.name
        task = self._writing[name] = asyncio.create_task(self._write(view, after), name=f"snapshot {name}")
        task.add_done_callback(lambda _: self._writing.pop(name, None))
        return task

    async def settle(self) -> None:
        """Waits for what is being written."""
        await asyncio.gather(*self._writing.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stops writing."""
        tasks = list(self._writing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _restored(self, head: StudyHead, snapshot: Snapshot) -> StudyView:
        """Raises NoSnapshot."""
        name = head.study.name
        if snapshot.epoch != head.epoch or snapshot.sequence > head.sequence:
            raise NoSnapshot("it is of another study of this name, or of a later log")
        manifest = Manifest.of(snapshot.manifest)
        view = StudyView(head, sequence=snapshot.sequence)
        parts: list[ViewPart] = []
        reading: asyncio.Future[None] | None = None
        for group in _groups(manifest):
            wanted = [piece for _, pieces in group for piece in pieces]
            found = dict(zip(wanted, await self._ledger.read_pieces(name, wanted), strict=True))
            if reading is not None:
                await reading
            reading = asyncio.ensure_future(asyncio.to_thread(_read_group, group, found, parts))
        if reading is not None:
            await reading
        try:
            await asyncio.to_thread(_restore, view, parts)
        except (TypeError, ValueError) as error:
            raise NoSnapshot(f"its parts do not fit the study: {error!r}") from error
        async for page in log_pages(self._ledger, name, after=view.sequence):
            if page.head.epoch != head.epoch:
                raise NoSnapshot("the study was replaced meanwhile")
            await view.follow(page)
        _check(view)
        return view

    async def _write(self, view: StudyView, after: int) -> None:
        name = view.study.name
        # Where nothing comes of it, not again until half as many changes have come.
        again = view.sequence - self._every // 2
        try:
            await self._write_if_wanted(view, after)
        except AsktellError as error:
            log.warning("no snapshot of %s: %s", name, error)
        except Exception:
            log.exception("no snapshot of %s", name)
        finally:
            view.snapshot_sequence = max(view.snapshot_sequence, again)

    async def _write_if_wanted(self, view: StudyView, after: int) -> None:
        name, sequence = view.study.name, view.sequence
        kept = await self._ledger.read_snapshot(name)
        base = None if kept is None or kept.epoch != view.head.epoch else readable(kept.manifest)
        if kept is None or base is None or kept.sequence > sequence or kept == self._unusable.get(name):
            base, before = Manifest(parts={}), -1
        else:
            before = kept.sequence
            if before + after > sequence:  # another server's
                view.snapshot_sequence = before
                return
        began = time.monotonic()
        manifest = await self._write_parts(view, base, before)
        if manifest is None:
            log.warning("no snapshot of %s: it would take more than %d MB", name, self._max_bytes >> 20)
            view.snapshot_sequence = 2 * sequence  # not before the study is twice as long
            if kept is not None:
                await self._ledger.keep_snapshot(name, kept)  # once more: that drops the pieces that were written
            return
        snapshot = Snapshot(
            epoch=view.head.epoch, sequence=sequence, manifest=manifest.sealed(), pieces=manifest.pieces
        )
        if await self._ledger.keep_snapshot(name, snapshot):
            view.snapshot_sequence = sequence
            self._unusable.pop(name, None)
            took = time.monotonic() - began
            log.debug("wrote the snapshot of %s in %.3f s: %d bytes in all", name, took, manifest.size)

    async def _write_parts(self, view: StudyView, base: Manifest, before: int) -> Manifest | None:
        """Writes the parts that are not in `base` as they are now, a snapshot at position `before`. None: too large."""
        changed = frozenset(view.parts_changed(before))
        parts: dict[int, tuple[Sequence[str], int]] = {}
        size = 0
        for index in range(view.part_count):
            if index in changed or index not in base.parts:
                parts[index] = await self._write_part(view, index)
            else:
                parts[index] = base.parts[index]
            size += parts[index][1]
            if size > self._max_bytes:
                return None
        return Manifest(parts=parts)

    async def _write_part(self, view: StudyView, index: int) -> tuple[Sequence[str], int]:
        name, epoch, part = view.study.name, view.head.epoch, view.part(index)
        began = time.monotonic()
        sealed, shelves = await asyncio.to_thread(sealed_part, index, part)
        took = time.monotonic() - began
        pieces = []
        for start in range(0, len(sealed), MAX_PIECE_BYTES):
            data = sealed[start : start + MAX_PIECE_BYTES]
            pieces.append(f"{index}-{digest(data).hex()}")
            await self._ledger.write_piece(name, epoch=epoch, piece=pieces[-1], data=data)
        view.pack(part.trials, shelves)
        await asyncio.sleep(took)  # the thread shares the interpreter with the event loop: calls go first
        return pieces, len(sealed)


def _read_group(
    group: Sequence[tuple[int, Sequence[str]]], found: Mapping[str, bytes | None], parts: list[ViewPart]
) -> None:
    """Adds the parts of the group to `parts`. Raises NoSnapshot."""
    with without_collector():
        for index, pieces in group:
            data = [found[piece] for piece in pieces]
            if None in data:
                raise NoSnapshot("a piece of it is missing")
            try:
                parts.append(read_part(index, b"".join(piece for piece in data if piece is not None)))
            except (KeyError, TypeError, ValueError) as error:
                raise NoSnapshot(f"part {index} of it cannot be read: {error!r}") from error


def _restore(view: StudyView, parts: Sequence[ViewPart]) -> None:
    with without_collector():
        view.restore(parts)


def _check(view: StudyView) -> None:
    """Raises NoSnapshot when the view and the store's own counts differ."""
    trials, ended = sum(view.head.counts.values()), view.head.ended
    if (len(view.trials), view.ended) != (trials, ended):
        raise NoSnapshot(
            f"it holds {len(view.trials)} trials, {view.ended} ended; the store counts {trials}, {ended} ended"
        )


def _groups(manifest: Manifest) -> list[list[tuple[int, Sequence[str]]]]:
    """The parts with their pieces in their order, in groups of about the bytes of one round trip."""
    groups: list[list[tuple[int, Sequence[str]]]] = []
    room = 0
    for index, (pieces, size) in sorted(manifest.parts.items()):
        if room <= 0:
            groups.append([])
            room = _GROUP_BYTES
        groups[-1].append((index, pieces))
        room -= size
    return groups
