"""Where an append-only file is damaged, where it has to be cut, and which damage is not to be cut away."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from asktell_server.store.append_only import cut, find_damage
from asktell_server.store.manifest import read_manifest
from asktell_server.store.valkey_process import EmbeddedStoreError

NOW = datetime(2026, 11, 29, 2, 3, 4, tzinfo=UTC)
BASE = b"VALKEY080" + b"\x00" * 300 + b"\xff" + b"checksum"


def command(*words: bytes) -> bytes:
    """A command as Valkey writes it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


SELECT = command(b"SELECT", b"0")
SET = command(b"SET", b"key", b"\r\n*1\r\n$4\r\nvalue\x00\xff")
TRANSACTION = (
    command(b"MULTI") + command(b"HSET", b"a", b"b", b"c") + command(b"XADD", b"log", b"1-0") + command(b"EXEC")
)


def store(directory: Path, *changes: bytes) -> Path:
    """A data directory with these files of changes; returns the newest."""
    folder = directory / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.1.base.rdb").write_bytes(BASE)
    lines = ["file appendonly.aof.1.base.rdb seq 1 type b"]
    for number, content in enumerate(changes, 1):
        (folder / f"appendonly.aof.{number}.incr.aof").write_bytes(content)
        lines.append(f"file appendonly.aof.{number}.incr.aof seq {number} type i")
    (folder / "appendonly.aof.manifest").write_text("\n".join(lines) + "\n")
    return folder / f"appendonly.aof.{len(changes)}.incr.aof"


@pytest.mark.parametrize("content", [b"", SELECT, SELECT + SET + TRANSACTION, b"#TS:1700000000\r\n" + SET])
def test_whole_files(tmp_path: Path, content: bytes) -> None:
    store(tmp_path, SET, content)
    assert find_damage(tmp_path) is None


def test_no_data_yet(tmp_path: Path) -> None:
    assert find_damage(tmp_path) is None


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 5000,
        b"garbage",
        b"*",
        b"*3\r\n$3\r\nSET\r\n$99",
        b"*2\r\n$400000000\r\nabc",
        b"*2\r\n$3\r\n\x00\x00\x00\r\n$1\r\na\r\n",
        b"\xff*-1\r\n",
        b"*0\r\n",
    ],
)
def test_garbage_behind_the_last_command_is_cut_off(tmp_path: Path, garbage: bytes) -> None:
    whole = SELECT + SET + TRANSACTION
    newest = store(tmp_path, whole + garbage)
    damage = find_damage(tmp_path)
    assert damage is not None
    assert (damage.path, damage.offset, damage.cut_at, damage.lost) == (newest, len(whole), len(whole), len(garbage))
    kept = cut(damage, now=NOW)
    assert newest.read_bytes() == whole
    assert kept.read_bytes() == whole + garbage
    assert kept == tmp_path / "appendonly.aof.1.incr.aof.damaged-20261129T020304Z"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert find_damage(tmp_path) is None


def test_two_cuts_within_a_second_keep_two_files(tmp_path: Path) -> None:
    newest = store(tmp_path, SET)
    kept = set()
    for _ in range(2):
        with newest.open("ab") as file:
            file.write(b"garbage")
        damage = find_damage(tmp_path)
        assert damage is not None
        kept.add(cut(damage, now=NOW))
    assert len(kept) == 2


@pytest.mark.parametrize("tail", [SET, TRANSACTION])
def test_a_write_that_breaks_off_anywhere_is_cut_as_a_whole(tmp_path: Path, tail: bytes) -> None:
    newest = store(tmp_path, b"")
    for length in range(1, len(tail)):
        newest.write_bytes(SELECT + SET + tail[:length])
        damage = find_damage(tmp_path)
        assert damage is not None, length
        assert damage.cut_at == len(SELECT + SET), length
        assert damage.later_command is None, length


@pytest.mark.parametrize("at", [0, 3, 7, 30])
@pytest.mark.parametrize("spoilt", [b"\x00", b"9"])
def test_damage_before_whole_commands_is_left_to_people(tmp_path: Path, at: int, spoilt: bytes) -> None:
    """A spoilt length reaches beyond the end of the file: to Valkey alone that looks like a write that broke off."""
    content = bytearray(SELECT + SET * 3)
    content[at : at + 1] = spoilt * 6
    newest = store(tmp_path, bytes(content))
    damage = find_damage(tmp_path)
    assert damage is not None
    with pytest.raises(EmbeddedStoreError, match=r"whole changes follow from byte \d+.*Nothing was changed.*backup"):
        cut(damage, now=NOW)
    assert newest.read_bytes() == content
    assert cut(damage, now=NOW, lose_later_changes=True).read_bytes() == content
    assert find_damage(tmp_path) is None


def test_damage_in_an_older_file_is_left_to_people(tmp_path: Path) -> None:
    store(tmp_path, SET + b"garbage", SET)
    with pytest.raises(EmbeddedStoreError, match=r"1\.incr\.aof is damaged at byte \d+.*not the newest.*backup"):
        find_damage(tmp_path)


@pytest.mark.parametrize("content", [b"", BASE[:-20], b"\x00" * 500])
def test_damage_in_the_base_is_left_to_people(tmp_path: Path, content: bytes) -> None:
    store(tmp_path, SET)
    (tmp_path / "appendonlydir" / "appendonly.aof.1.base.rdb").write_bytes(content)
    with pytest.raises(EmbeddedStoreError, match=r"base\.rdb is damaged.*backup"):
        find_damage(tmp_path)


def test_files_without_a_manifest_are_refused(tmp_path: Path) -> None:
    store(tmp_path, SET)
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").unlink()
    with pytest.raises(EmbeddedStoreError, match=r"manifest is missing.*1\.base\.rdb, .*1\.incr\.aof.*start empty"):
        read_manifest(tmp_path)


def test_what_a_first_start_leaves_that_was_cut_off_is_no_data(tmp_path: Path) -> None:
    store(tmp_path, b"")
    (tmp_path / "appendonlydir" / "appendonly.aof.1.base.rdb").write_bytes(BASE[-89:])
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").unlink()
    assert read_manifest(tmp_path) is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    store(tmp_path, SET, SET).unlink()
    with pytest.raises(EmbeddedStoreError, match=r"2\.incr\.aof is missing.*backup"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "line", ["nonsense", "file ../x.aof seq 1 type i", "file x.aof seq one type i", "file x.aof seq 1 type z"]
)
def test_a_damaged_manifest_is_named(tmp_path: Path, line: str) -> None:
    store(tmp_path, SET)
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text(line + "\n")
    with pytest.raises(EmbeddedStoreError, match="manifest is damaged"):
        read_manifest(tmp_path)
