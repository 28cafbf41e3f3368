"""Two servers on each store: workers that end a study race with updates that set it going again."""

from __future__ import annotations

import asyncio

from asktell_server.domain.errors import FailedPrecondition, ResourceExhausted
from asktell_server.domain.study import StoppingRules, StudyState
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.store.protocol import Ledger
from tests.support.builders import NAME
from tests.unit.service.conftest import HandClock, Services


async def test_asks_and_updates_at_once_run_every_budget_to_its_end(ledger: Ledger) -> None:
    clock = HandClock()
    servers = [Services(ledger, clock), Services(ledger, clock)]
    await servers[0].create(stopping=StoppingRules(max_trials=1))

    async def work(server: Services) -> int:
        try:
            (trial,) = await server.ask()
        except (FailedPrecondition, ResourceExhausted):
            return 0
        await server.tell(trial, 0.5)
        return 1

    done = 0
    for budget in range(2, 12):
        working = asyncio.gather(*map(work, servers))
        more = StudyUpdate(stopping={"max_trials": budget})
        await servers[budget % 2].studies.update(NAME, more, etag="", request=None)
        done += sum(await working)
        study = (await ledger.read_head(NAME)).study
        assert study.stopping.max_trials == budget
        assert (study.state is StudyState.FINISHED) == (done == budget)
