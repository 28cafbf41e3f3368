"""The embedded store: a Valkey server of our own in a locked data directory.

The server process outlives a terminal's Ctrl-C and even a kill -9 of this one (nothing acknowledged is lost either way:
its log is on disk before it answers). Whoever opens the directory next stops such an orphan and starts a fresh one. If
it dies while we run, it is started again. What a power cut leaves behind the last synced byte is cut off first.

Two locks guard the directory. `server.lock` belongs to the process that uses the directory; a second one is refused.
`store.lock` is inherited by the Valkey process and held for as long as it lives, so that no two can ever write there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from asktell_server.processes import Child
from asktell_server.store.append_only import find_damage
from asktell_server.store.data_directory import DirectoryWatch, default_data_dir, lock_directory, make_private
from asktell_server.store.driver import store_unavailable
from asktell_server.store.locks import FileLock
from asktell_server.store.manifest import read_manifest
from asktell_server.store.orphans import Note, end_orphan, is_valkey_of
from asktell_server.store.repair import cut_unsynced
from asktell_server.store.tasks import end_task
from asktell_server.store.valkey_process import (
    APPEND_ONLY,
    SOCKET,
    EmbeddedStoreError,
    ValkeyEndedError,
    end,
    launch,
    make_runtime_dir,
    wait_ready,
)

__all__ = ["EmbeddedStore", "EmbeddedStoreError", "default_data_dir", "look_into"]

_log = logging.getLogger(__name__)

_RESTART_S = (0.05, 5.0)  # first and longest pause between attempts


class EmbeddedStore:
    """A Valkey server on `data_dir` (None = the default), running between `start` and `stop`, or in `async with`."""

    def __init__(self, data_dir: Path | None = None, *, start_timeout_s: float = 60.0) -> None:
        self._directory = (data_dir or default_data_dir()).expanduser().absolute()
        self._start_timeout_s = start_timeout_s
        self._server_lock = FileLock(self._directory / "server.lock")
        self._store_lock = FileLock(self._directory / "store.lock")
        self._note = Note()
        self._process: Child | None = None
        self._watch: DirectoryWatch | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The store URL for `connect`."""
        return _url(self._socket.parent)

    @property
    def pid(self) -> int | None:
        """The process id of the Valkey server, while there is one."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Locks the directory, ends an orphan of a killed server, starts Valkey and waits until it answers.

        Raises:
            EmbeddedStoreError: the directory is in use by another process or cannot be written, there is no Valkey for
                this platform, or it does not come up.
        """
        lock_directory(self._directory, self._server_lock)
        try:
            await end_orphan(self._directory, self._store_lock)
            self._note = Note(runtime=make_runtime_dir())
            make_private(self._directory)
            await self._launch()
            self._watch = DirectoryWatch(self._directory)
        except BaseException:
            await self.stop()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name="embedded-store")

    async def stop(self) -> None:
        """Stops Valkey and releases the directory; fine to call twice."""
        if self._supervisor is not None:
            await end_task(self._supervisor)
            self._supervisor = None
        if self._process is not None:
            await end(self._process)
            self._process = None
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._note.runtime is not None:
            self._note.clear(self._directory)
            self._note = Note()
        self._store_lock.release()
        self._server_lock.release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def check(self) -> None:
        """Looks whether the data directory is still the one that was opened; changes are lost from then on if not.

        Raises:
            Unavailable: it, or a file that the store writes to, was deleted or replaced.
        """
        if trouble := await asyncio.to_thread(self._trouble):
            raise store_unavailable(
                f"the store does not keep what it is given: {trouble}. Stop the server, and restore the directory "
                "from a backup"
            )

    def _trouble(self) -> str:
        return "" if self._watch is None else self._watch.look()

    @property
    def _socket(self) -> Path:
        if self._note.runtime is None:
            raise RuntimeError("the embedded store is not started")
        return self._note.runtime / SOCKET

    async def _launch(self) -> None:
        if trouble := self._trouble():  # on an empty directory it would start, and would be empty
            raise EmbeddedStoreError(trouble)
        read_manifest(self._directory)
        try:
            await self._launch_once()
        except ValkeyEndedError:
            damage = await asyncio.to_thread(find_damage, self._directory)
            if damage is None:
                raise
            await asyncio.to_thread(cut_unsynced, damage)
            await self._launch_once()

    async def _launch_once(self) -> None:
        if not self._store_lock.acquire():
            raise EmbeddedStoreError(f"another Valkey process still writes to {self._directory}; its data is untouched")
        try:
            self._process = launch(self._directory, self._socket, lock=self._store_lock.fileno())
        finally:
            self._store_lock.release()  # ours; the child's copy holds it now, for as long as the child lives
        self._note = Note(pid=self._process.pid, runtime=self._note.runtime)
        self._note.write(self._directory)
        await wait_ready(self._process, self._directory, self._socket, timeout_s=self._start_timeout_s)

    async def _supervise(self) -> None:
        """Starts Valkey again whenever it dies."""
        while self._process is not None:
            status = await self._process.wait()
            _log.error("the embedded store ended with status %s; starting it again", status)
            pause, longest = _RESTART_S
            while not await self._launched():
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)
            _log.warning("the embedded store is back")

    async def _launched(self) -> bool:
        try:
            await self._launch()
        except (EmbeddedStoreError, OSError) as error:
            _log.error("the embedded store cannot be started, trying again: %s", error)
            if self._process is not None:
                await end(self._process)
            return False
        return True


@contextlib.asynccontextmanager
async def look_into(data_dir: Path | None) -> AsyncIterator[str]:
    """The store URL of a directory, to read from: of the Valkey that a server runs there, or of one for the meantime.

    Raises:
        EmbeddedStoreError: there is no data, or no Valkey comes up.
    """
    directory = (data_dir or default_data_dir()).expanduser().absolute()
    if not (directory / APPEND_ONLY).is_dir():
        raise EmbeddedStoreError(f"there are no studies in {directory}")
    note = Note.read(directory)
    if note.runtime is not None and await is_valkey_of(directory, note):
        yield _url(note.runtime)
        return
    async with EmbeddedStore(directory) as store:
        yield store.url


def _url(runtime: Path) -> str:
    return f"unix://{quote(str(runtime / SOCKET))}"
