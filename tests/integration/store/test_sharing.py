"""Several servers on one store."""

from __future__ import annotations

import asyncio
import dataclasses
import operator
from functools import partial

from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import Conflict, ConflictKind, Guard, Ledger
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, commit, follow, put, queued, read_one, running, until, write
from tests.support.valkey import Server


async def label(ledger: Ledger, name: StudyName, key: str) -> None:
    """Adds a label to trial 1, however often others are faster."""
    trial = (await read_one(ledger, name, 1)).trial
    while True:
        changed = dataclasses.replace(trial, labels={**trial.labels, key: "set"})
        try:
            await commit(ledger, name, write(changed))
        except Conflict as conflict:
            if conflict.current is None:
                raise
            trial = conflict.current
        else:
            return


async def test_no_update_of_two_ledgers_is_lost(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as first, opened(server.url) as second:
        await first.create_study(a_study(name), request=None)
        await put(first, name, queued(0.5))
        await asyncio.gather(
            *(
                label(ledger, name, f"{which}-{index}")
                for which, ledger in (("a", first), ("b", second))
                for index in range(15)
            )
        )
        trial = (await read_one(first, name, 1)).trial
        assert len(trial.labels) == 30
        assert trial.revision == 31


async def test_guards_hold_across_ledgers(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as first, opened(server.url) as second:
        await first.create_study(a_study(name), request=None)
        results = await asyncio.gather(
            *(
                commit(
                    ledger,
                    name,
                    write(running(index / 100, f"l{index}"), only_if_unique=True),
                    guard=Guard(max_running=5),
                )
                for index in range(20)
                for ledger in (first, second)
            ),
            return_exceptions=True,
        )
        assert sum(not isinstance(result, BaseException) for result in results) == 5
        kinds = {result.kind for result in results if isinstance(result, Conflict)}
        assert kinds <= {ConflictKind.TOO_MANY_RUNNING, ConflictKind.DUPLICATE}


async def test_many_watchers_share_one_subscription(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as writing, opened(server.url) as watching:
        await writing.create_study(a_study(name), request=None)
        received: list[list[int]] = [[] for _ in range(50)]
        tasks = [asyncio.create_task(follow(watching, name, into)) for into in received]
        for index in range(20):
            await put(writing, name, queued(index / 100))
        await until(lambda: _lengths(received), lambda lengths: set(lengths) == {21})
        assert all(into == list(range(1, 22)) for into in received)
        client = server.client()
        assert [count for _, count in client.pubsub_numsub(f"asktell:{{{name.project}/{name.study_id}}}:meta")] == [1]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until(
            lambda: _numsub(client, f"asktell:{{{name.project}/{name.study_id}}}:meta"), lambda count: count == 0
        )
        client.close()


async def _lengths(received: list[list[int]]) -> list[int]:
    return [len(into) for into in received]


async def _numsub(client: object, channel: str) -> int:
    (found,) = client.pubsub_numsub(channel)  # type: ignore[attr-defined]
    count: int = found[1]
    return count


async def test_a_watch_survives_a_restart_of_the_store(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as ledger, opened(server.url) as other:
        await ledger.create_study(a_study(name), request=None)
        received: list[int] = []
        task = asyncio.create_task(follow(ledger, name, received))
        await until(lambda: _lengths([received]), lambda lengths: lengths == [1])
        for expected in (2, 3):
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await until(lambda: _put(other, name), bool)
            await until(lambda: _lengths([received]), partial(operator.eq, [expected]))
        assert received == [1, 2, 3]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _put(ledger: Ledger, name: StudyName) -> bool:
    await put(ledger, name, queued(0.1))
    return True


async def test_a_page_of_heads_is_one_round_trip(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as ledger:
        names = [StudyName(project=name.project, study_id=f"s{index:02}") for index in range(20)]
        for study in names:
            await ledger.create_study(a_study(study), request=None)
        await ledger.read_head(names[0])  # the script is there from now on
        with server.client() as client:
            reads = client.info("stats")["total_reads_processed"]
            heads = await ledger.read_heads(names)
            took = client.info("stats")["total_reads_processed"] - reads
        assert [head and head.study.name for head in heads] == names
        assert took <= 4, "one of them is this client's own; a read takes 16 kB at most"


async def test_the_index_can_be_rebuilt(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as ledger:
        names = [StudyName(project=f"{name.project}{index % 2}", study_id=f"s.{index}-x") for index in range(6)]
        for study in names:
            await ledger.create_study(a_study(study), request=None)
        with server.client() as client:
            for index in range(2):
                assert client.delete(f"asktell:index:{{{name.project}{index}}}") == 1
            client.zadd(f"asktell:index:{{{name.project}0}}", {"never-created": 0})
        assert await ledger.list_studies(f"{name.project}0", after="", limit=10) == []
        assert await ledger.rebuild_index() == 6
        assert await ledger.list_studies(f"{name.project}0", after="", limit=10) == names[0::2]
        assert await ledger.list_studies(f"{name.project}1", after="", limit=10) == names[1::2]
