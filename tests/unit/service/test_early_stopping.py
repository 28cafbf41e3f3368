"""Early stopping by servers: what they remember of curves, and that all of them say the same."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from asktell_server.domain.early_stopping import (
    Hyperband,
    MedianStopping,
    PercentileStopping,
    StoppingRule,
    SuccessiveHalving,
    ThresholdStopping,
)
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Measurement, Metric, Objective
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.service.curves import Curve, Curves
from asktell_server.service.early_stopper import EarlyStopper
from asktell_server.service.forecasting import Forecasts
from asktell_server.service.freshening import Freshening
from asktell_server.service.reporting import ReportAnswer
from asktell_server.service.views import Views
from tests.support.builders import NAME, NOW, a_study, loss
from tests.support.curves import decision
from tests.unit.service.conftest import Services

ABOVE_ONE = ThresholdStopping(max=1)


def measured(step: int, value: float, metric: str = "loss") -> Measurement:
    return Measurement(step=step, metrics={metric: Metric(value=value)}, report_time=NOW)


def a_stopper(curves: Curves) -> EarlyStopper:
    """Of a study in which no trial has succeeded."""
    return EarlyStopper(curves, Forecasts(curves, lambda _: {}))


@pytest.mark.parametrize(
    "rule",
    [
        MedianStopping(min_trials=3),
        PercentileStopping(percentile=30, min_trials=2, min_steps=3, interval_steps=2),
        SuccessiveHalving(min_steps=1, reduction_factor=2),
        Hyperband(min_steps=1, max_steps=8, reduction_factor=2),
    ],
    ids=lambda rule: rule.kind,
)
@pytest.mark.parametrize("goal", Goal)
def test_what_is_remembered_is_what_the_curves_say(rule: StoppingRule, goal: Goal) -> None:
    """Any order of reports, later ones first, repeated ones, new attempts, deleted trials; few values, so that there are ties."""
    draw = random.Random(f"{rule.kind} {goal}")
    study = a_study(early_stopping=(rule,), goals=Goals(objectives=(Objective(metric="loss", goal=goal),)))
    curves = Curves()
    stopper = a_stopper(curves)
    known: dict[int, dict[int, float]] = {}
    stopped = 0
    for _ in range(1500):
        number = draw.randint(1, 30)
        newest = max(known.get(number, {}), default=-1)
        step = newest + draw.choice([1, 1, 1, 1, 2, 5]) if draw.random() < 0.8 else draw.randint(0, newest + 1)
        value = draw.randint(0, 8) / 2 + number / 8
        if draw.random() < 0.02:
            known.pop(number, None)
            curves.remove(number)
            stopper.forget()
            continue
        expected = decision(rule, number, step, value, curves=known, goal=goal)
        assert stopper.reason(study, number, measured(step, value)) == (f"{rule.kind}: {expected}" if expected else "")
        stopped += bool(expected)
        stopper.report(number, measured(step, value))
        known.setdefault(number, {})[step] = value
    assert stopped > 20


def test_a_report_that_is_known_already_changes_nothing_that_is_remembered() -> None:
    """The log brings what this server took in itself once more."""
    walks = 0

    class Counting(Curves):
        def of_metric(self, metric: str) -> Iterator[tuple[int, Curve]]:
            nonlocal walks
            walks += 1
            yield from super().of_metric(metric)

    stopper = a_stopper(Counting())
    study = a_study(early_stopping=(MedianStopping(),))
    for step in range(5):
        for number in range(1, 9):
            stopper.reason(study, number, measured(step, 0.5))
            for _ in range(2):
                stopper.report(number, measured(step, 0.5))
    assert walks == 5  # once a step, by the first trial that came to it


def test_several_rules_and_metrics() -> None:
    rules = (
        ThresholdStopping(metric="accuracy", min=0.2, min_steps=1),
        ABOVE_ONE,
        MedianStopping(metric="accuracy", goal=Goal.MAXIMIZE, min_trials=1),
    )
    study = a_study(early_stopping=rules)
    study.validate()
    stopper = a_stopper(Curves())
    stopper.report(1, measured(1, 0.5, "accuracy"))

    assert stopper.reason(study, 2, measured(1, 9.0)) == "threshold: its loss at step 1, 9, is above 1"
    assert stopper.reason(study, 2, measured(1, 0.1, "accuracy")).startswith("threshold: its accuracy")
    assert stopper.reason(study, 2, measured(1, 0.4, "accuracy")).startswith("median: its best accuracy so far, 0.4,")
    assert not stopper.reason(study, 2, measured(1, 0.6, "accuracy"))


def test_a_rule_that_is_changed_holds_at_once() -> None:
    stopper = a_stopper(Curves())
    assert not stopper.reason(a_study(), 1, measured(1, 9.0))
    assert stopper.reason(a_study(early_stopping=(ABOVE_ONE,)), 1, measured(1, 9.0))
    assert not stopper.reason(a_study(early_stopping=(ThresholdStopping(max=10),)), 1, measured(1, 9.0))


async def report(services: Services, trial: Trial, step: int | None, value: float = 0.0) -> ReportAnswer:
    return await services.trials.report(
        NAME.trial(trial.number),
        lease_id=trial.lease_id,
        step=step or 0,
        metrics={} if step is None else loss(value),
        request=None,
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # what is waited for knows no event
            await asyncio.sleep(0)


async def test_the_decision_stays_and_every_server_says_it(services: Services) -> None:
    await services.create(early_stopping=(ABOVE_ONE,))
    (trial,) = await services.ask()
    assert not (await report(services, trial, 0, 0.5)).should_stop
    reason = "threshold: its loss at step 1, 1.5, is above 1"
    assert (await report(services, trial, 1, 1.5)).stop_reason == reason

    assert (await report(services, trial, 2, 0.1)).stop_reason == reason
    assert (await report(services, trial, None)).stop_reason == reason
    assert (await report(services.another(), trial, None)).stop_reason == reason
    record, _ = await services.another().trials.tell(
        NAME.trial(1), Result(state=TrialState.STOPPED), lease_id=trial.lease_id, request=None
    )
    assert (record.trial.state, record.trial.metrics) == (TrialState.STOPPED, loss(0.1))


async def test_a_server_judges_by_what_others_took_in_meanwhile(services: Services) -> None:
    await services.create(early_stopping=(MedianStopping(min_trials=3),))
    trials: Sequence[Trial] = await services.ask(4)
    other = services.another()
    await report(other, trials[3], 0, 0.5)  # from here on it has a view, and brings it up to date every now and then
    for trial in trials[:3]:
        await report(services, trial, 1, 0.1)
    views = Views(services.ledger, fresh_s=0)
    view, _ = await views.refresh(NAME)
    assert view.stop_reason(4, measured(1, 0.2))

    for trial in trials[:3]:
        await report(services, trial, 2, 0.1)
    assert not view.stop_reason(4, measured(2, 0.2))
    views.freshen(NAME)
    await until(lambda: bool(view.stop_reason(4, measured(2, 0.2))))
    await views.close()


async def test_a_study_is_not_read_all_the_time() -> None:
    now, reads = 100.0, 0

    async def read(_: StudyName) -> None:
        nonlocal reads
        reads += 1

    async def used() -> int:
        freshening.used(NAME)
        freshening.used(NAME)
        for _ in range(3):
            await asyncio.sleep(0)
        return reads

    freshening = Freshening(read, fresh_s=2, monotonic_s=lambda: now)
    assert await used() == 1
    now += 1.9
    assert await used() == 1
    now += 0.2
    assert await used() == 2
    freshening.was_read(NAME)
    now += 1.9
    assert await used() == 2
    await freshening.close()
