"""What can be done with a trial, on servers that remember different things."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from asktell_server.domain.algorithm import Manual
from asktell_server.domain.errors import AlreadyExists, ErrorReason, FailedPrecondition, InvalidArgument, NotFound
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Metric, Objective
from asktell_server.domain.study import FinishReason, LeasePolicy, StoppingRules, StudyState
from asktell_server.domain.trial import Result, TrialState
from asktell_server.service.intake import NewTrial, PastTrial
from asktell_server.service.reading import TrialFilter
from asktell_server.service.trials import MapUpdate, TrialUpdate
from asktell_server.store.protocol import Request
from tests.support.builders import NAME, failure, loss, success
from tests.unit.service.conftest import HandClock, Services

REQUEST = Request(request_id="r", fingerprint="f")


async def test_a_told_result_is_the_same_on_every_server(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    other = services.another()
    await other.views.refresh(NAME)  # remembers the trial as running
    await services.tell(trial, 0.5)
    assert (await other.tell(trial, 0.5)).metrics == loss(0.5)
    with pytest.raises(AlreadyExists) as caught:
        await other.tell(trial, 0.6)
    assert caught.value.metadata["metrics"] == '{"loss": 0.5}'
    assert caught.value.metadata["name"] == str(NAME.trial(1))


async def test_of_many_different_tells_at_once_one_is_taken(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    servers = [services, services.another(), services.another()]
    for server in servers:
        await server.views.refresh(NAME)
    answers = await asyncio.gather(
        *(servers[index % 3].tell(trial, float(index)) for index in range(9)), return_exceptions=True
    )
    taken = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(taken) == 1
    assert all(isinstance(answer, AlreadyExists) for answer in answers if answer is not taken[0])
    _, record, _ = await services.reading.get(NAME.trial(1))
    assert record.trial.metrics == taken[0].metrics


async def test_a_repeated_tell_is_answered_as_it_was_although_it_was_amended_since(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    told = await services.tell(trial, 0.5, request=REQUEST)
    await services.trials.amend(NAME.trial(1), success(0.7), reason="typo", request=None)
    assert await services.another().tell(trial, 0.5, request=REQUEST) == told


async def test_a_repeated_delete_is_ok_and_another_one_is_not(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    await services.tell(trial, 0.5)
    await services.trials.delete(NAME.trial(1), request=REQUEST)
    await services.trials.delete(NAME.trial(1), request=REQUEST)
    await services.another().trials.delete(NAME.trial(1), request=REQUEST)
    with pytest.raises(NotFound):
        await services.trials.delete(NAME.trial(1), request=None)


async def test_a_request_id_of_an_unchanged_trial_may_not_be_reused(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    await services.tell(trial, 0.5, request=REQUEST)
    with pytest.raises(InvalidArgument) as caught:
        await services.tell(trial, 0.5, request=Request(request_id="r", fingerprint="other"))
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED


async def test_a_cached_trial_of_a_deleted_namesake_is_not_written(services: Services) -> None:
    await services.create()
    (old,) = await services.ask()
    other = services.another()
    await other.studies.delete(NAME, etag="", request=None)
    await other.create()
    with pytest.raises(NotFound):
        await services.tell(old, 0.5)
    await other.ask()
    with pytest.raises(InvalidArgument) as caught:
        await services.tell(old, 0.5)
    assert caught.value.field == "lease_id"


async def test_a_stopped_trial_takes_its_last_report(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    name = NAME.trial(1)
    for step, value in enumerate([0.9, 0.7]):
        await services.trials.report(name, lease_id=trial.lease_id, step=step, metrics=loss(value), request=None)
    stopped = Result(state=TrialState.STOPPED, metrics={"accuracy": Metric(value=0.3)})
    record, _ = await services.trials.tell(name, stopped, lease_id=trial.lease_id, request=None)
    assert record.trial.metrics == {**loss(0.7), "accuracy": Metric(value=0.3)}
    again, _ = await services.trials.tell(name, stopped, lease_id=trial.lease_id, request=None)
    assert again.trial == record.trial


async def test_a_stopped_trial_without_reports_has_no_value(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    result = Result(state=TrialState.STOPPED)
    record, _ = await services.trials.tell(NAME.trial(1), result, lease_id=trial.lease_id, request=None)
    assert record.trial.metrics == {}
    best = await services.reading.best(NAME, count=10)
    assert (best.records, best.model) == ([], None)


async def test_the_trial_that_ends_a_study_ends_it(services: Services) -> None:
    await services.create(stopping=StoppingRules(target_value=0.1))
    first, second = await services.ask(2)
    await services.tell(first, 0.5)
    assert (await services.ledger.read_head(NAME)).study.state is StudyState.ACTIVE
    await services.another().tell(second, 0.1)
    study = (await services.ledger.read_head(NAME)).study
    assert (study.state, study.finish_reason) == (StudyState.FINISHED, FinishReason.TARGET)


async def test_results_of_running_trials_are_taken_after_the_end(services: Services) -> None:
    await services.create(stopping=StoppingRules(target_value=0.1))
    first, second = await services.ask(2)
    await services.tell(first, 0.0)
    assert (await services.tell(second, 0.05)).state is TrialState.SUCCEEDED
    assert (await services.ledger.read_head(NAME)).study.revision == 2, "it ends once"


async def test_a_deadline_passes_while_nobody_asks(services: Services, clock: HandClock) -> None:
    await services.create(stopping=StoppingRules(deadline=clock.now))
    with pytest.raises(FailedPrecondition) as caught:
        await services.ask()
    assert caught.value.metadata["finish_reason"] == "DEADLINE"


@pytest.mark.parametrize("goal", Goal)
async def test_the_best_come_first_and_ties_go_by_number(services: Services, goal: Goal) -> None:
    await services.create(goals=Goals(objectives=(Objective(metric="loss", goal=goal),)))
    trials = await services.ask(5)
    for trial, value in zip(trials, [0.3, 0.1, 0.2, 0.1], strict=False):
        await services.tell(trial, value)
    await services.trials.tell(NAME.trial(5), failure(), lease_id="", request=None)
    order = [record.trial.number for record in (await services.reading.best(NAME, count=10)).records]
    assert order == ([2, 4, 3, 1] if goal is Goal.MINIMIZE else [1, 3, 2, 4])
    assert [record.trial.number for record in (await services.reading.best(NAME, count=1)).records] == order[:1]


async def test_lists_are_pages_by_number(services: Services) -> None:
    await services.create()
    await services.ask(5, worker_id="a")
    await services.ask(2, worker_id="b")
    numbers: list[int] = []
    after: int | None = 0
    while after is not None:
        _, page, after = await services.reading.list_page(NAME, filter_=TrialFilter(), after=after, limit=3)
        numbers += [record.trial.number for record in page]
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    _, page, after = await services.reading.list_page(NAME, filter_=TrialFilter(worker_id="b"), after=0, limit=2)
    assert ([record.trial.number for record in page], after) == ([6, 7], None)


async def test_labels_change_one_by_one_or_all_at_once(services: Services) -> None:
    await services.create()
    await services.ask()
    name = NAME.trial(1)
    for update, labels in [
        (MapUpdate(replacement={"a": "1", "b": "2"}), {"a": "1", "b": "2"}),
        (MapUpdate(keys={"b": None, "c": "3"}), {"a": "1", "c": "3"}),
        (MapUpdate(replacement={}), {}),
    ]:
        record = await services.trials.update(name, TrialUpdate(labels=update), request=None)
        assert record.trial.labels == labels
    with pytest.raises(InvalidArgument) as caught:
        await services.trials.update(name, TrialUpdate(labels=MapUpdate(keys={"k": "x" * 257})), request=None)
    assert caught.value.field == "trial.labels[k]"


async def test_imports_with_a_known_key_are_left_as_they_are(services: Services) -> None:
    await services.create()
    parameters = {"lr": 0.5, "layers": 2, "bias": True}
    past = [PastTrial(import_key=key, parameters=parameters, result=success(0.5)) for key in ("a", "b")]
    records, created = await services.intake.import_(NAME, past, request=None)
    assert ([record.trial.number for record in records], created) == ([1, 2], 2)
    more = [PastTrial(import_key=key, parameters=parameters, result=success(0.9)) for key in ("c", "a")]
    records, created = await services.another().intake.import_(NAME, more, request=None)
    assert ([record.trial.number for record in records], created) == ([3, 1], 1)
    assert [record.trial.metrics for record in records] == [loss(0.9), loss(0.5)]


async def test_imports_can_be_judged_without_storing_them(services: Services) -> None:
    await services.create()
    past = PastTrial(import_key="a", parameters={"lr": 0.5, "layers": 2, "bias": True}, result=success(0.5))
    records, created = await services.intake.import_(NAME, [past], request=None, validate_only=True)
    assert ([(record.trial.number, record.trial.metrics) for record in records], created) == ([(0, loss(0.5))], 0)
    worse = dataclasses.replace(past, parameters={"lr": 0.5, "layers": 2})
    with pytest.raises(InvalidArgument) as caught:
        await services.intake.import_(NAME, [past, worse], request=None, validate_only=True)
    assert caught.value.field == "trials[1].import_key"
    records, created = await services.intake.import_(NAME, [past], request=None)
    assert ([record.trial.number for record in records], created) == ([1], 1)


async def test_imports_do_not_use_up_the_budget(services: Services) -> None:
    await services.create(stopping=StoppingRules(max_trials=1))
    parameters = {"lr": 0.5, "layers": 2, "bias": True}
    past = [PastTrial(import_key=str(key), parameters=parameters, result=success(0.5)) for key in range(5)]
    await services.intake.import_(NAME, past, request=None)
    assert len(await services.ask(3)) == 1


async def test_a_complete_study_takes_no_new_configurations(services: Services, clock: HandClock) -> None:
    await services.create(algorithm=Manual(), stopping=StoppingRules(deadline=clock.now))
    new = [NewTrial(parameters={"lr": 0.5, "bias": True})]
    with pytest.raises(FailedPrecondition) as caught:
        await services.intake.enqueue(NAME, new, request=None)
    assert caught.value.reason is ErrorReason.STUDY_COMPLETE


async def test_a_heartbeat_keeps_the_lease(services: Services, clock: HandClock) -> None:
    await services.create(lease=LeasePolicy(duration_s=10), max_running_trials=1)
    (trial,) = await services.ask()
    for _ in range(5):
        clock.advance(9)
        reported = await services.trials.report(
            NAME.trial(1), lease_id=trial.lease_id, step=0, metrics={}, request=None
        )
        assert reported.lease_valid
    _, record, measurements = await services.reading.get(NAME.trial(1))
    assert (record.trial.attempt, measurements) == (1, [])
