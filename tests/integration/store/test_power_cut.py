"""What a power cut leaves in the embedded store's directory is mended; other damage is refused; all of it is private."""

from __future__ import annotations

import logging
import os
import signal
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from asktell_server.cli import main
from asktell_server.domain.names import StudyName
from asktell_server.store.embedded import EmbeddedStore, EmbeddedStoreError
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, put, queued, until

GARBAGE = [b"\x00" * 4096, os.urandom(700), b"*3\r\n$3\r\nSET\r\n$900000\r\nab", b"*1\r\n$5\r\nMULTI\r\n"]


async def fill(directory: Path, opened: Opened, name: StudyName) -> Path:
    """Stores three trials and returns the file that the changes are in."""
    async with EmbeddedStore(directory) as store, opened(store.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        for _ in range(3):
            await put(ledger, name, queued(0.1))
    return directory / "appendonlydir" / "appendonly.aof.1.incr.aof"


def damaged(directory: Path) -> list[Path]:
    """The damaged files that were kept."""
    return list(directory.glob("appendonly.aof.1.incr.aof.damaged-*"))


@pytest.mark.parametrize("garbage", GARBAGE, ids=["zeros", "random", "half a command", "half a transaction"])
async def test_garbage_after_the_last_synced_byte_does_not_stop_the_store(
    tmp_path: Path, opened: Opened, name: StudyName, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    changes = await fill(tmp_path, opened, name)
    whole = changes.read_bytes()
    changes.write_bytes(whole + garbage)
    caplog.set_level(logging.WARNING)
    async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
        assert (await ledger.read_head(name)).last_number == 3
        assert (await put(ledger, name, queued(0.1))).number == 4
    (kept,) = damaged(tmp_path)
    assert kept.read_bytes() == whole + garbage
    assert changes.read_bytes().startswith(whole)
    assert f"the last {len(garbage)} bytes were cut off" in caplog.text
    assert "no acknowledged change was in them" in caplog.text
    assert str(kept) in caplog.text


async def test_garbage_is_cut_off_when_the_store_dies_and_is_started_again(
    tmp_path: Path, opened: Opened, name: StudyName
) -> None:
    async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        pid = store.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        with (tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof").open("ab") as file:
            file.write(b"garbage")
        os.kill(pid, signal.SIGKILL)

        async def mended() -> bool:
            return bool(damaged(tmp_path)) and store.pid != pid

        await until(mended, bool)

        async def added() -> int | None:
            try:
                return (await put(ledger, name, queued(0.1))).number
            except Exception:  # noqa: BLE001  not up yet
                return None

        assert await until(added, bool) == 1


@pytest.mark.parametrize("spoilt", [b"\x00", b"9"])
async def test_damage_in_the_middle_is_refused_and_nothing_is_changed(
    tmp_path: Path, opened: Opened, name: StudyName, spoilt: bytes
) -> None:
    changes = await fill(tmp_path, opened, name)
    content = changes.read_bytes()
    at = content.index(b"\r\n$", len(content) // 2) + 3  # a length
    changes.write_bytes(content[:at] + spoilt * 5 + content[at + 5 :])
    with pytest.raises(EmbeddedStoreError, match=r"damaged at byte \d+.*whole changes follow.*backup"):
        await EmbeddedStore(tmp_path).start()
    assert len(changes.read_bytes()) == len(content)
    assert not damaged(tmp_path)


async def test_a_missing_manifest_is_refused_and_nothing_is_written_over(
    tmp_path: Path, opened: Opened, name: StudyName
) -> None:
    changes = await fill(tmp_path, opened, name)
    manifest = changes.with_name("appendonly.aof.manifest")
    text, content = manifest.read_text(), changes.read_bytes()
    manifest.unlink()
    with pytest.raises(EmbeddedStoreError, match=r"appendonly\.aof\.manifest is missing"):
        await EmbeddedStore(tmp_path).start()
    assert changes.read_bytes() == content
    manifest.write_text(text)
    async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
        assert (await ledger.read_head(name)).last_number == 3


async def test_check_and_repair_by_hand(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    changes = await fill(tmp_path, opened, name)
    run, here = CliRunner().invoke, ("--data-dir", str(tmp_path))
    assert "the files are whole" in run(main, ["store", "check", *here]).output
    assert "nothing was changed" in run(main, ["store", "repair", *here]).output
    whole = changes.read_bytes()
    changes.write_bytes(whole + b"garbage")
    checked = run(main, ["store", "check", *here])
    assert checked.exit_code == 1
    assert "The last 7 bytes have to be cut off" in checked.output
    assert "asktell-server store repair" in checked.output
    assert changes.read_bytes() == whole + b"garbage"
    repaired = run(main, ["store", "repair", *here])
    assert repaired.exit_code == 0
    assert "the last 7 bytes were cut off" in repaired.output
    assert changes.read_bytes() == whole

    changes.write_bytes(b"\x00" + whole[1:])
    checked = run(main, ["store", "check", *here])
    assert checked.exit_code == 1
    assert "whole changes follow" in checked.output
    refused = run(main, ["store", "repair", *here])
    assert refused.exit_code == 1
    assert "--lose-later-changes" in refused.output
    assert run(main, ["store", "repair", *here, "--lose-later-changes"]).exit_code == 0
    assert changes.read_bytes() == b""


async def test_check_and_repair_leave_a_store_in_use_alone(tmp_path: Path) -> None:
    async with EmbeddedStore(tmp_path):
        for command in ("check", "repair"):
            result = CliRunner().invoke(main, ["store", command, "--data-dir", str(tmp_path)])
            assert result.exit_code == 1
            assert "in use by process" in result.output
    nothing = CliRunner().invoke(main, ["store", "check", "--data-dir", str(tmp_path / "nothing")])
    assert "there are no studies" in nothing.output
    assert not (tmp_path / "nothing").exists()


async def test_nobody_else_can_read_the_data(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    directory = tmp_path / "data"
    former = os.umask(0o022)
    try:
        changes = await fill(directory, opened, name)
        private = [directory, directory / "valkey.log", directory / "appendonlydir", *changes.parent.iterdir()]
        assert len(private) == 6
        for attempt in ("new", "as an older version left it"):
            async with EmbeddedStore(directory):
                for path in private:
                    assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), (path, attempt)
                    path.chmod(0o755 if path.is_dir() else 0o644)
    finally:
        os.umask(former)
