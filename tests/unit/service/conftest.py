"""Services over a ledger in memory and the engine's samplers without a model: real parts, no processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from asktell_server.domain.algorithm import Random
from asktell_server.domain.comparing import WantedStudy
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Trial
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.judging import WAIT_S
from asktell_server.service.use_cases import Engine, UseCases, build_use_cases
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Ledger, Request
from tests.support.builders import NAME, NOW, a_study, success


class HandClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += timedelta(seconds=seconds)


class Services:
    """What one server has between the edge and the store.

    Without an `engine` there is a pool that is not started: it has no workers, and answers what takes no model all the
    same.
    """

    def __init__(
        self, ledger: Ledger, clock: HandClock, engine: Engine | None = None, *, judging_wait_s: float = WAIT_S
    ) -> None:
        self.ledger = ledger
        self.clock = clock
        self.use_cases: UseCases = build_use_cases(
            ledger, engine or WorkerPool(workers=1), clock, judging_wait_s=judging_wait_s
        )
        self.views = self.use_cases.views
        self.preparer = self.use_cases.preparer
        self.asking = self.use_cases.asking
        self.trials = self.use_cases.trials
        self.reading = self.use_cases.reading
        self.intake = self.use_cases.intake
        self.studies = self.use_cases.studies

    async def close(self) -> None:
        """As a server does when it stops."""
        await self.use_cases.close()

    def another(self) -> Services:
        """A second server on the same store."""
        return Services(self.ledger, self.clock)

    async def create(self, **changes: Any) -> StudyName:
        """A study with random search, unless told otherwise."""
        study = a_study(**{"algorithm": Random(), **changes})
        await self.studies.create(WantedStudy(study=study), exist_ok=False, request=None)
        return study.name

    async def ask(
        self,
        count: int = 1,
        *,
        request: Request | None = None,
        worker_id: str = "w",
        fixed: Configuration | None = None,
    ) -> list[Trial]:
        """Trials of the study with the fixed values, started."""
        records = await self.asking.ask(NAME, count=count, worker_id=worker_id, request=request, fixed=fixed)
        return [record.trial for record in records]

    async def tell(self, trial: Trial, value: float, *, request: Request | None = None) -> Trial:
        """A success; returns the trial as it then stands."""
        name = NAME.trial(trial.number)
        record, _ = await self.trials.tell(name, success(value), lease_id=trial.lease_id, request=request)
        return record.trial


@pytest.fixture
def clock() -> HandClock:
    """Stands still at NOW."""
    return HandClock()


@pytest.fixture
def services(clock: HandClock) -> Services:
    """One server on an empty store."""
    return Services(MemoryLedger(clock), clock)
