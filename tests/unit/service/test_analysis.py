"""Questions about a study: asked once for each state of the results, and answered from memory afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from asktell_server.domain.errors import ErrorReason, FailedPrecondition, InvalidArgument
from asktell_server.engine.task import A, Task
from asktell_server.service.analysis.analysing import Analysing
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME
from tests.unit.service.analysing import Here, run
from tests.unit.service.conftest import HandClock, Services


@dataclass(frozen=True, slots=True)
class Noise:
    """How noisy a metric is; `size` is what keeping the answer takes."""

    metric: str = "loss"
    size: int = 1

    def answer(self, model: Any) -> float:
        """See Question."""
        return float(model.noise_deviation(self.metric))


@pytest.fixture
def here() -> Here:
    """The engine of `services`."""
    return Here()


@pytest.fixture
def services(clock: HandClock, here: Here) -> Services:
    """One server on an empty store."""
    return Services(MemoryLedger(clock), clock, here)


@pytest.fixture
def analysing(services: Services) -> Analysing:
    """The use case."""
    return services.use_cases.analysing


ASKED = [{"lr": 0.5, "layers": 3, "bias": True}]


async def test_the_same_question_is_asked_once_for_each_state_of_the_results(
    services: Services, here: Here, analysing: Analysing
) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9)
    first = await analysing.predict(NAME, ASKED, metric="")
    assert first.result_count == 3
    (beliefs,) = first.beliefs
    assert list(beliefs) == ["loss"]
    assert 0.0 < beliefs["loss"].mean < 1.2
    assert beliefs["loss"].standard_deviation > 0
    await services.ask()  # changes no result
    assert await analysing.predict(NAME, ASKED, metric="loss") == first
    assert len(here.asked) == 1
    await analysing.predict(NAME, [{"lr": 0.1, "layers": 3, "bias": True}], metric="")
    assert [bool(task.fitted) for task in here.asked] == [False, True]
    await run(services, 0.1)
    assert await analysing.predict(NAME, ASKED, metric="") != first
    assert [bool(task.fitted) for task in here.asked] == [False, True, False]


async def test_those_who_ask_at_the_same_time_wait_for_one_answer_even_when_one_goes_away(
    services: Services, here: Here, analysing: Analysing
) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9)
    here.free.clear()
    calls = [asyncio.create_task(analysing.predict(NAME, ASKED, metric="")) for _ in range(3)]
    await here.begun.wait()
    calls[0].cancel()
    here.free.set()
    assert await calls[1] == await calls[2]
    assert calls[0].cancelled()
    assert len(here.asked) == 1


async def test_questions_about_the_same_results_are_answered_by_one_fit(
    services: Services, here: Here, analysing: Analysing
) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9)
    here.free.clear()
    other = [{"lr": 0.1, "layers": 3, "bias": True}]
    calls = [asyncio.create_task(analysing.predict(NAME, asked, metric="")) for asked in (ASKED, other)]
    validating = asyncio.create_task(analysing.cross_validate(NAME, metric=""))
    await here.begun.wait()
    here.free.set()
    await asyncio.gather(*calls, validating)
    assert [bool(task.fitted) for task in here.asked] == [False, True, True]


async def test_what_is_kept_is_bounded(services: Services, here: Here) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9)
    view, _ = await services.views.refresh(NAME)
    inquiries = Inquiries(here, services.use_cases.modelling, most_kept=1000)
    for size in (1, 2, 1, 2):
        await inquiries.answer(view, Noise(size=size))
    assert len(here.asked) == 2
    await inquiries.answer(view, Noise(size=700))  # leaves room for no other
    for size in (700, 1):
        await inquiries.answer(view, Noise(size=size))
    assert len(here.asked) == 4


async def test_a_failure_reaches_those_who_asked_and_is_not_kept(
    services: Services, here: Here, analysing: Analysing, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9)

    async def fails(task: Task[A]) -> A:
        return task.fallback("no worker")

    with monkeypatch.context() as patch:
        patch.setattr(here, "answer", fails)
        with pytest.raises(Exception, match="no worker"):
            await analysing.predict(NAME, ASKED, metric="")
    assert (await analysing.predict(NAME, ASKED, metric="")).result_count == 3


async def test_a_model_takes_results(services: Services, here: Here, analysing: Analysing) -> None:
    await services.create()
    await run(services, 0.5, 0.3)
    with pytest.raises(FailedPrecondition) as caught:
        await analysing.predict(NAME, ASKED, metric="")
    assert caught.value.reason is ErrorReason.TOO_FEW_RESULTS
    assert caught.value.metadata == {"metric": "loss", "results": "2", "required": "3"}
    assert not here.asked


async def test_a_parameter_with_a_default_may_be_left_out(services: Services, analysing: Analysing) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9)
    whole = [{"lr": 0.5, "layers": 2, "bias": True}]
    left_out = [{"lr": 0.5, "bias": True}]
    assert await analysing.predict(NAME, left_out, metric="") == await analysing.predict(NAME, whole, metric="")


@pytest.mark.parametrize(
    ("configurations", "metric", "field", "reason"),
    [
        ([], "", "configurations", ErrorReason.INVALID_FIELD),
        (ASKED * 1001, "", "configurations", ErrorReason.INVALID_FIELD),
        (
            [{"lr": 2.0, "layers": 3, "bias": True}],
            "",
            "configurations[0].parameters[lr]",
            ErrorReason.VALUE_OUTSIDE_SPACE,
        ),
        (
            [*ASKED, {"layers": 3, "bias": True}],
            "",
            "configurations[1].parameters[lr]",
            ErrorReason.VALUE_OUTSIDE_SPACE,
        ),
        (ASKED, "accuracy", "metric", ErrorReason.UNKNOWN_METRIC),
    ],
)
async def test_bad_questions_name_the_field(
    services: Services, analysing: Analysing, configurations: Any, metric: str, field: str, reason: ErrorReason
) -> None:
    await services.create()
    with pytest.raises(InvalidArgument) as caught:
        await analysing.predict(NAME, configurations, metric=metric)
    assert (caught.value.field, caught.value.reason) == (field, reason)


async def test_importances_and_cross_validation_are_by_metric_and_kept(
    services: Services, here: Here, analysing: Analysing
) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9, 0.2)
    found, count = await analysing.importances(NAME, metric="loss")
    assert (found.names, count) == (("lr", "layers", "bias"), 4)
    validated = await analysing.cross_validate(NAME, metric="")
    assert [(each.number, each.observed) for each in validated.results] == [(1, 0.5), (2, 0.3), (3, 0.9), (4, 0.2)]
    assert all(each.belief.standard_deviation > 0 for each in validated.results)
    assert await analysing.cross_validate(NAME, metric="loss") == validated
    await analysing.importances(NAME, metric="")
    assert len(here.asked) == 2
    for question in (analysing.importances, analysing.cross_validate):
        with pytest.raises(InvalidArgument, match="accuracy"):
            await question(NAME, metric="accuracy")


async def test_results_of_trials_that_are_gone_are_none(services: Services, analysing: Analysing) -> None:
    await services.create()
    await run(services, 0.5, 0.3, 0.9, 0.3)
    before = await analysing.cross_validate(NAME, metric="")
    await services.trials.delete(NAME.trial(2), request=None)
    after = await analysing.cross_validate(NAME, metric="")
    assert [each.number for each in before.results] == [1, 2, 3, 4]
    assert [each.number for each in after.results] == [1, 3, 4]
