"""A server that is killed in the middle costs neither a failed call nor a result, for both clients."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import asktell
from tests.integration.client.conftest import SPACE, do
from tests.support.server import ServerProcess

TRIALS = 60


async def kill_and_restart(server: ServerProcess, told: threading.Event) -> None:
    """Kills the server as soon as the loop is well under way, and starts it again."""
    await asyncio.to_thread(told.wait, 60)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.restart)


async def test_a_restart_costs_no_call(kind: Any, tmp_path: Path) -> None:
    with ServerProcess(tmp_path) as server:
        client = kind(server.address, timeout_s=60.0)
        study = await do(
            client.create_study(
                "r", space=SPACE, objectives=asktell.Minimize("loss"), algorithm="random", seed=1, max_trials=TRIALS
            )
        )
        watched = asyncio.create_task(follow(kind, server.address))
        under_way = threading.Event()
        killer = asyncio.create_task(kill_and_restart(server, under_way))
        held = await do(study.ask())
        results = await asyncio.create_task(loop(study, under_way))
        await killer
        await do(held.tell(loss=99.0))
        results[held.number] = 99.0

        stored = {trial.number: trial.metrics["loss"] for trial in await do(study.trials(states="SUCCEEDED"))}
        assert stored == results
        assert sorted(results) == list(range(1, TRIALS + 1))  # no number lost, none twice
        assert not held.lease_lost  # its heartbeat went on across the restart

        changes = await asyncio.wait_for(watched, 90)
        cursors = [change.cursor for change in changes]
        assert len(set(cursors)) == len(cursors)
        ended = [change.trial.number for change in changes if change.trial and change.trial.state == "SUCCEEDED"]
        assert sorted(ended) == sorted(results)
        await do(client.close())


async def loop(study: Any, under_way: threading.Event) -> dict[int, float]:
    """Asks and tells until one trial, which somebody else holds, is left."""
    results: dict[int, float] = {}
    while len(results) < TRIALS - 1:
        trial = await call(study.ask)
        await call(trial.tell, {"loss": float(trial.number)})
        results[trial.number] = float(trial.number)
        if len(results) == 10:
            under_way.set()
        await asyncio.sleep(0)
    return results


async def call(method: Any, *arguments: Any) -> Any:
    """A call of either client that leaves the event loop free for the other tasks."""
    if asyncio.iscoroutinefunction(method):
        return await method(*arguments)
    return await asyncio.to_thread(method, *arguments)


async def follow(kind: Any, address: str) -> list[asktell.Change]:
    """All changes of the study until it is finished."""
    if kind is asktell.Client:
        return await asyncio.to_thread(follow_sync, address)
    changes = []
    async with asktell.AsyncClient(address) as client:
        async for change in (await client.study("r")).watch():
            changes.append(change)
            if change.study is not None and change.study.state == "FINISHED":
                break
    return changes


def follow_sync(address: str) -> list[asktell.Change]:
    """The same with the synchronous client."""
    changes = []
    with asktell.Client(address) as client:
        for change in client.study("r").watch():
            changes.append(change)
            if change.study is not None and change.study.state == "FINISHED":
                break
    return changes
