"""A finished study goes on when the reason for its end is gone, on any server, whatever happens at the same time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from asktell_server.domain.algorithm import Grid
from asktell_server.domain.errors import Aborted, ErrorReason, FailedPrecondition
from asktell_server.domain.space import IntDomain, Parameter, SearchSpace
from asktell_server.domain.study import FinishReason, StoppingRules, Study, StudyState
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Request, StudyHead
from tests.support.builders import NAME, NOW
from tests.unit.service.conftest import HandClock, Services

FOUR = SearchSpace(parameters=(Parameter(name="n", domain=IntDomain(min=1, max=4)),))
RESUME = StudyUpdate(changes={"state": StudyState.ACTIVE})
FINISH = StudyUpdate(changes={"state": StudyState.FINISHED})

# What ends the study after two trials, for which reason, and what takes that reason away.
ENDS: list[tuple[dict[str, Any], FinishReason, dict[str, Any]]] = [
    ({"max_trials": 2}, FinishReason.MAX_TRIALS, {"max_trials": 3}),
    ({"target_value": 0.5}, FinishReason.TARGET, {"target_value": 0.4}),
    ({"patience_trials": 1}, FinishReason.PATIENCE, {"patience_trials": 2}),
    ({"deadline": NOW + timedelta(seconds=5)}, FinishReason.DEADLINE, {"deadline": NOW + timedelta(seconds=99)}),
]


async def update(services: Services, changes: StudyUpdate | None = None, /, **stopping: Any) -> Study:
    """The study after an update."""
    return (await services.studies.update(NAME, changes or StudyUpdate(stopping=stopping), etag="", request=None)).study


async def ended(services: Services, clock: HandClock, **rules: Any) -> Study:
    """The study with these rules, after two trials."""
    await services.create(stopping=StoppingRules(**rules))
    for trial in await services.ask(2):
        await services.tell(trial, 0.5)
    clock.advance(10)
    await refused(services)
    return (await services.studies.get(NAME)).study


async def refused(services: Services, call: Callable[[], Awaitable[object]] | None = None) -> FailedPrecondition:
    """The refusal of an ask, or of another call, on a study that is complete."""
    with pytest.raises(FailedPrecondition) as caught:
        await (call or services.ask)()
    assert caught.value.reason is ErrorReason.STUDY_COMPLETE
    return caught.value


@pytest.mark.parametrize(("rules", "reason", "changed"), ENDS)
async def test_other_rules_set_it_going(
    services: Services, clock: HandClock, rules: dict[str, Any], reason: FinishReason, changed: dict[str, Any]
) -> None:
    assert (await ended(services, clock, **rules)).finish_reason is reason
    going = await update(services.another(), **changed)
    assert (going.state, going.finish_reason, going.finish_time) == (StudyState.ACTIVE, None, None)
    assert [trial.number for trial in await services.ask()] == [3]


@pytest.mark.parametrize(("rules", "reason", "changed"), ENDS)
async def test_without_its_rule_it_goes_on(
    services: Services, clock: HandClock, rules: dict[str, Any], reason: FinishReason, changed: dict[str, Any]
) -> None:
    await ended(services, clock, **rules)
    assert (await update(services, **dict.fromkeys(rules))).state is StudyState.ACTIVE


@pytest.mark.parametrize(("rules", "reason", "changed"), ENDS)
async def test_a_resume_that_would_hand_out_nothing_is_refused_and_says_why(
    services: Services, clock: HandClock, rules: dict[str, Any], reason: FinishReason, changed: dict[str, Any]
) -> None:
    before = await ended(services, clock, **rules)
    error = await refused(services, lambda: update(services, RESUME))
    assert error.metadata["finish_reason"] == reason.value
    assert "to go on, " in error.message
    assert (await services.studies.get(NAME)).study == before
    both = StudyUpdate(changes=RESUME.changes, stopping=changed)
    assert (await update(services, both)).state is StudyState.ACTIVE


async def test_another_rule_that_holds_keeps_it_finished_and_becomes_the_reason(
    services: Services, clock: HandClock
) -> None:
    before = await ended(services, clock, max_trials=2, target_value=0.5)
    after = await update(services, target_value=None)
    assert (before.finish_reason, after.finish_reason) == (FinishReason.TARGET, FinishReason.MAX_TRIALS)
    assert (after.state, after.finish_time) == (StudyState.FINISHED, before.finish_time)
    assert (await update(services, max_trials=9)).state is StudyState.ACTIVE


async def test_other_changes_leave_it_finished(services: Services, clock: HandClock) -> None:
    await ended(services, clock, target_value=0.5)
    await services.trials.delete(NAME.trial(1), request=None)
    await services.trials.delete(NAME.trial(2), request=None)
    assert (await update(services, StudyUpdate(changes={"display_name": "new"}))).state is StudyState.FINISHED
    assert (await update(services, RESUME)).state is StudyState.ACTIVE, "nothing reaches the target any more"


async def test_rules_that_hold_end_it_when_they_are_set(services: Services) -> None:
    await services.create()
    await services.tell((await services.ask())[0], 0.5)
    finished = await update(services, max_trials=1)
    assert (finished.state, finished.finish_reason) == (StudyState.FINISHED, FinishReason.MAX_TRIALS)
    assert finished.finish_time is not None


async def test_only_a_resume_ends_a_finish_by_request(services: Services) -> None:
    await services.create(stopping=StoppingRules(max_trials=2))
    await update(services, FINISH)
    assert (await update(services, max_trials=9)).finish_reason is FinishReason.REQUESTED
    assert "resume it" in (await refused(services)).message
    assert (await update(services, RESUME)).state is StudyState.ACTIVE
    await services.ask()


async def test_a_paused_study_whose_rule_holds_is_not_resumed(services: Services, clock: HandClock) -> None:
    await services.create(stopping=StoppingRules(deadline=NOW + timedelta(seconds=5)))
    await update(services, StudyUpdate(changes={"state": StudyState.PAUSED}))
    clock.advance(10)
    assert "move the deadline" in (await refused(services, lambda: update(services, RESUME))).message


async def test_an_exhausted_study_cannot_be_resumed_until_there_is_something_to_try(services: Services) -> None:
    await services.create(space=FOUR, algorithm=Grid())
    for trial in await services.ask(4):
        await services.tell(trial, 0.5)
    await refused(services)
    assert (await update(services, max_trials=9)).finish_reason is FinishReason.EXHAUSTED
    error = await refused(services, lambda: update(services, RESUME))
    assert "replicates cannot be changed" in error.message
    await services.trials.delete(NAME.trial(2), request=None)
    assert (await update(services, RESUME)).state is StudyState.ACTIVE
    assert len(await services.ask()) == 1


async def test_an_etag_and_a_repetition_count_as_for_any_update(services: Services, clock: HandClock) -> None:
    await ended(services, clock, max_trials=2)
    more = StudyUpdate(stopping={"max_trials": 3})
    with pytest.raises(Aborted):
        await services.studies.update(NAME, more, etag="old", request=None)
    request = Request(request_id="r", fingerprint="f")
    first = await services.studies.update(NAME, more, etag="", request=request)
    await services.tell((await services.ask())[0], 0.5)
    again = await services.another().studies.update(NAME, more, etag="", request=request)
    assert (first.study.state, again.study.revision) == (StudyState.ACTIVE, first.study.revision)
    assert (await services.studies.get(NAME)).study.state is StudyState.FINISHED, "a repetition does nothing twice"


class InterruptedLedger(MemoryLedger):
    """Something happens before the next write of a study, as on another server."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    async def update_study(self, study: Study, *, expected_revision: int, request: Request | None) -> StudyHead:
        """See StudyStore."""
        while self.meanwhile:
            await self.meanwhile.pop()()
        return await super().update_study(study, expected_revision=expected_revision, request=request)


