"""What trials that were stopped teach: what they are expected to have come to, reckoned once and kept."""

from __future__ import annotations

import random

import pytest

from asktell_server.domain.algorithm import Manual
from asktell_server.domain.early_stopping import AutoStopping, StoppingRule, WilcoxonStopping
from asktell_server.domain.early_stopping.forecast import forecast
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Measurement, Metric, Objective
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import Problem
from asktell_server.service.curves import Curves
from asktell_server.service.forecasting import FinishedTrials
from asktell_server.service.intake import NewTrial
from asktell_server.service.reopening import Reopen
from asktell_server.service.suggesting import SuggestRequest, TriedConfiguration, task_of
from asktell_server.service.views import Views
from tests.support.builders import NAME, NOW, a_study, loss, success
from tests.support.curves import decision
from tests.unit.service.conftest import Services
from tests.unit.service.test_continuing import LEVELS

DROPS = (-0.5, -0.3, -0.3, -0.2)


async def train(services: Services, trial: Trial, *values: float, metric: str = "loss") -> None:
    for step, value in enumerate(values):
        await services.trials.report(
            NAME.trial(trial.number),
            lease_id=trial.lease_id,
            step=step,
            metrics={metric: Metric(value=value)},
            request=None,
        )


async def tell(services: Services, trial: Trial, result: Result) -> Trial:
    record, _ = await services.trials.tell(NAME.trial(trial.number), result, lease_id=trial.lease_id, request=None)
    return record.trial


async def a_past(services: Services, *, sign: float = 1.0) -> None:
    """Four trials that succeeded; from step 1 on they went down by DROPS."""
    for trial, drop in zip(await services.ask(len(DROPS)), DROPS, strict=True):
        await train(services, trial, sign * 1.0, sign * 0.8, sign * (0.8 + drop))
        await tell(services, trial, success(sign * (0.8 + drop)))


STOPPED = Result(state=TrialState.STOPPED, reason="median: it fell behind")


@pytest.mark.parametrize("goal", Goal)
async def test_a_stopped_trial_teaches_what_it_would_have_come_to(services: Services, goal: Goal) -> None:
    sign = 1.0 if goal is Goal.MINIMIZE else -1.0
    await services.create(goals=Goals(objectives=(Objective(metric="loss", goal=goal),)))
    await a_past(services, sign=sign)
    (trial,) = await services.ask()
    await train(services, trial, sign * 1.5, sign * 0.7)
    stopped = await tell(services, trial, STOPPED)

    assert stopped.metrics == loss(sign * 0.7)
    expected = stopped.expected_metrics["loss"]
    assert expected.value == pytest.approx(sign * 0.4)  # the best one has 0.3
    assert expected.standard_error == pytest.approx(
        forecast((1,), (0.7,), [(0.8, drop) for drop in DROPS]).standard_deviation
    )

    view, _ = await services.views.refresh(NAME)
    history = view.history()
    assert history.values[4, 0] == expected.value
    assert history.standard_errors[4, 0] == expected.standard_error
    assert history.expected.tolist() == [False] * 4 + [True]
    assert [best.number for best in view.best(2)] == [1, 2]  # not 5, which has not come to its 0.4


async def test_it_is_reckoned_once_and_every_server_has_the_same(services: Services) -> None:
    await services.create()
    await a_past(services)
    (trial, later) = await services.ask(2)
    await train(services, trial, 1.5, 0.7)
    stopped = await tell(services, trial, STOPPED)
    await train(services, later, 1.0, 0.8, 0.1)
    await tell(services, later, success(0.1))

    assert await tell(services, trial, STOPPED) == stopped
    for views in (services.views, Views(services.ledger)):
        view, _ = await views.refresh(NAME)
        assert view.trials[trial.number].expected_metrics == stopped.expected_metrics
        assert view.history().values[4, 0] == stopped.expected_metrics["loss"].value


async def test_a_server_that_took_in_none_of_the_reports_expects_the_same(services: Services) -> None:
    await services.create()
    await a_past(services)
    here, there = await services.ask(2)
    other = services.another()
    await other.views.refresh(NAME)  # its view is older than what follows
    for trial in (here, there):
        await train(services, trial, 1.5, 0.7)
    expected = (await tell(services, here, STOPPED)).expected_metrics

    assert (await tell(other, there, STOPPED)).expected_metrics == expected


