"""Small values for tests of the ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Measurement, Metric, Objective
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import FloatDomain, Parameter, SearchSpace
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Origin, Result, Trial, TrialState
from asktell_server.store.protocol import Commit, Committed, Guard, Ledger, Request, TrialRecord, TrialWrite

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

_T = TypeVar("_T")


def a_study(name: StudyName, **changes: object) -> Study:
    """A study with one float parameter `x`."""
    values: dict[str, object] = {
        "name": name,
        "space": SearchSpace(parameters=(Parameter(name="x", domain=FloatDomain(min=0.0, max=1.0)),)),
        "goals": Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),)),
        "seed": 7,
        "create_time": NOW,
        "update_time": NOW,
    }
    return Study(**(values | changes))  # type: ignore[arg-type]  # the callers' keywords are checked by the class


def queued(x: float, *, import_key: str = "", origin: Origin = Origin.PERSON) -> Trial:
    """A new trial that waits."""
    return Trial(state=TrialState.QUEUED, parameters={"x": x}, origin=origin, create_time=NOW, import_key=import_key)


def running(x: float, lease_id: str = "lease-1") -> Trial:
    """A new trial that a worker has."""
    return queued(x, origin=Origin.MODEL).start(lease_id=lease_id, worker_id="worker", now=NOW)


def told(trial: Trial, loss: float) -> Trial:
    """The trial with a result."""
    result = Result(state=TrialState.SUCCEEDED, metrics={"loss": Metric(value=loss)})
    return trial.tell(result, lease_id=trial.lease_id, now=NOW)[0]


def measured(step: int, loss: float) -> Measurement:
    """An intermediate metric."""
    return Measurement(step=step, metrics={"loss": Metric(value=loss)}, report_time=NOW)


def write(trial: Trial, **changes: object) -> TrialWrite:
    """A write of a trial as it was read (`trial.revision` is what is expected), or of a new one."""
    values: dict[str, object] = {"trial": trial, "expected_revision": trial.revision}
    return TrialWrite(**(values | changes))  # type: ignore[arg-type]


def request(request_id: str, fingerprint: str = "body") -> Request:
    """A caller's request id with a digest of its body."""
    return Request(request_id=request_id, fingerprint=fingerprint)


async def commit(
    ledger: Ledger,
    name: StudyName,
    *writes: TrialWrite,
    guard: Guard | None = None,
    request: Request | None = None,
) -> Committed:
    """Commits the writes."""
    return await ledger.commit(name, Commit(writes=writes, guard=guard or Guard(), request=request))


async def put(ledger: Ledger, name: StudyName, trial: Trial, **changes: object) -> Trial:
    """Commits one trial and returns it as stored."""
    committed = await commit(ledger, name, write(trial, **changes))
    return committed.records[0].trial


async def read_one(ledger: Ledger, name: StudyName, number: int) -> TrialRecord:
    """A stored trial's record."""
    (record,) = await ledger.read_trials(name, numbers=[number])
    assert record is not None
    return record


async def until(read: Callable[[], Awaitable[_T]], holds: Callable[[_T], bool], *, timeout_s: float = 20.0) -> _T:
    """Reads again and again until the condition holds."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = await read()
        if holds(value):
            return value
        assert time.monotonic() < deadline, f"did not come true within {timeout_s} s; last: {value}"
        await asyncio.sleep(0.005)


async def follow(ledger: Ledger, name: StudyName, into: list[int]) -> None:
    """Watches a study from its start and collects the sequences, until it is cancelled."""
    async for entry in ledger.watch(name, after=0):
        into.append(entry.sequence)  # noqa: PERF401  the watch never ends
