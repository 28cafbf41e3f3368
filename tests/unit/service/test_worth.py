"""What the last trials have gained, which has a say in whether further ones are worth their while."""

from __future__ import annotations

from math import inf

import pytest

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective, OutcomeConstraint
from asktell_server.domain.trial import Result, TrialState
from asktell_server.service.worth import gained_lately
from tests.support.builders import NAME
from tests.unit.service.conftest import Services


async def _gained(services: Services, values: list[float | None]) -> float:
    for value in values:
        (trial,) = await services.ask()
        if value is None:
            result = Result(state=TrialState.FAILED)
        else:
            result = Result(
                state=TrialState.SUCCEEDED, metrics={name: Metric(value=value) for name in ("loss", "accuracy")}
            )
        await services.trials.tell(NAME.trial(trial.number), result, lease_id=trial.lease_id, request=None)
    view, _ = await services.views.refresh(NAME)
    return gained_lately(view)


@pytest.mark.parametrize(
    ("values", "gained"),
    [
        ([], inf),
        ([1.0] * 10, inf),
        ([5.0, *[7.0] * 10], 0.0),
        ([5.0, *[7.0] * 9, 2.0], 3.0),
        ([2.0, 5.0, *[7.0] * 9, 3.0], 0.0),
        ([5.0, *[None] * 10], 0.0),
        ([None, *[1.0] * 10], inf),
    ],
)
async def test_it_is_the_better_part_of_the_last_ten(
    services: Services, values: list[float | None], gained: float
) -> None:
    await services.create()
    assert await _gained(services, values) == gained


async def test_higher_may_be_better_and_what_breaks_a_constraint_is_no_gain(services: Services) -> None:
    goals = Goals(
        objectives=(Objective(metric="loss", goal=Goal.MAXIMIZE),),
        outcome_constraints=(OutcomeConstraint(metric="accuracy", max=6.0),),
    )
    await services.create(goals=goals, tracked_metrics=())
    assert await _gained(services, [5.0, *[1.0] * 8, 5.5, 9.0]) == 0.5
