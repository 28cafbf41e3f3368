"""The embedded store: one user per directory, nothing lost to a kill, nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from asktell_server.domain.errors import Unavailable
from asktell_server.domain.names import StudyName
from asktell_server.store.embedded import EmbeddedStore, EmbeddedStoreError, default_data_dir
from asktell_server.store.protocol import Ledger
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, put, queued, until
from tests.support.valkey import wait_until

# A server process in little: it opens the store, says where, and waits to be ended.
_SERVER = """
import asyncio, sys
from pathlib import Path
from asktell_server.store.embedded import EmbeddedStore

async def main():
    async with EmbeddedStore(Path(sys.argv[1])) as store:
        print(store.pid, store.url, flush=True)
        await asyncio.Event().wait()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
"""


@contextlib.contextmanager
def server_process(directory: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """Another process that uses the directory; its Valkey's pid and URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pid, url = 0, ""
    try:
        assert process.stdout is not None
        text, url = process.stdout.readline().split()
        pid = int(text)
        yield process, pid, url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        with contextlib.suppress(OSError):
            if pid and Path(f"/proc/{pid}/cwd").samefile(directory):  # the orphan that a test has left
                os.kill(pid, signal.SIGKILL)
        if url:
            shutil.rmtree(socket_of(url).parent, ignore_errors=True)


def alive(pid: int) -> bool:
    """A process of that number runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def socket_of(url: str) -> Path:
    """The socket in a unix:// URL."""
    return Path(unquote(urlsplit(url).path))


@pytest.mark.parametrize(
    "directory", ["plain", "with space 'and' \"quotes\" ü", "/".join(["long-directory-name"] * 12)]
)
async def test_data_outlives_the_store_in_any_directory(
    tmp_path: Path, opened: Opened, name: StudyName, directory: str
) -> None:
    for count in (1, 2):
        async with EmbeddedStore(tmp_path / directory) as store, opened(store.url) as ledger:
            if count == 1:
                await ledger.create_study(a_study(name), request=None)
            assert (await put(ledger, name, queued(0.1))).number == count
            socket = socket_of(store.url)
            assert stat.S_IMODE(socket.stat().st_mode) == 0o600
            assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
            files = [path for path in (tmp_path / directory).rglob("*") if path.is_file()]
            assert {path.name for path in files if stat.S_IMODE(path.stat().st_mode) != 0o600} == set()
            pid = store.pid
            assert pid is not None
        assert not alive(pid)
        assert not socket.parent.exists()


async def test_a_second_server_on_a_directory_is_refused(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    with server_process(tmp_path) as (process, pid, url):
        with pytest.raises(EmbeddedStoreError, match=rf"in use by process {process.pid}.*--data-dir"):
            await EmbeddedStore(tmp_path).start()
        assert alive(pid)
        async with opened(url) as ledger:  # and the first one is none the worse
            await ledger.create_study(a_study(name), request=None)


async def test_an_orphan_of_a_killed_server_is_replaced(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    with server_process(tmp_path) as (process, pid, url):
        async with opened(url) as ledger:
            await ledger.create_study(a_study(name), request=None)
            await put(ledger, name, queued(0.1))
            process.kill()
            process.wait()
            assert (await put(ledger, name, queued(0.2))).number == 2  # the store does not even notice
        assert alive(pid)
        async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
            assert not alive(pid)
            assert not socket_of(url).parent.exists()
            assert (await put(ledger, name, queued(0.3))).number == 3


async def test_a_frozen_orphan_is_replaced_too(
    tmp_path: Path, opened: Opened, name: StudyName, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asktell_server.store.orphans.STOP_S", 0.2)
    with server_process(tmp_path) as (process, pid, url):
        async with opened(url) as ledger:
            await ledger.create_study(a_study(name), request=None)
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGSTOP)
        async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
            assert not alive(pid)
            await ledger.read_head(name)


async def test_leftovers_of_a_server_and_store_both_killed(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, pid, url):
        process.kill()
        process.wait()
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not alive(pid), what="the end of the store")
        # Somebody else has the number now: it must not be harmed.
        (tmp_path / "valkey.json").write_text(
            (tmp_path / "valkey.json").read_text().replace(str(pid), str(os.getpid()))
        )
        async with EmbeddedStore(tmp_path):
            assert not socket_of(url).parent.exists()


async def test_ctrl_c_reaches_the_server_and_not_its_store(tmp_path: Path) -> None:
    with server_process(tmp_path) as (process, pid, url):
        # What a terminal does: SIGINT to the whole group. The server then stops the store itself, in order.
        assert os.getpgid(pid) != os.getpgid(process.pid)
        os.killpg(process.pid, signal.SIGINT)
        await asyncio.to_thread(process.wait, 20)
        assert not alive(pid)
        assert not socket_of(url).parent.exists()


async def test_a_store_that_dies_is_started_again(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        for count in (1, 2):
            pid = store.pid
            assert pid is not None
            await put(ledger, name, queued(0.1))
            os.kill(pid, signal.SIGKILL)
            await until(lambda: _pid(store), partial(_is_another, pid))
            assert await until(lambda: _last_number(ledger, name), lambda number: number is not None) == count


async def _pid(store: EmbeddedStore) -> int | None:
    return store.pid


def _is_another(old: int, new: int | None) -> bool:
    return new not in (None, old)


async def _last_number(ledger: Ledger, name: StudyName) -> int | None:
    try:
        return (await ledger.read_head(name)).last_number
    except Unavailable:
        return None


async def test_a_damaged_store_says_so_and_where(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    with pytest.raises(EmbeddedStoreError, match=r"appendonly\.aof\.manifest is damaged.*nonsense"):
        await EmbeddedStore(tmp_path).start()
    async with asyncio.timeout(30):  # and leaves no lock behind
        with pytest.raises(EmbeddedStoreError, match="is damaged"):
            await EmbeddedStore(tmp_path).start()


async def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedStoreError, match="cannot be used"):
        await EmbeddedStore(tmp_path / "file" / "below").start()


def test_the_default_directory_is_the_user_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_data_dir().is_relative_to(tmp_path)
    assert "asktell" in default_data_dir().name