async def test_what_was_told_with_an_error_keeps_it(services: Services) -> None:
    await services.create()
    await a_past(services)
    (trial,) = await services.ask()
    await train(services, trial, 1.5, 0.6)
    told = Result(state=TrialState.STOPPED, metrics={"loss": Metric(value=0.7, standard_error=2.0)})
    stopped = await tell(services, trial, told)

    assert stopped.expected_metrics["loss"].value == pytest.approx(
        0.4
    )  # from what was told, at the step of the last report
    spread = forecast((1,), (0.7,), [(0.8, drop) for drop in DROPS]).standard_deviation
    assert stopped.expected_metrics["loss"].standard_error == pytest.approx((spread**2 + 4.0) ** 0.5)


async def test_without_reports_nothing_is_expected(services: Services) -> None:
    await services.create()
    await a_past(services)
    (trial,) = await services.ask()
    stopped = await tell(services, trial, Result(state=TrialState.STOPPED, metrics=loss(0.7)))

    assert stopped.expected_metrics == {}
    view, _ = await services.views.refresh(NAME)
    assert view.history().values[4, 0] == 0.7
    assert not view.history().expected.any()


async def test_a_correction_is_reckoned_anew(services: Services) -> None:
    await services.create()
    await a_past(services)
    (trial,) = await services.ask()
    await train(services, trial, 1.5, 0.7)
    await tell(services, trial, STOPPED)

    async def amended(result: Result) -> Trial:
        record = await services.trials.amend(NAME.trial(trial.number), result, reason="wrong", request=None)
        return record.trial

    again = await amended(Result(state=TrialState.STOPPED, metrics=loss(0.9)))
    assert again.expected_metrics["loss"].value == pytest.approx(0.6)
    assert (await amended(success(0.9))).expected_metrics == {}


async def test_a_correction_goes_by_results_that_another_server_took_in(services: Services) -> None:
    await services.create()
    await a_past(services)
    (trial,) = await services.ask()
    await train(services, trial, 1.5, 0.7)
    stopped = await tell(services, trial, STOPPED)
    other = services.another()
    await other.views.refresh(NAME)  # it knows the trial, but nothing of what follows
    for later in await services.ask(4):
        await train(services, later, 1.0, 0.8, 0.1)
        await tell(services, later, success(0.1))

    again = Result(state=TrialState.STOPPED, metrics=loss(0.7), reason="as it was")
    there, here = [
        await one.trials.amend(NAME.trial(trial.number), again, reason="wrong", request=None)
        for one in (other, services)
    ]
    assert there.trial.expected_metrics == here.trial.expected_metrics != stopped.expected_metrics


async def test_on_new_data_every_server_expects_by_the_results_on_it(services: Services) -> None:
    await services.create()
    await a_past(services)
    (before,) = await services.ask()
    await train(services, before, 1.5, 0.7)
    assert (await tell(services, before, STOPPED)).expected_metrics["loss"].value == pytest.approx(0.4)
    await services.use_cases.reopening.reopen(NAME, Reopen(decay=0.5), etag="", request=None)
    for drop, trial in zip((0.4, 0.5, 0.5, 0.6), await services.ask(4), strict=True):
        await train(services, trial, 1.0, 0.8, 0.8 + drop)
        await tell(services, trial, success(0.8 + drop))
    here, there = await services.ask(2)
    for trial in (here, there):
        await train(services, trial, 1.5, 0.7)

    expected = (await tell(services, here, STOPPED)).expected_metrics
    assert expected["loss"].value == pytest.approx(1.2)
    assert (await tell(services.another(), there, STOPPED)).expected_metrics == expected


async def test_trials_below_the_highest_fidelity_are_no_ends_of_whole_ones(services: Services) -> None:
    await services.create(space=LEVELS, algorithm=Manual())

    async def started(epochs: int) -> Trial:
        await services.intake.enqueue(NAME, [NewTrial(parameters={"x": 0.5, "epochs": epochs})], request=None)
        (trial,) = await services.ask()
        return trial

    for drop in DROPS:
        for epochs, end in ((9, 0.8 + drop), (1, 5.0)):
            trial = await started(epochs)
            await train(services, trial, 1.0, 0.8, end)
            await tell(services, trial, success(end))
    for one in (services, services.another(), services):  # the first one again, which remembers
        whole, low = await started(9), await started(1)
        for trial in (whole, low):
            await train(services, trial, 1.5, 0.7)
        assert (await tell(one, whole, STOPPED)).expected_metrics["loss"].value == pytest.approx(0.4)
        assert (await tell(one, low, STOPPED)).expected_metrics == {}
        late = await started(1)
        await train(services, late, 1.0, 0.8, 5.0)
        await tell(services, late, success(5.0))


