"""Trade-offs along a Pareto front: values, slopes and what each trial adds."""

from __future__ import annotations

import pytest

from asktell_server.domain.errors import ErrorReason, FailedPrecondition
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint
from asktell_server.domain.space import FloatDomain, Parameter, SearchSpace
from asktell_server.store.memory import MemoryLedger
from tests.support.builders import NAME
from tests.unit.service.analysing import Here, bring
from tests.unit.service.conftest import HandClock, Services

SPACE = SearchSpace(parameters=(Parameter(name="x", domain=FloatDomain(min=0.0, max=10.0)),))
GOALS = Goals(
    objectives=(
        Objective(metric="loss", goal=Goal.MINIMIZE, reference=10.0),
        Objective(metric="speed", goal=Goal.MAXIMIZE, reference=0.0),
    )
)
RESULTS = {0.0: (1.0, 2.0), 1.0: (2.0, 5.0), 2.0: (4.0, 6.0), 3.0: (5.0, 1.0), 4.0: (4.0, 6.0)}


@pytest.fixture
def here() -> Here:
    """The engine of `services`."""
    return Here()


@pytest.fixture
def services(clock: HandClock, here: Here) -> Services:
    """One server on an empty store."""
    return Services(MemoryLedger(clock), clock, here)


async def _bring(services: Services) -> None:
    await bring(
        services,
        [{"x": x} for x in RESULTS],
        lambda one: dict(zip(("loss", "speed"), RESULTS[float(one["x"])], strict=True)),
    )


async def test_values_slopes_and_contributions(services: Services, here: Here) -> None:
    await services.create(space=SPACE, goals=GOALS)
    await _bring(services)
    trading_off = services.use_cases.trading_off
    found = await trading_off.trade_offs(NAME)
    assert [(each.number, each.values) for each in found] == [
        (1, {"loss": 1.0, "speed": 2.0}),
        (2, {"loss": 2.0, "speed": 5.0}),
        (3, {"loss": 4.0, "speed": 6.0}),
        (5, {"loss": 4.0, "speed": 6.0}),
    ]
    assert [each.slopes for each in found] == [{"speed": 3.0}, {"speed": 0.5}, {}, {}]
    # The first alone dominates the losses from 1 to 2 below a speed of 2; the last two share what they dominate.
    assert [each.contribution for each in found] == pytest.approx([2.0, 6.0, 0.0, 0.0])
    assert await trading_off.trade_offs(NAME) == found
    assert len(here.asked) == 1


async def test_without_a_front_there_are_none(services: Services) -> None:
    slow = OutcomeConstraint(metric="speed", min=100.0)
    await services.create(space=SPACE, goals=Goals(objectives=GOALS.objectives, outcome_constraints=(slow,)))
    await _bring(services)
    with pytest.raises(FailedPrecondition, match="feasible") as caught:
        await services.use_cases.trading_off.trade_offs(NAME)
    assert caught.value.reason is ErrorReason.TOO_FEW_RESULTS


async def test_one_objective_has_none(services: Services) -> None:
    await services.create()
    with pytest.raises(FailedPrecondition, match="one objective") as caught:
        await services.use_cases.trading_off.trade_offs(NAME)
    assert caught.value.reason is ErrorReason.TOO_FEW_RESULTS
