"""Studies: what the service adds to a new one, and what a list needs of the ledger."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from asktell_server.domain import pareto
from asktell_server.domain.comparing import WantedStudy
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.completion import Completion
from asktell_server.service.modelling import Modelling
from asktell_server.service.studies import Studies, draw_seed
from asktell_server.service.study_updates import StudyUpdates
from asktell_server.service.views import Views
from asktell_server.service.worth import Worth
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import StudyHead
from tests.support.builders import NAME, NOW, a_study
from tests.unit.service.conftest import HandClock, Services


@pytest.fixture
def studies() -> Studies:
    """Studies whose seeds count up from 40."""
    ledger = MemoryLedger()
    views = Views(ledger)
    pool = WorkerPool(workers=1)
    modelling = Modelling(ledger, pool)
    worth = Worth(views, Inquiries(pool, modelling), Completion(ledger, lambda: NOW))
    updates = StudyUpdates(ledger, views, modelling, worth, lambda: NOW)
    return Studies(ledger, views, updates, seed_of_new=itertools.count(40).__next__)


async def test_a_seed_is_drawn_where_the_creator_gave_none(studies: Studies) -> None:
    wanted = WantedStudy(study=a_study(seed=0), unset=frozenset({"seed"}))
    created = await studies.create(wanted, exist_ok=False, request=None)
    assert created.head.study.seed == 40
    assert (await studies.get(NAME)).study.seed == 40
    opened = await studies.create(wanted, exist_ok=True, request=None)
    assert opened.head.study.seed == 40, "the study that is there keeps its own"


async def test_a_seed_that_was_given_stays(studies: Studies) -> None:
    created = await studies.create(WantedStudy(study=a_study(seed=0)), exist_ok=False, request=None)
    assert created.head.study.seed == 0


class NotingStudy(Study):
    """Notes the threads in which it is looked through."""

    threads: ClassVar[list[int]] = []

    def validate(self, where: str = "study") -> None:
        """See Study."""
        self.threads.append(threading.get_ident())
        super().validate(where)


async def test_the_event_loop_goes_on_while_a_study_is_looked_through(studies: Studies) -> None:
    ordinary = a_study()
    study = NotingStudy(**{field.name: getattr(ordinary, field.name) for field in dataclasses.fields(ordinary)})
    checked = await studies.check(WantedStudy(study=study))
    created = await studies.create(WantedStudy(study=study), exist_ok=False, request=None)
    assert checked.head.study == study
    assert created.head.study == dataclasses.replace(study, revision=1)
    assert len(study.threads) == 2
    assert threading.get_ident() not in study.threads


def test_drawn_seeds_are_valid_and_differ() -> None:
    seeds = {draw_seed() for _ in range(100)}
    assert len(seeds) == 100
    for seed in seeds:
        a_study(seed=seed).validate()


class CountingLedger(MemoryLedger):
    """Counts the round trips that a list takes; a study of the list is deleted between them."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.trips: list[str] = []
        self.goes: StudyName | None = None

    async def list_studies(self, project: str, **what: Any) -> Sequence[StudyName]:
        """See StudyStore."""
        self.trips.append("names")
        return await super().list_studies(project, **what)

    async def read_heads(self, names: Sequence[StudyName]) -> Sequence[StudyHead | None]:
        """See StudyStore."""
        self.trips.append("heads")
        if self.goes is not None:
            await self.delete_study(self.goes, expected_revision=None, request=None)
        return await super().read_heads(names)

    async def read_head(self, name: StudyName) -> StudyHead:
        """See StudyStore."""
        self.trips.append("head")
        return await super().read_head(name)


async def test_a_page_takes_two_round_trips_and_leaves_out_what_goes_meanwhile(clock: HandClock) -> None:
    ledger = CountingLedger(clock)
    services = Services(ledger, clock)
    names = [StudyName(project=NAME.project, study_id=f"s{index}") for index in range(5)]
    for index, name in enumerate(names):
        await services.create(name=name, labels={"parity": str(index % 2)})
    ledger.goes = names[1]
    page, following = await services.studies.list_page(NAME.project, labels={}, after="", limit=4)
    assert [head.study.name for head in page] == [names[0], names[2], names[3]]
    assert following == "s3"
    assert ledger.trips == ["names", "heads"]
    ledger.goes = None
    even, _ = await services.studies.list_page(NAME.project, labels={"parity": "0"}, after="s0", limit=9)
    assert [head.study.name for head in even] == [names[2], names[4]]


async def test_a_hypervolume_is_measured_once(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, measure = 0, pareto.hypervolume

    def counted(costs: pareto.Costs, reference: pareto.Costs) -> float:
        nonlocal measured
        measured += 1
        return measure(costs, reference)

    monkeypatch.setattr(pareto, "hypervolume", counted)
    both = [Objective(metric=name, goal=Goal.MAXIMIZE, reference=0.0) for name in ("a", "b")]
    name = await services.create(goals=Goals(objectives=tuple(both)))
    for expected, metrics in ((6.0, {"a": 2, "b": 3}), (6.0, {"a": 2, "b": 1}), (9.0, {"a": 3, "b": 3})):
        (trial,) = await services.ask()
        result = Result(
            state=TrialState.SUCCEEDED, metrics={key: Metric(value=value) for key, value in metrics.items()}
        )
        await services.trials.tell(NAME.trial(trial.number), result, lease_id=trial.lease_id, request=None)
        for _ in range(2):
            assert await services.studies.hypervolume(await services.studies.get(name)) == expected
    assert measured == 2, "a dominated result leaves the front as it is"
