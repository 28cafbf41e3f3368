"""Trials that go on from each other's checkpoints, by a person's word or by promotion, and which is best then."""

from __future__ import annotations

import asyncio

import pytest

from asktell_server.domain.algorithm import Bayesian, Manual, Random
from asktell_server.domain.errors import FailedPrecondition, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.space import Fidelity, FloatDomain, IntDomain, Parameter, SearchSpace
from asktell_server.domain.study import StoppingRules
from asktell_server.domain.trial import Origin, Result, Trial, TrialState
from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.explanation import as_text
from asktell_server.service.intake import NewTrial, PastTrial
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME, failure, loss
from tests.unit.service.conftest import HandClock, Services

X = Parameter(name="x", domain=FloatDomain(min=0.0, max=1.0))
PLAIN = SearchSpace(parameters=(X,))
LEVELS = SearchSpace(parameters=(X, Parameter(name="epochs", domain=IntDomain(min=1, max=9), fidelity=Fidelity())))


class _Here(WorkerPool):
    """The engine in this process, models included; it never has time to prepare anything."""

    def __init__(self) -> None:
        super().__init__(workers=1)

    async def answer(self, task: Task[A]) -> A:
        """See Engine."""
        return task.run()

    async def spare(self) -> None:
        """Never."""
        await asyncio.get_running_loop().create_future()


async def _ask_from(services: Services, number: int, count: int = 1) -> list[Trial]:
    records = await services.asking.ask(NAME, count=count, worker_id="w", request=None, continue_from=number)
    return [record.trial for record in records]


async def _enqueue(services: Services, x: float, continue_from: int = 0) -> Trial:
    new = NewTrial(parameters={"x": x}, continue_from=continue_from)
    (record,) = await services.intake.enqueue(NAME, [new], request=None)
    return record.trial


async def test_a_trial_goes_on_from_one_that_has_ended(services: Services) -> None:
    await services.create(space=PLAIN)
    (first,) = await services.ask()
    await services.tell(first, 1.0)
    queued = await _enqueue(services, 0.7, continue_from=first.number)
    assert queued.continue_from == first.number
    (given,) = await services.ask()
    assert (given.number, given.continue_from) == (queued.number, first.number)
    (asked,) = await _ask_from(services, first.number)
    assert (asked.origin, asked.continue_from) == (Origin.SAMPLER, first.number)
    (anew,) = await services.ask()
    assert anew.continue_from == 0


async def test_an_ask_that_says_what_to_go_on_from_leaves_other_queued_trials(services: Services) -> None:
    await services.create(space=PLAIN, algorithm=Manual())
    for x in (0.1, 0.2):
        await _enqueue(services, x)
    for trial in await services.ask(2):
        await services.tell(trial, 1.0)
    other, mine = await _enqueue(services, 0.3, continue_from=1), await _enqueue(services, 0.4, continue_from=2)
    await _enqueue(services, 0.5)
    (from_two,), (any_,) = await asyncio.gather(_ask_from(services, 2), services.ask())
    assert from_two.number == mine.number
    assert any_.number == other.number
    with pytest.raises(FailedPrecondition, match="no trial is enqueued"):
        await _ask_from(services, 2)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (9, "must be the number of a trial"),
        (-1, "must be the number of a trial"),
        (1, "trial 1 is RUNNING"),
        (2, "trial 2 is FAILED"),
    ],
)
async def test_what_has_no_checkpoint_is_refused_by_name(services: Services, number: int, message: str) -> None:
    await services.create(space=PLAIN)
    _, failed = await services.ask(2)
    await services.trials.tell(NAME.trial(failed.number), failure(), lease_id=failed.lease_id, request=None)
    with pytest.raises(InvalidArgument, match=message) as caught:
        await _enqueue(services, 0.5, continue_from=number)
    assert caught.value.field == "trials[0].continue_from"
    with pytest.raises(InvalidArgument, match=message) as caught:
        await _ask_from(services, number)
    assert caught.value.field == "continue_from"
    view, _ = await services.views.refresh(NAME)
    assert len(view.trials) == 2


def _value(trial: Trial) -> float:
    return (float(trial.parameters["x"]) - 0.3) ** 2 + 1.0 / float(trial.parameters["epochs"])


