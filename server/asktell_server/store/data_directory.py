"""The data directory of the embedded store: locked, private to its user, and noticed when it is taken away."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import platformdirs

from asktell_server.store.locks import FileLock
from asktell_server.store.manifest import read_manifest
from asktell_server.store.valkey_process import APPEND_ONLY, EmbeddedStoreError

_log = logging.getLogger(__name__)

_TRIES = 3  # Valkey may replace its files between the look at its manifest and the look at them


def default_data_dir() -> Path:
    """Where the embedded store keeps its data unless told otherwise."""
    return Path(platformdirs.user_data_dir("asktell", appauthor=False))


def lock_directory(directory: Path, lock: FileLock) -> None:
    """Makes the directory where there is none, and takes the lock of the process that uses it.

    Raises:
        EmbeddedStoreError: another process uses it, or it cannot be used.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not lock.acquire():
            raise EmbeddedStoreError(
                f"the data directory {directory} is in use by process {lock.holder}; stop it, or "
                "give each server its own --data-dir (servers that share studies share one --store instead)"
            )
    except OSError as error:
        raise EmbeddedStoreError(f"the data directory {directory} cannot be used: {error}") from error


def make_private(directory: Path) -> None:
    """Takes the rights of others away from the directory and its files, which older versions left open to read."""
    folder = directory / APPEND_ONLY
    paths = [directory, *directory.glob("valkey.*"), folder, *folder.glob("*")]
    for path in paths:
        try:
            mode = path.stat().st_mode
            if mode & 0o077:
                path.chmod(mode & 0o700)
        except FileNotFoundError:
            continue
        except OSError as error:
            _log.warning("other users may be able to read %s: %s", path, error)


class DirectoryWatch:
    """Notices when the files that a running Valkey writes to are no longer those in its data directory.

    Valkey itself does not: it goes on writing to files that have no name any more, and acknowledges.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        # Open descriptors: as long as they are, no new file or directory can get the same inode number.
        self._opened: dict[Path, int] = {}
        for path in (directory, directory / APPEND_ONLY):
            self._open(path)

    def close(self) -> None:
        """Lets go of the files."""
        while self._opened:
            os.close(self._opened.popitem()[1])

    def look(self) -> str:
        """What is wrong now, for people; "" when nothing is."""
        trouble = ""
        for _ in range(_TRIES):
            trouble = self._trouble()
            if not trouble:
                break
        return trouble

    def _trouble(self) -> str:
        for path in (self._directory, self._directory / APPEND_ONLY):
            if not self._is_same(path):
                return f"{path} was deleted or replaced while the server used it"
        try:
            files = read_manifest(self._directory)
        except EmbeddedStoreError as error:
            return str(error)
        if files is None or not files.changes:
            return f"the manifest in {self._directory / APPEND_ONLY} was deleted or replaced while the server used it"
        written = files.changes[-1]
        try:
            if written not in self._opened:  # a compaction has begun a new one
                for former in self._opened.keys() - {self._directory, self._directory / APPEND_ONLY}:
                    os.close(self._opened.pop(former))
                self._open(written)
        except OSError as error:
            return f"{written} cannot be read: {error}"
        if not self._is_same(written):
            return f"{written} was deleted or replaced while the server used it"
        return ""

    def _open(self, path: Path) -> None:
        self._opened[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def _is_same(self, path: Path) -> bool:
        try:
            return os.path.samestat(path.stat(), os.fstat(self._opened[path]))
        except OSError:
            return False
