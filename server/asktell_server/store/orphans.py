"""What a killed server leaves in its data directory: a Valkey that still runs, a socket, a note of both."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from asktell_server.store.locks import FileLock
from asktell_server.store.valkey_process import (
    RUNTIME_PREFIX,
    SOCKET,
    STOP_S,
    EmbeddedStoreError,
    came_true,
    client_of,
    write_private,
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Which Valkey was started last, and where its socket is; None = not known."""

    pid: int | None = None
    runtime: Path | None = None

    def write(self, directory: Path) -> None:
        """Keeps the note in the data directory."""
        data = {"pid": self.pid, "runtime": None if self.runtime is None else str(self.runtime)}
        write_private(_path(directory), json.dumps(data))

    @classmethod
    def read(cls, directory: Path) -> Note:
        """The note in the data directory; nothing is known where there is none."""
        with contextlib.suppress(OSError, ValueError):
            data = json.loads(_path(directory).read_text())
            pid, runtime = data.get("pid"), data.get("runtime")
            return cls(
                pid=pid if isinstance(pid, int) else None, runtime=Path(runtime) if isinstance(runtime, str) else None
            )
        return cls()

    def clear(self, directory: Path) -> None:
        """Removes the socket's directory and the note."""
        if self.runtime is not None and self.runtime.name.startswith(RUNTIME_PREFIX):
            shutil.rmtree(self.runtime, ignore_errors=True)
        _path(directory).unlink(missing_ok=True)


async def end_orphan(directory: Path, lock: FileLock) -> None:
    """Ends the Valkey that a killed server left behind, if there is one; what it acknowledged is on disk.

    `lock` is the one that a Valkey on the directory holds for as long as it lives.

    Raises:
        EmbeddedStoreError: something holds the lock and does not end.
    """
    note = Note.read(directory)
    if not lock.acquire():
        if note.pid is not None and await is_valkey_of(directory, note):
            _log.warning("stopping the Valkey process %d that a former server left behind", note.pid)
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(note.pid, number)
                if await came_true(lock.acquire, STOP_S):
                    break
        # Else it is perhaps the helper with which Valkey compacts its log: it ends soon after its parent.
        if not await came_true(lock.acquire, STOP_S):
            raise EmbeddedStoreError(f"a Valkey process still uses {directory} and does not stop; stop it first")
    lock.release()
    note.clear(directory)


async def is_valkey_of(directory: Path, note: Note) -> bool:
    """The process is the Valkey of this directory, not another one that got the same number since."""
    with contextlib.suppress(OSError):
        return os.path.samefile(f"/proc/{note.pid}/cwd", directory)  # noqa: ASYNC240, PTH121  no disk behind it
    if note.runtime is None:
        return False
    client: Any = client_of(note.runtime / SOCKET, timeout_s=1.0)  # a system without /proc
    try:
        information = await client.info("server")
        return bool(information["process_id"] == note.pid)
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


def _path(directory: Path) -> Path:
    return directory / "valkey.json"