async def test_promotions_go_on_from_the_trial_below_and_are_made_again(clock: HandClock) -> None:
    services = Services(MemoryLedger(clock), clock, _Here())
    await services.create(space=LEVELS, algorithm=Bayesian(start_trials=3))
    trials: dict[int, Trial] = {}
    for _ in range(12):
        (trial,) = await services.ask()
        trials[trial.number] = trial
        await services.tell(trial, _value(trial))
    promoted = [trial for trial in trials.values() if trial.origin is Origin.PROMOTION]
    assert promoted
    for trial in promoted:
        below = trials[trial.continue_from]
        assert below.parameters["x"] == trial.parameters["x"]
        assert float(below.parameters["epochs"]) < float(trial.parameters["epochs"])
    assert all(trial.continue_from == 0 for trial in trials.values() if trial.origin is not Origin.PROMOTION)
    for trial in (promoted[-1], next(one for one in reversed(trials.values()) if one.origin is Origin.MODEL)):
        explanation = await services.use_cases.explaining.explain(NAME.trial(trial.number), repeat=True)
        assert explanation.knowledge is not None
        assert explanation.knowledge.exact
        assert explanation.repetition is not None
        assert explanation.repetition.repeats(trial)
        assert not list(explanation.repetition.differences(trial))
        assert "reproduced" in as_text(explanation)
    with pytest.raises(InvalidArgument, match="'epochs' is the fidelity") as caught:
        await _ask_from(services, 1)
    assert caught.value.field == "continue_from"
    await services.close()


async def _import(services: Services, *results: tuple[float, int, float]) -> None:
    view, _ = await services.views.refresh(NAME)
    past = [
        PastTrial(
            import_key=f"{view.newest}-{index}",
            parameters={"x": x, "epochs": epochs},
            result=Result(state=TrialState.SUCCEEDED, metrics=loss(value)),
        )
        for index, (x, epochs, value) in enumerate(results)
    ]
    await services.intake.import_(NAME, past, request=None)


async def _best(services: Services, count: int = 1) -> list[int]:
    return [record.trial.number for record in (await services.reading.best(NAME, count=count)).records]


async def test_the_best_trial_is_the_best_one_at_the_target(services: Services) -> None:
    await services.create(space=LEVELS)
    await _import(services, (0.1, 1, 0.5), (0.2, 3, 0.9), (0.3, 3, 0.8))
    assert await _best(services, 2) == [3, 2], "while there is none, the best at the highest fidelity"
    assert await _best(services.another(), 2) == [3, 2]
    await _import(services, (0.4, 9, 0.95), (0.5, 9, 0.99))
    assert await _best(services, 5) == [4, 5]
    assert await _best(services.another(), 5) == [4, 5]


async def test_what_is_best_while_nothing_ran_the_whole_may_miss_the_constraints(services: Services) -> None:
    goals = Goals(
        objectives=(Objective(metric="loss", goal=Goal.MINIMIZE),),
        outcome_constraints=(OutcomeConstraint(metric="size", max=10.0),),
    )
    await services.create(space=LEVELS, goals=goals)
    for size, feasible in ((20.0, False), (5.0, True)):
        past = PastTrial(
            import_key=f"{size}",
            parameters={"x": 0.5, "epochs": 3},
            result=Result(state=TrialState.SUCCEEDED, metrics={"loss": Metric(value=1.0), "size": Metric(value=size)}),
        )
        await services.intake.import_(NAME, [past], request=None)
        best = await services.reading.best(NAME, count=5)
        assert ([record.trial.metrics["size"].value for record in best.records], best.feasible) == ([size], feasible)


async def test_a_low_fidelity_reaches_no_target(services: Services) -> None:
    await services.create(space=LEVELS, stopping=StoppingRules(target_value=0.6), algorithm=Random())
    await _import(services, (0.1, 1, 0.5))
    (trial,) = await services.ask()
    assert trial.parameters["epochs"] == 9, "search without a model runs the whole"
    await services.tell(trial, 0.55)
    with pytest.raises(FailedPrecondition, match="target"):
        await services.ask()
