"""The model's best trial: computed once for each state of the results, and never waited for too long."""

from __future__ import annotations

import asyncio

import pytest

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME
from tests.unit.service.conftest import HandClock, Services


class Here(WorkerPool):
    """The engine in this process. It counts, and answers once `free` is set."""

    def __init__(self) -> None:
        super().__init__(workers=1)
        self.asked = 0
        self.free = asyncio.Event()
        self.free.set()
        self.done = asyncio.Event()

    async def answer_when_idle(self, task: Task[A]) -> A | None:
        """See PatientEngine."""
        self.asked += 1
        await self.free.wait()
        self.done.set()
        return task.run()


@pytest.fixture
def here() -> Here:
    """The engine of `services`."""
    return Here()


@pytest.fixture
def services(clock: HandClock, here: Here) -> Services:
    """One server on an empty store."""
    return Services(MemoryLedger(clock), clock, here)


async def _run(services: Services, values: list[float], *, error: float | None) -> None:
    for value in values:
        (trial,) = await services.ask()
        result = Result(state=TrialState.SUCCEEDED, metrics={"loss": Metric(value=value, standard_error=error)})
        await services.trials.tell(NAME.trial(trial.number), result, lease_id=trial.lease_id, request=None)


async def test_it_is_computed_once_for_each_state_of_the_results(services: Services, here: Here) -> None:
    await services.create()
    reading = services.reading
    await _run(services, [0.5, 0.3, 0.9], error=0.2)
    best = await reading.best(NAME, count=1, by_model=True)
    records, model = best.records, best.model
    assert model is not None
    assert records[0].trial.number == 2
    assert model.record.trial.number in (1, 2, 3)
    assert model.standard_deviation > 0
    assert (await reading.best(NAME, count=2, by_model=True)).model == model
    await services.ask()  # changes no result
    assert (await reading.best(NAME, count=1, by_model=True)).model == model
    assert here.asked == 1
    await _run(services, [0.1], error=0.2)
    await asyncio.gather(*(reading.best(NAME, count=1, by_model=True) for _ in range(5)))
    assert here.asked == 2
    assert (await reading.best(NAME, count=1)).model is None
    assert here.asked == 2


async def test_there_is_none_where_results_are_exact_or_missing(services: Services, here: Here) -> None:
    await services.create()
    reading = services.reading
    best = await reading.best(NAME, count=1, by_model=True)
    assert (best.records, best.model) == ([], None)
    assert here.asked == 0
    await _run(services, [0.5, 0.3, 0.9], error=None)
    best = await reading.best(NAME, count=1, by_model=True)
    records, model = best.records, best.model
    assert (len(records), model) == (1, None)


async def test_a_busy_engine_is_not_waited_for_and_its_answer_is_kept(clock: HandClock, here: Here) -> None:
    services = Services(MemoryLedger(clock), clock, here, judging_wait_s=0.01)
    await services.create()
    here.free.clear()
    reading = services.reading
    await _run(services, [0.5, 0.3, 0.9], error=0.2)
    best = await reading.best(NAME, count=1, by_model=True)
    records, model = best.records, best.model
    assert (len(records), model) == (1, None)
    here.free.set()
    await here.done.wait()
    assert (await reading.best(NAME, count=1, by_model=True)).model is not None
    assert here.asked == 1


async def test_without_workers_the_field_is_left_out(clock: HandClock) -> None:
    services = Services(MemoryLedger(clock), clock)
    await services.create()
    await _run(services, [0.5, 0.3, 0.9], error=0.2)
    best = await services.reading.best(NAME, count=1, by_model=True)
    records, model = best.records, best.model
    assert (len(records), model) == (1, None)


async def test_another_baseline_is_another_question(services: Services, here: Here) -> None:
    limit = OutcomeConstraint(metric="loss", max=1.0, of_baseline=True)
    objective = Objective(metric="loss", goal=Goal.MAXIMIZE)
    await services.create(goals=Goals(objectives=(objective,), outcome_constraints=(limit,)), baseline_trial=1)
    await _run(services, [0.9, 0.2, 0.5, 0.6], error=0.05)
    before = (await services.reading.best(NAME, count=1, by_model=True)).model
    await services.studies.update(NAME, StudyUpdate(changes={"baseline_trial": 2}), etag="", request=None)
    after = (await services.reading.best(NAME, count=1, by_model=True)).model
    assert before is not None
    assert after is not None
    assert (before.record.trial.number, after.record.trial.number) == (1, 2)
    assert here.asked == 2
