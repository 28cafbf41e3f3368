"""Mending the files of an embedded store: by itself at its start, and by the commands `asktell-server store`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from asktell_server.store.append_only import Damage, cut, describe, find_damage
from asktell_server.store.data_directory import default_data_dir, lock_directory
from asktell_server.store.locks import FileLock
from asktell_server.store.orphans import Note
from asktell_server.store.valkey_process import APPEND_ONLY, EmbeddedStoreError

_log = logging.getLogger(__name__)


def check_files(data_dir: Path | None) -> Damage | None:
    """Looks through the files of a data directory that no server uses; None when they are whole.

    Raises:
        EmbeddedStoreError: the directory is in use or has no data, or a damage that cannot be mended by a cut.
    """
    with _own(data_dir) as directory:
        return find_damage(directory)


def repair_files(data_dir: Path | None, *, lose_later_changes: bool) -> tuple[Damage, Path] | None:
    """Cuts a damaged end off and returns it with the copy that was kept of the file; None when the files are whole.

    Raises:
        EmbeddedStoreError: as `check_files` does; or whole changes follow the damage and `lose_later_changes` is not set.
    """
    with _own(data_dir) as directory:
        damage = find_damage(directory)
        if damage is None:
            return None
        try:
            return damage, cut(damage, now=datetime.now(UTC), lose_later_changes=lose_later_changes)
        except OSError as error:
            raise EmbeddedStoreError(f"{damage.path} cannot be mended: {error}") from error


@contextlib.contextmanager
def _own(data_dir: Path | None) -> Iterator[Path]:
    """The data directory, with both of its locks taken."""
    directory = (data_dir or default_data_dir()).expanduser().absolute()
    if not (directory / APPEND_ONLY).is_dir():
        raise EmbeddedStoreError(f"there are no studies in {directory}")
    server_lock, store_lock = FileLock(directory / "server.lock"), FileLock(directory / "store.lock")
    try:
        lock_directory(directory, server_lock)
        if not store_lock.acquire():
            raise EmbeddedStoreError(
                f"the Valkey process {Note.read(directory).pid or ''} of a killed server still uses {directory}; "
                "end it, or start and stop a server there"
            )
        yield directory
    finally:
        store_lock.release()
        server_lock.release()


def cut_unsynced(damage: Damage) -> None:
    """Cuts off what a power cut left behind the last synced byte, and logs what and where the file is kept.

    Raises:
        EmbeddedStoreError: whole changes follow the damage, or the file cannot be written.
    """
    try:
        kept = cut(damage, now=datetime.now(UTC))
    except OSError as error:
        raise EmbeddedStoreError(f"{describe(damage)} and cannot be mended: {error}") from error
    _log.warning(
        "%s: the last %d bytes were cut off. They lie behind the last byte that was synced to the disk, as a power cut "
        "leaves them, so no acknowledged change was in them. The damaged file is kept as %s",
        describe(damage),
        damage.lost,
        kept,
    )
