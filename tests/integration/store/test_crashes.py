"""Rule 1 and 2 of the loop under fire: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

import asyncio
import operator
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from asktell_server.domain.errors import Unavailable
from asktell_server.domain.names import StudyName
from asktell_server.store.connect import connect
from asktell_server.store.embedded import EmbeddedStore
from asktell_server.store.protocol import Committed, Ledger
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, commit, queued, request, until, write
from tests.support.proxy import LossyProxy
from tests.support.valkey import Server

WORKERS = 8


async def keep_committing(
    ledger: Ledger, name: StudyName, worker: int, acknowledged: dict[str, int], stop: asyncio.Event
) -> None:
    """Creates one trial after another, each under one request id until it is acknowledged."""
    count = 0
    while not stop.is_set():
        count += 1
        request_id = f"{worker}-{count}"
        trial = queued(0.5, import_key="")
        while True:
            try:
                committed = await commit(ledger, name, write(trial), request=request(request_id))
            except Unavailable:
                await asyncio.sleep(0.01)
                continue
            acknowledged[request_id] = committed.records[0].trial.number
            break


async def run_through_crashes(
    ledger: Ledger, name: StudyName, crash: Callable[[], Awaitable[None]], *, crashes: int
) -> dict[str, int]:
    """Commits from many workers while the store crashes; the numbers acknowledged, by request id."""
    acknowledged: dict[str, int] = {}
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for worker in range(WORKERS):
            group.create_task(keep_committing(ledger, name, worker, acknowledged, stop))
        for _ in range(crashes):
            before = len(acknowledged)
            await until(lambda: _value(len(acknowledged)), partial(operator.le, before + 50))
            await crash()
        before = len(acknowledged)
        await until(lambda: _value(len(acknowledged)), partial(operator.le, before + 50))
        stop.set()
    return acknowledged


async def _value(value: int) -> int:
    return value


async def check_all_there_once(ledger: Ledger, name: StudyName, acknowledged: dict[str, int]) -> None:
    """Each acknowledged trial is stored, each has its own number, and there are no others."""
    numbers = sorted(acknowledged.values())
    assert numbers == list(range(1, len(numbers) + 1))
    head = await ledger.read_head(name)
    assert (head.last_number, head.sequence) == (len(numbers), len(numbers) + 1)
    assert None not in await ledger.read_trials(name, numbers=numbers)


async def test_kill_9_of_the_store_in_the_middle_of_a_run(server: Server, opened: Opened, name: StudyName) -> None:
    async def crash() -> None:
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    async with opened(server.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        acknowledged = await run_through_crashes(ledger, name, crash, crashes=4)
        await check_all_there_once(ledger, name, acknowledged)


async def test_kill_9_of_the_embedded_store_in_the_middle_of_a_run(tmp_path: Path, name: StudyName) -> None:
    async with EmbeddedStore(tmp_path) as store:
        ledger = await connect(store.url)

        async def crash() -> None:
            assert store.pid is not None
            os.kill(store.pid, signal.SIGKILL)

        await ledger.create_study(a_study(name), request=None)
        acknowledged = await run_through_crashes(ledger, name, crash, crashes=4)
        await check_all_there_once(ledger, name, acknowledged)
        await ledger.close()


async def test_lost_replies_never_double_a_change(server: Server, opened: Opened, name: StudyName) -> None:
    # Without request ids of the caller's: it is the link that sends again here, silently.
    async with LossyProxy(server.port, loss=0.0) as proxy, opened(f"redis://127.0.0.1:{proxy.port}") as ledger:
        await ledger.create_study(a_study(name), request=None)
        proxy.loss = 0.1

        async def keep_committing(worker: int) -> list[Committed | BaseException]:
            changes = (commit(ledger, name, write(queued(worker + index / 1000))) for index in range(100))
            return [(await asyncio.gather(change, return_exceptions=True))[0] for change in changes]

        results = [result for done in await asyncio.gather(*map(keep_committing, range(4))) for result in done]
        proxy.loss = 0.0
        assert proxy.lost > 5
        created = [result for result in results if not isinstance(result, BaseException)]
        assert all(isinstance(result, Unavailable) for result in results if isinstance(result, BaseException))
        head = await ledger.read_head(name)
        trials = await ledger.read_trials(name, numbers=list(range(1, head.last_number + 1)))
        stored = [record.trial.parameters["x"] for record in trials if record is not None]
        assert len(set(stored)) == len(stored) == head.last_number
        acknowledged = {result.records[0].trial.parameters["x"] for result in created}
        assert acknowledged <= set(stored)


async def test_a_store_that_does_not_answer_costs_a_bounded_time(
    server: Server, opened: Opened, name: StudyName
) -> None:
    async with opened(server.url, socket_timeout_s=0.1) as ledger:
        await ledger.create_study(a_study(name), request=None)
        server.freeze()
        async with asyncio.timeout(20):  # the driver's tries take about one second
            with pytest.raises(Unavailable) as caught:
                await commit(ledger, name, write(queued(0.1)), request=request("r"))
        assert caught.value.retry_after_s is not None
        assert f"127.0.0.1:{server.port} is not available" in caught.value.message
        assert "Timeout" not in caught.value.message  # what the driver says goes to the log
        server.thaw()
        committed = await until(lambda: _retried(ledger, name), lambda found: found is not None)
        assert committed == 1
        assert (await ledger.read_head(name)).last_number == 1


async def _retried(ledger: Ledger, name: StudyName) -> int | None:
    try:
        return (await commit(ledger, name, write(queued(0.1)), request=request("r"))).records[0].trial.number
    except Unavailable:
        return None


async def test_a_caller_that_gives_up_does_not_stop_its_commit(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        server.freeze()
        task = asyncio.create_task(commit(ledger, name, write(queued(0.1)), request=request("r")))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()
        server.thaw()
        await until(lambda: ledger.recall(name, request("r")), lambda found: found is not None)
    assert not [other for other in asyncio.all_tasks() if other is not asyncio.current_task()]
