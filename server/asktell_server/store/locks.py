"""Advisory file locks that end with the process that holds them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class FileLock:
    """An exclusive lock on a file, which holds the process id of its owner."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Takes the lock unless another process, or another lock object, has it."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Gives our hold up; a child process that inherited the descriptor keeps the lock."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def fileno(self) -> int:
        """The descriptor to hand to a child process."""
        if self._descriptor is None:
            raise RuntimeError("the lock is not held")
        return self._descriptor

    @property
    def holder(self) -> str:
        """The process id that the owner wrote, for messages."""
        try:
            return self._path.read_text().strip() or "?"
        except OSError:
            return "?"
