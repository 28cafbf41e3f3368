"""The servicers over use cases with a ledger in memory and a pool without workers: no channel, no processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.protocols.asktell_v1.study_servicer import StudyServicer
from asktell_server.protocols.asktell_v1.trial_servicer import TrialServicer
from asktell_server.service.clock import utc_now
from asktell_server.service.use_cases import UseCases, build_use_cases
from asktell_server.store.memory import MemoryLedger

CALL: Any = None
"""The methods that are called here look at nothing of their call."""


@pytest.fixture
async def use_cases() -> AsyncIterator[UseCases]:
    use_cases = build_use_cases(MemoryLedger(), WorkerPool(workers=1), utc_now)
    yield use_cases
    await use_cases.close()


@pytest.fixture
def studies(use_cases: UseCases) -> StudyServicer:
    return StudyServicer(use_cases.studies, use_cases.reopening, utc_now)


@pytest.fixture
def trials(use_cases: UseCases) -> TrialServicer:
    return TrialServicer(use_cases)
