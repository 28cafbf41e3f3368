"""A cluster loses a master."""

from __future__ import annotations

import asyncio

from asktell_server.domain.names import StudyName
from tests.integration.store.conftest import Opened
from tests.integration.store.test_crashes import check_all_there_once, run_through_crashes
from tests.support.ledger import a_study, commit, follow, put, queued, request, until, write
from tests.support.valkey import Cluster, Server


def master_of(nodes: Cluster, name: StudyName) -> Server:
    """The server that holds a study's keys."""
    for server in nodes.servers:
        with server.client() as client:
            holds = client.execute_command("CLUSTER COUNTKEYSINSLOT", _slot(server, name)) > 0
            if holds and client.role()[0] == b"master":
                return server
    raise AssertionError("no master has the study")


def _slot(server: Server, name: StudyName) -> int:
    with server.client() as client:
        slot: int = client.execute_command("CLUSTER KEYSLOT", f"{{{name.project}/{name.study_id}}}")
        return slot


async def test_studies_spread_over_the_masters_and_are_listed_together(
    nodes: Cluster, opened: Opened, name: StudyName
) -> None:
    async with opened(nodes.url, wait_replicas=1) as ledger:
        names = [StudyName(project=name.project, study_id=f"s{index:02}") for index in range(20)]
        for study in names:
            await ledger.create_study(a_study(study), request=None)
        assert len({master_of(nodes, study).port for study in names}) == 3
        assert await ledger.list_studies(name.project, after="", limit=50) == names
        for server in nodes.servers[:3]:
            with server.client() as client:
                client.execute_command("SCRIPT FLUSH")  # as after a restart: scripts are loaded when they are missed
        assert [head and head.study.name for head in await ledger.read_heads(names)] == names
        for server in nodes.servers[:3]:
            with server.client() as client:
                client.execute_command("SCRIPT FLUSH")
        for study in names:
            await put(ledger, study, queued(0.1))
        assert await ledger.rebuild_index() >= 20


async def test_a_failover_loses_nothing_that_a_replica_had_to_confirm(
    nodes: Cluster, opened: Opened, name: StudyName
) -> None:
    async with opened(nodes.url, wait_replicas=1) as careful, opened(nodes.url) as ledger:
        await careful.create_study(a_study(name), request=None)
        victim = master_of(nodes, name)
        received: list[int] = []
        task = asyncio.create_task(follow(ledger, name, received))

        async def crash() -> None:
            await asyncio.to_thread(victim.kill)
            # With one replica per master the new master has none to wait for until the old one is back as such.
            await until(lambda: asyncio.to_thread(master_of_or_none, nodes, name), lambda found: found is not None)
            await asyncio.to_thread(victim.start)

        acknowledged = await run_through_crashes(careful, name, crash, crashes=1)
        await check_all_there_once(ledger, name, acknowledged)
        last = (await ledger.read_head(name)).sequence
        await until(lambda: _last(received), lambda sequence: sequence == last)
        assert received == list(range(1, last + 1))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        again = await commit(careful, name, write(queued(0.5)), request=request("0-1"))
        assert again.replayed


def master_of_or_none(nodes: Cluster, name: StudyName) -> Server | None:
    """As `master_of`, among the servers that run."""
    running = Cluster([server for server in nodes.servers if server.process is not None])
    try:
        return master_of(running, name)
    except AssertionError:
        return None


async def _last(received: list[int]) -> int:
    return received[-1] if received else 0
