"""Asks with fixed values: who gets which trial, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asktell_server.domain.algorithm import Bayesian, Grid, Manual, Random
from asktell_server.domain.errors import ErrorReason, FailedPrecondition, InvalidArgument, ResourceExhausted
from asktell_server.domain.space import (
    CategoricalDomain,
    Condition,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    SearchSpace,
)
from asktell_server.domain.study import StudyState
from asktell_server.domain.trial import Origin, Result, TrialState
from asktell_server.engine.task import A, Task
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.explanation import as_json, as_text
from asktell_server.service.intake import NewTrial, PastTrial
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Request
from tests.support.builders import NAME, loss
from tests.unit.service.conftest import HandClock, Services

SIZES = SearchSpace(
    parameters=(
        Parameter(name="batch", domain=IntDomain(min=1, max=3)),
        Parameter(name="depth", domain=IntDomain(min=1, max=2)),
    )
)
CONTEXT = SearchSpace(
    parameters=(
        Parameter(name="data", domain=CategoricalDomain(values=("a", "b")), context=True),
        Parameter(name="n", domain=IntDomain(min=1, max=2)),
    )
)
OPTIMIZERS = SearchSpace(
    parameters=(
        Parameter(name="opt", domain=CategoricalDomain(values=("sgd", "adam"))),
        Parameter(
            name="momentum",
            domain=FloatDomain(min=0.0, max=1.0),
            condition=Condition(parent="opt", values=("sgd",)),
        ),
    )
)


async def _queue(services: Services, *batches: int) -> None:
    new = [NewTrial(parameters={"batch": batch, "depth": 1}) for batch in batches]
    await services.intake.enqueue(NAME, new, request=None)


@pytest.mark.parametrize("algorithm", [Random(), Grid(), Bayesian(start_trials=50)], ids=lambda a: a.kind)
async def test_asks_at_once_get_the_values_that_each_has_fixed(services: Services, algorithm: Any) -> None:
    await services.create(space=SIZES, algorithm=algorithm)
    eight, any_, other = await asyncio.gather(
        services.ask(2, fixed={"batch": 3}), services.ask(2), services.ask(fixed={"batch": 1, "depth": 2})
    )
    assert [trial.parameters["batch"] for trial in eight] == [3, 3]
    assert other[0].parameters == {"batch": 1, "depth": 2}
    trials = [*eight, *any_, *other]
    assert len({SIZES.key(trial.parameters) for trial in trials}) == 5
    assert {trial.provenance is not None and dict(trial.provenance.fixed) == {"batch": 3} for trial in eight} == {True}


async def test_a_queued_trial_waits_for_a_worker_that_can_run_it(services: Services) -> None:
    await services.create(space=SIZES)
    await _queue(services, 1, 2, 3, 3)
    (three,) = await services.ask(fixed={"batch": 3})
    assert (three.number, three.origin) == (3, Origin.PERSON)
    both, (first, *others) = await asyncio.gather(services.ask(2, fixed={"batch": 3}), services.ask(3))
    assert [trial.parameters["batch"] for trial in both] == [3, 3]
    assert [first.number, *(trial.number for trial in others)][:2] == [1, 2]


async def test_asks_at_once_share_the_whole_queue(services: Services) -> None:
    await services.create(space=SIZES, algorithm=Manual())
    await _queue(services, 1, 2, 1, 1, 3, 3)
    given = await asyncio.gather(services.ask(2), services.ask(2, fixed={"batch": 3}), services.ask(2))
    assert sorted(trial.number for trials in given for trial in trials) == [1, 2, 3, 4, 5, 6]
    assert {trial.parameters["batch"] for trial in given[1]} == {3}


async def test_a_trial_that_comes_back_goes_to_a_worker_with_its_values(services: Services, clock: HandClock) -> None:
    await services.create(space=SIZES)
    (lapsing,) = await services.ask(fixed={"batch": 3, "depth": 1})
    (released,) = await services.ask(fixed={"batch": 3, "depth": 2})
    await services.trials.release(NAME.trial(released.number), lease_id=released.lease_id, request=None)
    (other,) = await services.ask(fixed={"batch": 1})
    clock.advance(100)
    again = await services.ask(2, fixed={"batch": 3})
    assert [trial.number for trial in again] == [lapsing.number, released.number]
    assert other.parameters["batch"] == 1


@pytest.mark.parametrize("algorithm", [Random(), Grid(), Bayesian(start_trials=50)], ids=lambda a: a.kind)
async def test_one_value_is_exhausted_while_others_are_not(services: Services, algorithm: Any) -> None:
    await services.create(space=SIZES, algorithm=algorithm)
    trials = await services.ask(5, fixed={"batch": 3})
    assert len(trials) == 2
    with pytest.raises(ResourceExhausted):  # they may come back
        await services.ask(fixed={"batch": 3})
    for trial in trials:
        await services.tell(trial, 1.0)
    with pytest.raises(FailedPrecondition, match=r"nothing left to try with batch=3: .* others have not") as caught:
        await services.ask(fixed={"batch": 3})
    assert (caught.value.reason, caught.value.metadata["fixed"]) == (ErrorReason.FIXED_EXHAUSTED, "batch=3")
    view, _ = await services.views.refresh(NAME)
    assert view.study.state is StudyState.ACTIVE
    served, refused = await asyncio.gather(services.ask(), services.ask(fixed={"batch": 3}), return_exceptions=True)
    assert isinstance(refused, FailedPrecondition)
    assert not isinstance(served, BaseException)
    await services.tell(served[0], 1.0)
    for batch in (1, 2):
        for trial in await services.ask(2, fixed={"batch": batch}):
            await services.tell(trial, 1.0)
    with pytest.raises(FailedPrecondition) as caught:
        await services.ask(fixed={"batch": 2})
    assert caught.value.reason is ErrorReason.STUDY_COMPLETE
    assert caught.value.metadata["finish_reason"] == "EXHAUSTED"


async def test_replicates_of_fixed_values_run_side_by_side(services: Services) -> None:
    await services.create(space=SIZES, replicates=2)
    trials = [trial for _ in range(4) for trial in await services.ask(fixed={"batch": 2})]
    assert sorted(trial.parameters["depth"] for trial in trials) == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("space", "fixed", "field", "message"),
    [
        (SIZES, {"width": 1}, "width", "no such parameter; the space has 'batch', 'depth'"),
        (SIZES, {"batch": 4}, "batch", "must be"),
        (SIZES, {"batch": "3"}, "batch", "must be"),
        (OPTIMIZERS, {"momentum": 0.5}, "momentum", "exists only beside some values of opt: fix opt, too"),
        (OPTIMIZERS, {"opt": "adam", "momentum": 0.5}, "momentum", "is not active: opt is fixed to adam"),
        (CONTEXT, {}, "data", "is missing: it is a context parameter, and every ask states its value"),
        (CONTEXT, {"n": 1}, "data", "is missing"),
    ],
)
async def test_what_cannot_be_fixed_is_refused_by_name(
    services: Services, space: SearchSpace, fixed: dict[str, ParameterValue], field: str, message: str
) -> None:
    await services.create(space=space)
    with pytest.raises(InvalidArgument, match=message) as caught:
        await services.ask(fixed=fixed)
    assert caught.value.field == f"fixed_parameters[{field}]"
    assert caught.value.reason is ErrorReason.VALUE_OUTSIDE_SPACE
    view, _ = await services.views.refresh(NAME)
    assert not view.trials


async def test_a_wrong_ask_does_not_harm_the_ones_beside_it(services: Services) -> None:
    await services.create(space=SIZES)
    wrong, right = await asyncio.gather(
        services.ask(fixed={"batch": 9}), services.ask(fixed={"batch": 2}), return_exceptions=True
    )
    assert isinstance(wrong, InvalidArgument)
    assert not isinstance(right, BaseException)
    assert right[0].parameters["batch"] == 2


async def test_a_child_is_fixed_beside_its_parent(services: Services) -> None:
    await services.create(space=OPTIMIZERS)
    (trial,) = await services.ask(fixed={"opt": "sgd", "momentum": 1})
    assert trial.parameters == {"opt": "sgd", "momentum": 1.0}
    (trial,) = await services.ask(fixed={"opt": "adam"})
    assert trial.parameters == {"opt": "adam"}


async def test_a_request_is_repeated_with_its_values_and_with_no_others(services: Services) -> None:
    await services.create(space=SIZES, algorithm=Manual())
    await _queue(services, 2)
    request = Request(request_id="r", fingerprint="batch=2")
    (first,) = await services.ask(request=request, fixed={"batch": 2})
    (again,) = await services.ask(request=request, fixed={"batch": 2})
    assert again.number == first.number
    with pytest.raises(InvalidArgument) as caught:
        await services.ask(fixed={"batch": 3}, request=Request(request_id="r", fingerprint="batch=3"))
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
    with pytest.raises(FailedPrecondition, match="no trial is enqueued with batch=3"):
        await services.ask(fixed={"batch": 3})


async def test_contexts_have_their_own_configurations_and_one_study(services: Services) -> None:
    await services.create(space=CONTEXT)
    for data in ("a", "b"):
        trials = await services.ask(5, fixed={"data": data})
        assert sorted(trial.parameters["n"] for trial in trials) == [1, 2]
        for trial in trials:
            await services.tell(trial, 1.0 if data == "a" else 0.5)
    best = await services.reading.best(NAME, count=1)
    assert best.records[0].trial.parameters["data"] == "b"
    with pytest.raises(FailedPrecondition) as caught:
        await services.ask(fixed={"data": "a"})
    assert caught.value.reason is ErrorReason.STUDY_COMPLETE


async def test_trials_from_outside_state_their_context(services: Services) -> None:
    await services.create(space=CONTEXT)
    with pytest.raises(InvalidArgument, match=r"data.*is missing"):
        await services.intake.enqueue(NAME, [NewTrial(parameters={"n": 1})], request=None)
    past = PastTrial(import_key="k", parameters={"n": 1}, result=Result(state=TrialState.SUCCEEDED, metrics=loss(1.0)))
    with pytest.raises(InvalidArgument, match=r"data.*is missing"):
        await services.intake.import_(NAME, [past], request=None)


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


async def test_a_suggestion_of_the_model_with_fixed_values_is_made_again(clock: HandClock) -> None:
    services = Services(MemoryLedger(clock), clock, _Here())
    space = SearchSpace(
        parameters=(
            Parameter(name="batch", domain=IntDomain(min=1, max=64)),
            Parameter(name="lr", domain=FloatDomain(min=0.0, max=1.0)),
        )
    )
    await services.create(space=space, algorithm=Bayesian(start_trials=3))
    for turn in range(4):
        (trial,) = await services.ask(fixed={"batch": 8 << turn % 2})
        await services.tell(trial, (float(trial.parameters["lr"]) - 0.3) ** 2)
    (eight,), (any_,) = await asyncio.gather(services.ask(fixed={"batch": 8}), services.ask())
    assert eight.parameters["batch"] == 8
    for trial in (eight, any_):
        assert trial.origin is Origin.MODEL
        explanation = await services.use_cases.explaining.explain(NAME.trial(trial.number), repeat=True)
        assert explanation.knowledge is not None
        assert explanation.knowledge.exact
        assert explanation.repetition is not None
        assert explanation.repetition.repeats(trial)
        assert not list(explanation.repetition.differences(trial))
        assert ("batch=8" in as_text(explanation)) == (trial is eight)
        assert as_json(explanation)["provenance"]["fixed"] == ({"batch": 8} if trial is eight else {})
    await services.close()
