"""The append-only files of a Valkey: whether they are whole, and what a power cut left at their end.

Valkey writes and syncs every change before it acknowledges it (`appendfsync always`). A power cut can leave the last
write half done, or a piece of the file that was allocated and never written. All of that lies behind the last synced
byte, so nothing in it was acknowledged and it may be cut off. Where whole commands follow a damage, something else has
damaged the file, and acknowledged changes may be among them: that is left to people.

Valkey alone would cut at the first command that seems to go beyond the file's end, whatever follows it
(`aof-load-truncated`, which is therefore off), and would not start at all after other garbage.
"""

from __future__ import annotations

import mmap
import os
import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from asktell_server.store.manifest import read_manifest
from asktell_server.store.valkey_process import EmbeddedStoreError

_ARRAY = re.compile(rb"\*([1-9][0-9]{0,8})\r\n")
_BULK = re.compile(rb"\$([0-9]{1,9})\r\n")
_COMMAND_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9._|-]{0,63}")
_COMMAND_START = re.compile(rb"\*[1-9][0-9]{0,8}\r\n\$[0-9]{1,2}\r\n[A-Za-z]")
_ANNOTATION = re.compile(rb"#[^\r\n]{0,1024}\r\n")
_Bytes = bytes | mmap.mmap


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """The end of the newest file is not whole. Offsets and sizes are in bytes."""

    path: Path
    why: str
    offset: int
    """Where the first command begins that is not whole."""
    cut_at: int
    """Where the file has to end: at `offset`, or at the start of the transaction that is open there."""
    size: int
    later_command: int | None
    """Where a whole command follows, if one does."""

    @property
    def lost(self) -> int:
        """How many bytes a cut takes away."""
        return self.size - self.cut_at


def find_damage(directory: Path) -> Damage | None:
    """Looks through the files of changes; None when they are whole, or when there are none.

    Raises:
        EmbeddedStoreError: as `read_manifest` does, or a damage that no power cut explains: one in a file that is not
            the newest, or in the base.
    """
    files = read_manifest(directory)
    if files is None:
        return None
    if files.base is not None and files.base.suffix == ".rdb":
        _require_whole_base(files.base)
    for path in files.changes:
        damage = _damage_of(path)
        if damage is not None:
            if path == files.changes[-1]:
                return damage
            raise EmbeddedStoreError(
                f"{path} is damaged at byte {damage.offset} ({damage.why}), and it is not the newest file, so "
                "acknowledged changes are damaged. Restore the data directory from a backup"
            )
    return None


def describe(damage: Damage) -> str:
    """The damage in a sentence without its full stop."""
    return f"{damage.path} is damaged at byte {damage.offset} of {damage.size} ({damage.why})"


def cut(damage: Damage, *, now: datetime, lose_later_changes: bool = False) -> Path:
    """Cuts the damaged end off; the whole file is kept under the returned name first.

    Raises:
        EmbeddedStoreError: whole commands follow the damage, and `lose_later_changes` is not set; nothing was changed.
        OSError: there is no room for the copy, or the file cannot be written.
    """
    if damage.later_command is not None and not lose_later_changes:
        raise EmbeddedStoreError(
            f"{describe(damage)}, and whole changes follow from byte {damage.later_command} on: a power cut does not do "
            "that, and acknowledged changes may be among them. Nothing was changed. Restore the data directory from a "
            "backup, or give up everything from the damage on with: asktell-server store repair --lose-later-changes"
        )
    kept = _kept_name(damage.path, now)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy, damage.path.open("rb") as original:
        shutil.copyfileobj(original, copy)
        copy.flush()
        os.fsync(copy.fileno())
    with damage.path.open("r+b") as file:
        file.truncate(damage.cut_at)
        os.fsync(file.fileno())
    folder = os.open(damage.path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return kept


def _kept_name(path: Path, now: datetime) -> Path:
    """A new name outside of the folder that Valkey keeps its files in."""
    first = path.parents[1] / f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}"
    kept, count = first, 1
    while kept.exists():
        count += 1
        kept = first.with_name(f"{first.name}-{count}")
    return kept


def _require_whole_base(path: Path) -> None:
    """A snapshot begins with its format's name and has an end mark before its checksum, which Valkey checks itself."""
    with path.open("rb") as file:
        head = file.read(6)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 9))
        mark = file.read(1)
    if not head.startswith((b"REDIS", b"VALKEY")) or mark != b"\xff":
        raise EmbeddedStoreError(
            f"{path} is damaged: it is not a whole snapshot. Restore the data directory from a backup"
        )


class _Broken(Exception):
    """No whole command begins here; the message says why."""


def _damage_of(path: Path) -> Damage | None:
    size = path.stat().st_size
    if size == 0:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, transaction = 0, -1
        try:
            while at < size:
                name, end = _command(data, at)
                if name == b"MULTI":
                    transaction = at
                elif name == b"EXEC":
                    transaction = -1
                at = end
            if transaction < 0:
                return None
            why = "it ends in the middle of a transaction"
        except _Broken as error:
            why = str(error)
        return Damage(
            path=path,
            why=why,
            offset=at,
            cut_at=at if transaction < 0 else transaction,
            size=size,
            later_command=_whole_command_after(data, at),
        )


def _command(data: _Bytes, at: int) -> tuple[bytes, int]:
    """The name of the command at `at` in capitals (b"" for an annotation), and where it ends."""
    if annotation := _ANNOTATION.match(data, at):
        return b"", annotation.end()
    if (array := _ARRAY.match(data, at)) is None:
        raise _Broken("no command begins there")
    position, name = array.end(), b""
    for index in range(int(array[1])):
        bulk = _BULK.match(data, position)
        if bulk is None:
            raise _Broken("the command there breaks off")
        end = bulk.end() + int(bulk[1])
        if data[end : end + 2] != b"\r\n":
            raise _Broken("the command there breaks off")
        if index == 0:
            name = data[bulk.end() : end]
            if not _COMMAND_NAME.fullmatch(name):
                raise _Broken("no command begins there")
        position = end + 2
    return name.upper(), position


def _whole_command_after(data: _Bytes, at: int) -> int | None:
    for start in _COMMAND_START.finditer(data, at + 1):
        try:
            _command(data, start.start())
        except _Broken:
            continue
        return start.start()
    return None
