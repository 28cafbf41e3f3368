"""A data directory that is taken away while a server uses it: noticed, and nothing is acknowledged from then on."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import asktell
from asktell_server.domain.errors import ErrorReason, Unavailable
from asktell_server.domain.names import StudyName
from asktell_server.store.embedded import EmbeddedStore
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, put, queued, until
from tests.support.server import ServerProcess
from tests.support.valkey import wait_until


def delete(directory: Path) -> None:
    shutil.rmtree(directory)


def delete_and_make_anew(directory: Path) -> None:
    shutil.rmtree(directory)
    (directory / "appendonlydir").mkdir(parents=True)


def move_away(directory: Path) -> None:
    directory.rename(directory.with_name("elsewhere"))


def put_a_copy_there(directory: Path) -> None:
    """As restoring a backup does, under a server that runs."""
    copy = directory.with_name("copy")
    shutil.copytree(directory, copy)
    shutil.rmtree(directory)
    copy.rename(directory)


def delete_the_files(directory: Path) -> None:
    shutil.rmtree(directory / "appendonlydir")


def delete_the_manifest(directory: Path) -> None:
    (directory / "appendonlydir" / "appendonly.aof.manifest").unlink()


def replace_the_changes(directory: Path) -> None:
    changes = directory / "appendonlydir" / "appendonly.aof.1.incr.aof"
    shutil.copy(changes, directory / "copy")
    (directory / "copy").replace(changes)


def delete_the_base(directory: Path) -> None:
    (directory / "appendonlydir" / "appendonly.aof.1.base.rdb").unlink()


@pytest.mark.parametrize(
    "harm",
    [
        delete,
        delete_and_make_anew,
        move_away,
        put_a_copy_there,
        delete_the_files,
        delete_the_manifest,
        replace_the_changes,
        delete_the_base,
    ],
)
async def test_a_directory_that_is_taken_away_is_noticed(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    directory = tmp_path / "data"
    async with EmbeddedStore(directory) as store:
        await store.check()
        harm(directory)
        with pytest.raises(Unavailable, match="does not keep what it is given") as caught:
            await store.check()
        assert caught.value.reason is ErrorReason.STORE_UNAVAILABLE


async def test_a_directory_that_comes_back_is_the_same_one(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with EmbeddedStore(directory) as store:
        move_away(directory)
        with pytest.raises(Unavailable):
            await store.check()
        directory.with_name("elsewhere").rename(directory)
        await store.check()


async def test_a_compaction_is_no_trouble(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    async with EmbeddedStore(tmp_path) as store, opened(store.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        for count in (2, 3, 4):
            (node,) = (await ledger._link.masters()).values()  # as Valkey does by itself, later
            await node.execute_command("BGREWRITEAOF")

            async def compacted(count: int = count) -> bool:
                await store.check()
                return [path.name for path in (tmp_path / "appendonlydir").glob("*.incr.aof")] == [
                    f"appendonly.aof.{count}.incr.aof"
                ]

            await until(compacted, bool)
            await store.check()
            await put(ledger, name, queued(0.1))


async def test_a_store_that_dies_is_not_started_on_another_directory(
    tmp_path: Path, opened: Opened, name: StudyName, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "data"
    async with EmbeddedStore(directory) as store, opened(store.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        delete_and_make_anew(directory)
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)

        async def given_up() -> bool:
            return "deleted or replaced" in caplog.text

        await until(given_up, bool)
        with pytest.raises(Unavailable):
            await put(ledger, name, queued(0.1))
        assert not list((directory / "appendonlydir").iterdir())


def test_a_server_refuses_changes_soon_after(tmp_path: Path) -> None:
    space = {"x": asktell.Float(0.0, 1.0)}
    with ServerProcess(tmp_path) as server, asktell.Client(server.address, timeout_s=5.0) as client:
        study = client.create_study("s", space=space, objectives=asktell.Minimize("loss"), algorithm="random")
        trial = study.ask()
        shutil.rmtree(server.data_dir)
        wait_until(lambda: "out of service" in server.log(), what="the notice")
        with pytest.raises(asktell.Unavailable, match=r"does not keep what it is given.*deleted or replaced"):
            trial.tell(loss=1.0)