def test_what_is_remembered_of_finished_trials_is_what_their_curves_say() -> None:
    """Any order of reports and results, late reports, corrected results, trials that go."""
    draw = random.Random(5)
    curves = Curves()
    finished, finals = FinishedTrials("loss", curves, {}), dict[int, float]()
    for _ in range(1500):
        number = draw.randint(1, 12)
        known = curves.of(number).get("loss")
        before = known.steps[-1] if known else -1
        match draw.randint(0, 9):
            case 0:
                finished.remove(number)
                finals[number] = draw.randint(0, 5) / 2
                finished.put(number, finals[number])
            case 1:
                finished.remove(number)
                finals.pop(number, None)
            case _:
                step = draw.randint(0, 12)
                curves.report(number, Measurement(step=step, metrics=loss(draw.random()), report_time=NOW))
                if step > before:
                    finished.grown(number, since=before)
                else:
                    finished.changed(number)
        anew = FinishedTrials("loss", curves, finals)
        step = draw.randint(0, 12)
        assert list(finished.changes_at(step)) == list(anew.changes_at(step))
        for goal in Goal:
            assert finished.best(goal) == anew.best(goal)


@pytest.mark.parametrize("rule", [AutoStopping(min_trials=4), WilcoxonStopping()], ids=lambda rule: rule.kind)
@pytest.mark.parametrize("goal", Goal)
async def test_a_server_judges_by_the_trials_that_succeeded(services: Services, rule: StoppingRule, goal: Goal) -> None:
    """As by definition, whatever order reports and results come in; a server that comes later says the same."""
    draw = random.Random(f"{rule.kind} {goal}")
    await services.create(early_stopping=(rule,), goals=Goals(objectives=(Objective(metric="loss", goal=goal),)))
    view, _ = await services.views.refresh(NAME)
    trials = {trial.number: trial for trial in await services.ask(40)}
    running = {number: goal.cost(draw.gauss(1.0, 0.2)) for number in trials}  # how good each is
    known: dict[int, dict[int, float]] = {}
    finals: dict[int, float] = {}
    reasons = 0
    while running:
        number = draw.choice(list(running)[:8])
        step = max(known.get(number, {}), default=-1) + 1
        value = running[number] * (1.0 + 0.5 / (step + 1)) + draw.gauss(0.0, 0.01)
        expected = decision(rule, number, step, value, curves=known, goal=goal, finals=finals)
        measurement = Measurement(step=step, metrics=loss(value), report_time=NOW)
        assert view.stop_reason(number, measurement) == (f"{rule.kind}: {expected}" if expected else "")
        reasons += bool(expected)
        await services.trials.report(
            NAME.trial(number), lease_id=trials[number].lease_id, step=step, metrics=loss(value), request=None
        )
        known.setdefault(number, {})[step] = value
        if step == 7:
            finals[number] = value
            del running[number]
            await tell(services, trials[number], success(value))
    assert reasons > 20
    (trial,) = await services.ask()
    later, _ = await Views(services.ledger).refresh(NAME)
    await view.follow(await services.ledger.read_delta(NAME, after=view.sequence, limit=1000, ready=True))
    measurement = Measurement(step=3, metrics=loss(goal.cost(5.0)), report_time=NOW)
    assert view.stop_reason(trial.number, measurement) == later.stop_reason(trial.number, measurement)


def _request(state: TrialState, expected: Metric) -> SuggestRequest:
    study = a_study()
    parameters: Configuration = {"lr": 0.5, "layers": 2, "bias": True}
    tried = TriedConfiguration(
        parameters=parameters, result=Result(state=state, metrics=loss(0.7)), expected={"loss": expected}
    )
    problem = Problem(space=study.space, goals=study.goals, algorithm=study.algorithm, replicates=1)
    return SuggestRequest(problem=problem, observations=[tried])


async def test_a_history_of_ones_own_may_say_what_is_expected() -> None:
    task = await task_of(_request(TrialState.STOPPED, Metric(value=0.4, standard_error=0.1)))

    (observation,) = task.history
    assert (observation.outcome, observation.expected) == (Outcome.VALUE, True)
    assert observation.metrics == (Metric(value=0.4, standard_error=0.1),)


@pytest.mark.parametrize(
    ("state", "expected", "field"),
    [
        (TrialState.SUCCEEDED, Metric(value=0.4), "observations[0].expected_metrics"),
        (TrialState.STOPPED, Metric(value=float("nan")), "observations[0].expected_metrics[loss].value"),
    ],
)
async def test_a_bad_expectation_is_refused_by_its_field(state: TrialState, expected: Metric, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await task_of(_request(state, expected))
    assert refused.value.metadata["field"] == field
