"""`wait_replicas`: an acknowledged change is on the replicas, however it came to be acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from asktell_server.domain.errors import ErrorReason, Unavailable
from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import Ledger
from asktell_server.store.redis_ledger import RedisLedger
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, commit, measured, put, queued, request, running, until, write
from tests.support.valkey import Server, replica_of, sentinel_for, standalone, wait_until


@pytest.fixture
def replica(server: Server, tmp_path: Path) -> Iterator[Server]:
    """A replica of `server`."""
    with replica_of(server, tmp_path / "replica") as started:
        yield started


@pytest.fixture
async def ledger(server: Server, replica: Server, opened: Opened) -> AsyncIterator[RedisLedger]:
    """A ledger that waits for one replica."""
    async with opened(server.url, wait_replicas=1, wait_timeout_s=1.0) as started:
        yield started


async def test_an_acknowledged_change_is_on_the_replica(
    server: Server, replica: Server, ledger: Ledger, name: StudyName
) -> None:
    await ledger.create_study(a_study(name), request=None)
    key = f"asktell:{{{name.project}/{name.study_id}}}:meta"
    with replica.client() as client:
        for count in range(1, 30):
            await put(ledger, name, queued(count / 100))
            assert client.hget(key, "number") == str(count).encode()


async def test_without_its_replica_nothing_is_acknowledged(
    server: Server, replica: Server, ledger: Ledger, name: StudyName
) -> None:
    await ledger.create_study(a_study(name), request=request("c"))
    trial = await put(ledger, name, running(0.1), lease_s=60)
    done = await commit(ledger, name, write(queued(0.2)), request=request("before"))
    await ledger.report(
        name, 1, lease_id="lease-1", lease_s=60, measurement=measured(1, 1.0), request=request("report")
    )
    await ledger.update_study(a_study(name), expected_revision=1, request=request("u"))

    replica.freeze()
    calls = [
        lambda: commit(ledger, name, write(queued(0.3)), request=request("new")),
        lambda: commit(ledger, name, write(queued(0.3)), request=request("new")),  # it is a duplicate now
        lambda: commit(ledger, name, write(queued(0.2)), request=request("before")),
        lambda: commit(ledger, name),
        lambda: ledger.recall(name, request("before")),
        lambda: ledger.report(name, trial.number, lease_id="lease-1", lease_s=60, measurement=None, request=None),
        lambda: ledger.update_study(a_study(name), expected_revision=1, request=request("u")),
        lambda: ledger.create_study(a_study(name), request=request("c")),
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            await call()
        assert caught.value.reason is ErrorReason.STORE_UNAVAILABLE
    assert (await ledger.read_head(name)).last_number == 3  # reads acknowledge nothing

    replica.thaw()
    again = await until(lambda: _acknowledged(ledger, name), lambda committed: committed is not None)
    assert again == 3
    assert (await commit(ledger, name, write(queued(0.2)), request=request("before"))).sequence == done.sequence
    assert (await ledger.read_head(name)).last_number == 3


async def _acknowledged(ledger: Ledger, name: StudyName) -> int | None:
    try:
        return (await commit(ledger, name, write(queued(0.3)), request=request("new"))).records[0].trial.number
    except Unavailable:
        return None


async def test_sentinel_leads_to_the_new_master(tmp_path: Path, opened: Opened, name: StudyName) -> None:
    with (
        standalone(tmp_path / "master") as master,
        replica_of(master, tmp_path / "replica") as replica,
        sentinel_for(master, tmp_path / "sentinel", "tuning") as sentinel,
    ):
        with sentinel.client() as client:
            wait_until(
                lambda: len(client.execute_command("SENTINEL REPLICAS", "tuning")) == 1, what="the sentinel's view"
            )
        url = f"sentinel://127.0.0.1:{sentinel.port}/tuning"
        async with opened(url) as ledger:
            async with opened(url, wait_replicas=1) as careful:
                await careful.create_study(a_study(name), request=None)
                await put(careful, name, queued(0.1))
            await asyncio.to_thread(master.kill)
            assert await until(lambda: _second(ledger, name), lambda number: number == 2)
            await ledger.check()
        with replica.client() as client:
            assert client.hget(f"asktell:{{{name.project}/{name.study_id}}}:meta", "number") == b"2"


async def _second(ledger: Ledger, name: StudyName) -> int | None:
    try:
        return (await commit(ledger, name, write(queued(0.2)), request=request("second"))).records[0].trial.number
    except Unavailable:
        return None
