"""Asks for improvement per cost: what they are given, and what others are given beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from asktell_server.domain.algorithm import Bayesian
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.study import StoppingRules
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.engine.problem import Suggestion, SuggestResult
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.intake import NewTrial
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Prepared
from tests.support.builders import NAME
from tests.support.ledger import until
from tests.unit.service.conftest import HandClock, Services

GOALS = Goals(objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),), cost_metric="seconds")


class _Engine:
    """Draws what it is asked for, and remembers the tasks."""

    def __init__(self) -> None:
        self.asked: list[SuggestTask] = []
        self.ahead: list[SuggestTask] = []

    async def answer(self, task: Any) -> Any:
        """See Engine."""
        self.asked.append(task)
        return self._drawn(task)

    async def spare(self) -> None:
        """See SpareEngine."""

    async def answer_if_idle(self, task: Any) -> Any:
        """See SpareEngine."""
        self.ahead.append(task)
        return self._drawn(task)

    def _drawn(self, task: SuggestTask) -> SuggestResult:
        fallback = task.fallback("")
        return SuggestResult(
            suggestions=tuple(
                Suggestion(parameters=each.parameters, origin=each.origin) for each in fallback.suggestions
            )
        )


@pytest.fixture
def engine() -> _Engine:
    """The engine of the services."""
    return _Engine()


@pytest.fixture
def services(clock: HandClock, engine: _Engine) -> Services:
    """One server on an empty store."""
    return Services(MemoryLedger(clock), clock, engine)  # type: ignore[arg-type]  # of the engine's, what asks need


async def _aware(services: Services, count: int = 1) -> list[Trial]:
    records = await services.asking.ask(NAME, count=count, worker_id="w", request=None, cost_aware=True)
    return [record.trial for record in records]


async def _tell(services: Services, trial: Trial, **metrics: float) -> None:
    result = Result(state=TrialState.SUCCEEDED, metrics={name: Metric(value=value) for name, value in metrics.items()})
    await services.trials.tell(NAME.trial(trial.number), result, lease_id=trial.lease_id, request=None)


async def _with_results(services: Services, count: int, **changes: Any) -> None:
    await services.create(algorithm=Bayesian(start_trials=2), goals=GOALS, **changes)
    for trial in await services.ask(count):
        await _tell(services, trial, loss=0.5, seconds=2.5)


async def test_the_exponent_is_the_share_of_the_budget_that_is_left(services: Services, engine: _Engine) -> None:
    await _with_results(services, 4, stopping=StoppingRules(max_trials=10))
    (trial,) = await _aware(services)
    assert engine.asked[-1].cost_exponent == 0.6
    assert trial.provenance is not None
    assert trial.provenance.cost_exponent == 0.6
    await services.ask()
    assert engine.asked[-1].cost_exponent == 0.0
    await _aware(services)
    assert engine.asked[-1].cost_exponent == 0.4
    assert len(engine.asked[-1].pending) == 2
    await services.close()


async def test_without_a_budget_the_whole_cost_counts(services: Services, engine: _Engine) -> None:
    await _with_results(services, 3)
    await _aware(services)
    assert engine.asked[-1].cost_exponent == 1.0
    assert engine.asked[-1].history.values[:, -1].tolist() == [2.5, 2.5, 2.5]
    await services.close()


async def test_what_is_prepared_is_for_others(services: Services, engine: _Engine) -> None:
    await _with_results(services, 3)
    view = services.views.peek(NAME)
    assert view is not None

    async def ready() -> Sequence[Prepared]:
        return view.ready

    (prepared,) = await until(ready, bool, timeout_s=60)
    asked = len(engine.asked)
    (aware,) = await _aware(services)
    assert len(engine.asked) == asked + 1
    assert aware.parameters != prepared.trial.parameters
    assert prepared.trial.parameters in engine.asked[-1].pending
    await services.close()


async def test_both_kinds_at_once_and_queued_trials_are_for_all(services: Services, engine: _Engine) -> None:
    await _with_results(services, 3)
    queued = {"lr": 0.25, "layers": 3, "bias": True}
    await services.intake.enqueue(NAME, [NewTrial(parameters=queued)], request=None)
    (first,) = await _aware(services)
    assert first.parameters == queued
    answers = await asyncio.gather(_aware(services, 2), services.ask(2), _aware(services))
    assert [len(answer) for answer in answers] == [2, 2, 1]
    numbers = [trial.number for answer in answers for trial in answer]
    assert len(set(numbers)) == 5
    await services.close()


async def test_a_study_without_a_cost_metric_refuses_and_serves_the_others(services: Services) -> None:
    await services.create()
    aware, plain = await asyncio.gather(_aware(services), services.ask(), return_exceptions=True)
    assert isinstance(aware, InvalidArgument)
    assert aware.field == "cost_aware"
    assert isinstance(plain, list)
    await services.close()


@pytest.mark.parametrize("value", [-1.0, -1e-300])
async def test_nothing_costs_less_than_nothing(services: Services, value: float) -> None:
    await services.create(goals=GOALS)
    (trial,) = await services.ask()
    with pytest.raises(InvalidArgument, match="at least 0") as caught:
        await _tell(services, trial, loss=1.0, seconds=value)
    assert caught.value.field == "metrics[seconds].value"
    await _tell(services, trial, loss=1.0)
    await services.close()


async def test_the_total_is_of_all_trials_that_say_so(services: Services) -> None:
    name = await services.create(goals=GOALS)
    trials = await services.ask(4)
    await _tell(services, trials[0], loss=1.0, seconds=2.5)
    await _tell(services, trials[1], loss=1.0)
    failed = Result(state=TrialState.FAILED, metrics={"seconds": Metric(value=0.5)})
    await services.trials.tell(name.trial(trials[2].number), failed, lease_id=trials[2].lease_id, request=None)
    head = await services.studies.get(name)
    assert await services.studies.total_cost(head) == 3.0
    await services.close()
