"""Services over a ledger in memory and the engine's samplers without a model: real parts, no processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from asktell_server.domain.algorithm import Random
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Trial
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.asking import AskTrials
from asktell_server.service.completion import Completion
from asktell_server.service.intake import Intake
from asktell_server.service.judging import Judging
from asktell_server.service.modelling import Modelling
from asktell_server.service.preparing import Preparer
from asktell_server.service.reading import Reading
from asktell_server.service.studies import Studies
from asktell_server.service.trials import Trials
from asktell_server.service.views import Views
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


@dataclass
class Services:
    """What one server has between the edge and the store."""

    ledger: Ledger
    clock: HandClock
    views: Views = field(init=False)

    def __post_init__(self) -> None:
        self.views = Views(self.ledger)
        completion = Completion(self.ledger, self.clock)
        # Not started: it has no workers, and answers what takes no model all the same.
        pool = WorkerPool(workers=1)
        modelling = Modelling(self.ledger, pool)
        self.preparer = Preparer(self.ledger, self.views, modelling, self.clock)
        self.asking = AskTrials(self.ledger, self.views, modelling, self.preparer, completion, self.clock)
        self.trials = Trials(self.ledger, self.views, self.preparer, completion, self.clock)
        self.reading = Reading(self.ledger, self.views, Judging(pool))
        self.intake = Intake(self.ledger, self.views, self.preparer, completion, self.clock)
        self.studies = Studies(self.ledger, self.views, self.clock)

    def another(self) -> Services:
        """A second server on the same store."""
        return Services(self.ledger, self.clock)

    async def create(self, **changes: Any) -> StudyName:
        """A study with random search, unless told otherwise."""
        study = a_study(**{"algorithm": Random(), **changes})
        await self.studies.create(study, request=None)
        return study.name

    async def ask(self, count: int = 1, *, request: Request | None = None, worker_id: str = "w") -> list[Trial]:
        """Trials of the study, started."""
        records = await self.asking.ask(NAME, count=count, worker_id=worker_id, request=request)
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
