"""The durability gate: what may lose acknowledged results is refused, with the command that mends it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from asktell_server.domain.errors import ErrorReason, Unavailable
from asktell_server.domain.names import StudyName
from asktell_server.store.connect import connect
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, follow, measured, put, queued, running, until
from tests.support.valkey import Cluster, Server, replica_of


@pytest.mark.parametrize(
    ("setting", "bad", "good"),
    [
        ("appendfsync", "everysec", "always"),
        ("appendonly", "no", "yes"),
        ("maxmemory-policy", "allkeys-lru", "noeviction"),
    ],
)
async def test_a_setting_that_loses_results_is_refused(
    server: Server, opened: Opened, setting: str, bad: str, good: str
) -> None:
    async with opened(server.url) as ledger:
        with server.client() as client:
            client.config_set(setting, bad)
            for check in (ledger.check, lambda: connect(server.url)):
                with pytest.raises(Unavailable) as caught:
                    await check()
                assert caught.value.reason is ErrorReason.STORE_UNAVAILABLE
                assert f"{setting} is {bad}" in caught.value.message
                assert f"CONFIG SET {setting} {good}" in caught.value.message
                assert "--unverified-durability" in caught.value.message
            async with opened(server.url, verify_durability=False) as unverified:
                await unverified.check()
            client.config_set(setting, good)
        await until(lambda: _passes(ledger.check()), bool)


async def _passes(check: object) -> bool:
    try:
        await check  # type: ignore[misc]
    except Unavailable:
        return False
    return True


async def test_a_replica_is_refused(server: Server, tmp_path: Path) -> None:
    with (
        replica_of(server, tmp_path / "replica") as replica,
        pytest.raises(Unavailable, match=r"role is slave, not master.*sentinel://"),
    ):
        await connect(replica.url)


async def test_one_bad_master_of_a_cluster_is_enough(nodes: Cluster, opened: Opened) -> None:
    with nodes.servers[1].client() as client:
        client.config_set("appendfsync", "no")
        try:
            with pytest.raises(Unavailable, match=rf"{nodes.servers[1].port}.*appendfsync is no"):
                await connect(nodes.url)
        finally:
            client.config_set("appendfsync", "always")
    async with opened(nodes.url) as ledger:
        await ledger.check()


async def test_a_store_that_hides_its_settings(server: Server, opened: Opened) -> None:
    with server.client() as client:
        client.execute_command("ACL SETUSER", "app", "on", ">secret", "~*", "&*", "+@all", "-config")
    url = f"redis://app:secret@127.0.0.1:{server.port}"
    with pytest.raises(Unavailable, match=r"does not allow CONFIG GET.*--unverified-durability"):
        await connect(url)
    async with opened(url, verify_durability=False) as ledger:
        await ledger.check()


async def test_passwords_stay_out_of_messages_and_logs(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with server.client() as client:
        client.config_set("requirepass", "right-one")
    with pytest.raises(Unavailable) as caught:
        await connect(f"redis://:wrong-one@127.0.0.1:{server.port}")
    await (await connect(f"redis://127.0.0.1:{server.port}", password="right-one")).close()
    assert "right-one" not in caplog.text
    assert "wrong-one" not in caplog.text + caught.value.message


async def test_out_of_memory_is_refused_before_anything_changes(
    server: Server, opened: Opened, name: StudyName
) -> None:
    async with opened(server.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        trial = await put(ledger, name, queued(0.1))
        before = await ledger.read_delta(name, after=0)
        with server.client() as client:
            client.config_set("maxmemory", 1)
            with pytest.raises(Unavailable):
                await put(ledger, name, queued(0.2))
            with pytest.raises(Unavailable):
                await put(ledger, name, trial.cancel(reason="", now=trial.create_time))
            after = await ledger.read_delta(name, after=0)
            assert (after.head, after.entries) == (before.head, before.entries)
            await ledger.delete_study(name, expected_revision=None, request=None)  # which makes room
            client.config_set("maxmemory", 0)
        await ledger.create_study(a_study(name), request=None)


async def test_a_store_that_became_a_replica_takes_nothing(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        with server.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", server.port + 1)
            with pytest.raises(Unavailable):
                await put(ledger, name, queued(0.1))
            with pytest.raises(Unavailable):
                await ledger.check()
            client.execute_command("REPLICAOF", "NO", "ONE")
        assert (await put(ledger, name, queued(0.1))).number == 1


async def test_the_rights_that_the_manual_names_are_enough(server: Server, opened: Opened, name: StudyName) -> None:
    manual = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text(encoding="utf-8")
    (line,) = (line.split() for line in manual.splitlines() if "ACL SETUSER" in line)
    with server.client() as client:
        client.execute_command(*line)
    async with opened(f"redis://asktell:password@127.0.0.1:{server.port}") as ledger:
        await ledger.create_study(a_study(name), request=None)
        received: list[int] = []
        task = asyncio.create_task(follow(ledger, name, received))
        await put(ledger, name, running(0.1), lease_s=60)
        await ledger.report(name, 1, lease_id="lease-1", lease_s=60, measurement=measured(1, 1.0), request=None)
        await until(lambda: _last(received), lambda last: last == 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await ledger.rebuild_index() == 1
        assert await ledger.list_studies(name.project, after="", limit=10) == [name]
        await ledger.delete_study(name, expected_revision=None, request=None)


async def _last(received: list[int]) -> int:
    return received[-1] if received else 0