async def test_a_tell_that_ends_the_study_during_the_update_does_not_win(clock: HandClock) -> None:
    ledger = InterruptedLedger(clock)
    services, other = Services(ledger, clock), Services(ledger, clock)
    await services.create(stopping=StoppingRules(max_trials=1))
    (trial,) = await other.ask()
    ledger.meanwhile.append(lambda: other.tell(trial, 0.5))
    going = await update(services, max_trials=2)
    assert (going.state, going.stopping.max_trials) == (StudyState.ACTIVE, 2)
    assert going.revision == 3, "the end was written in between"
    assert [trial.number for trial in await other.ask()] == [2]


async def test_an_update_during_the_tell_that_would_end_the_study_wins(clock: HandClock) -> None:
    ledger = InterruptedLedger(clock)
    services, other = Services(ledger, clock), Services(ledger, clock)
    await services.create(stopping=StoppingRules(max_trials=1))
    (trial,) = await other.ask()
    ledger.meanwhile.append(lambda: update(services, max_trials=2))
    await other.tell(trial, 0.5)
    assert (await services.studies.get(NAME)).study.state is StudyState.ACTIVE
    assert [trial.number for trial in await services.ask()] == [2]


async def test_a_server_that_saw_the_end_ends_the_study_again(services: Services, clock: HandClock) -> None:
    await ended(services, clock, max_trials=2)
    other = services.another()
    await refused(other)
    await update(services, max_trials=3)
    (trial,) = await services.ask()
    await other.tell(trial, 0.5)
    assert (await services.studies.get(NAME)).study.finish_reason is FinishReason.MAX_TRIALS
