"""Ask: sharing among callers, limits, races."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from asktell_server.domain.algorithm import Algorithm, Bayesian, Grid, Manual, Random, Sobol
from asktell_server.domain.errors import Aborted, ErrorReason, FailedPrecondition, InvalidArgument, ResourceExhausted
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import BoolDomain, IntDomain, Parameter, SearchSpace, configuration_digest
from asktell_server.domain.study import FinishReason, LeasePolicy, StoppingRules, StudyState
from asktell_server.domain.trial import Origin, Trial, TrialState
from asktell_server.service.ask.refusals import RETRY_AFTER_S
from asktell_server.service.ask.sharing import AskJob
from asktell_server.service.ask.starting import MAX_ROUNDS
from asktell_server.service.intake import NewTrial
from asktell_server.service.study_updates import StudyUpdate
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Commit, Committed, Prepared, Request, StalenessLimit, TrialRecord, WarmStart
from tests.support.builders import NAME, a_trial, failure
from tests.unit.service.conftest import HandClock, Services

FOUR = SearchSpace(parameters=(Parameter(name="n", domain=IntDomain(min=1, max=4)),))


def _digests(trials: list[Trial]) -> set[str]:
    return {configuration_digest(trial.parameters) for trial in trials}


async def _enqueue(services: Services, count: int) -> None:
    new = [NewTrial(parameters={"lr": index / 100, "bias": True}) for index in range(count)]
    await services.intake.enqueue(NAME, new, request=None)


async def test_an_ask_starts_a_trial(services: Services, clock: HandClock) -> None:
    await services.create()
    (trial,) = await services.ask(worker_id="host-1")
    assert (trial.number, trial.state, trial.attempt, trial.worker_id) == (1, TrialState.RUNNING, 1, "host-1")
    assert (trial.origin, trial.start_time) == (Origin.SAMPLER, clock.now)
    assert trial.lease_id


@pytest.mark.parametrize("count", [0, -1, 1001])
async def test_a_count_out_of_range(services: Services, count: int) -> None:
    await services.create()
    with pytest.raises(InvalidArgument) as caught:
        await services.ask(count)
    assert caught.value.field == "count"


async def test_concurrent_asks_get_different_configurations(services: Services) -> None:
    await services.create()
    answers = await asyncio.gather(*(services.ask() for _ in range(64)))
    trials = [trial for answer in answers for trial in answer]
    assert sorted(trial.number for trial in trials) == list(range(1, 65))
    assert len(_digests(trials)) == len({trial.lease_id for trial in trials}) == 64


async def test_asks_at_once_are_few_joint_batches(services: Services) -> None:
    await services.create()
    answers = await asyncio.gather(*(services.ask() for _ in range(64)))
    made = Counter(trial.provenance.sequence for (trial,) in answers if trial.provenance)
    assert sum(made.values()) == 64
    # One for those that came first, one for all that came while it was made.
    assert len(made) <= 2


async def test_servers_that_race_hand_out_different_configurations(services: Services) -> None:
    await services.create()
    servers = [services, services.another(), services.another()]
    for server in servers:
        await server.views.refresh(NAME)  # they begin at the same state, so they all want the same configuration
    answers = await asyncio.gather(*(server.ask() for server in servers for _ in range(4)))
    trials = [trial for answer in answers for trial in answer]
    assert len(_digests(trials)) == 12
    assert sorted(trial.number for trial in trials) == list(range(1, 13))


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Bayesian(start_trials=2), Grid()], ids=lambda one: one.kind)
async def test_a_space_that_is_tried_out_ends_the_study(services: Services, algorithm: Algorithm) -> None:
    await services.create(space=FOUR, algorithm=algorithm)
    trials = await services.ask(3)
    trials += await services.ask(3)
    assert len(trials) == len(_digests(trials)) == 4
    with pytest.raises(ResourceExhausted) as nothing_now:  # one may come back
        await services.ask()
    assert nothing_now.value.reason is ErrorReason.NO_TRIAL_AVAILABLE
    for trial in trials:
        await services.trials.tell(NAME.trial(trial.number), failure(), lease_id=trial.lease_id, request=None)
    with pytest.raises(FailedPrecondition) as complete:
        await services.ask()
    assert complete.value.metadata["finish_reason"] == "EXHAUSTED"
    assert "every configuration" in complete.value.message
    view, _ = await services.views.refresh(NAME)
    assert (view.study.state, view.study.finish_reason) == (StudyState.FINISHED, FinishReason.EXHAUSTED)


@pytest.mark.parametrize("algorithm", [Random(), Sobol(), Grid()], ids=lambda one: one.kind)
async def test_each_configuration_is_tried_as_often_as_the_study_asks_for(
    services: Services, algorithm: Algorithm
) -> None:
    await services.create(space=FOUR, algorithm=algorithm, replicates=2)
    trials = await services.ask(4)
    assert len(_digests(trials)) == 4, "new ones first"
    again = await services.ask(20)
    assert len(again) == len(_digests(again)) == 4
    for trial in [*trials, *again]:
        await services.tell(trial, 0.5)
    with pytest.raises(FailedPrecondition):
        await services.ask()


async def test_the_last_configuration_may_have_been_prepared(services: Services) -> None:
    await services.create(space=FOUR, algorithm=Bayesian(start_trials=3))
    for trial in await services.ask(3):
        await services.tell(trial, 0.5)
    view, _ = await services.views.refresh(NAME)
    (left,) = {1, 2, 3, 4} - {trial.parameters["n"] for trial in view.trials.values()}
    trial = a_trial(parameters={"n": left}, number=0, revision=0)
    prepared = Prepared(ready_id="r", trial=trial, ended=3, surprise=3000, known_number=3)
    await services.ledger.begin_preparing(NAME, token="r", depth=1, staleness=StalenessLimit(ended=0), lock_s=60)
    await services.ledger.end_preparing(NAME, token="r", prepared=prepared, staleness=StalenessLimit(ended=0))
    (last,) = await services.ask(3)
    assert last.parameters == {"n": left}
    await services.tell(last, 0.5)
    with pytest.raises(FailedPrecondition) as complete:
        await services.ask()
    assert complete.value.metadata["finish_reason"] == "EXHAUSTED"


async def test_servers_that_race_for_the_last_configurations_repeat_none(services: Services) -> None:
    await services.create(space=FOUR)
    servers = [services, services.another(), services.another()]
    for server in servers:
        await server.views.refresh(NAME)
    answers = await asyncio.gather(*(server.ask() for server in servers for _ in range(2)), return_exceptions=True)
    trials = [trial for answer in answers if isinstance(answer, list) for trial in answer]
    assert len(trials) == len(_digests(trials)) == 4
    assert all(isinstance(answer, list | ResourceExhausted) for answer in answers)


async def test_a_large_ask_leaves_something_for_the_others(services: Services) -> None:
    await services.create(max_running_trials=5)
    answers = await asyncio.gather(services.ask(100), services.ask(1), services.ask(1))
    assert [len(answer) for answer in answers] == [3, 1, 1]


async def test_a_large_ask_leaves_some_of_the_queue_to_the_others(services: Services) -> None:
    await services.create(algorithm=Manual())
    await _enqueue(services, 5)
    answers = await asyncio.gather(services.ask(100), services.ask(1), services.ask(2))
    assert [len(answer) for answer in answers] == [2, 1, 2]
    assert sorted(trial.number for answer in answers for trial in answer) == [1, 2, 3, 4, 5]


async def test_the_queue_comes_before_the_algorithm(services: Services) -> None:
    await services.create()
    await _enqueue(services, 2)
    trials = await services.ask(4)
    assert [trial.origin for trial in trials] == [Origin.PERSON] * 2 + [Origin.SAMPLER] * 2


async def test_no_more_run_at_once_than_allowed(services: Services) -> None:
    await services.create(max_running_trials=3)
    trials = await services.ask(10)
    assert len(trials) == 3
    with pytest.raises(ResourceExhausted) as caught:
        await services.ask()
    assert caught.value.reason is ErrorReason.NO_TRIAL_AVAILABLE
    assert caught.value.metadata["running"] == "3"
    await services.tell(trials[0], 0.5)
    assert len(await services.ask(10)) == 1


async def test_racing_servers_keep_the_limit_of_running_trials(services: Services) -> None:
    await services.create(max_running_trials=5)
    servers = [services, services.another(), services.another()]
    answers = await asyncio.gather(*(server.ask(2) for server in servers for _ in range(3)), return_exceptions=True)
    assert sum(len(answer) for answer in answers if isinstance(answer, list)) == 5
    assert all(isinstance(answer, list | ResourceExhausted) for answer in answers)


async def test_racing_servers_keep_the_budget(services: Services) -> None:
    await services.create(stopping=StoppingRules(max_trials=7))
    servers = [services, services.another(), services.another()]
    answers = await asyncio.gather(*(server.ask(2) for server in servers for _ in range(3)), return_exceptions=True)
    assert sum(len(answer) for answer in answers if isinstance(answer, list)) == 7
    head = await services.ledger.read_head(NAME)
    assert (head.charged, head.last_number) == (7, 7)


async def test_the_limit_may_be_lowered_below_what_runs(services: Services) -> None:
    await services.create(max_running_trials=3)
    await services.ask(3)
    await services.studies.update(NAME, StudyUpdate(changes={"max_running_trials": 1}), etag="", request=None)
    with pytest.raises(ResourceExhausted):
        await services.ask()


async def test_when_to_ask_again_is_when_a_lease_ends(services: Services, clock: HandClock) -> None:
    await services.create(max_running_trials=1, lease=LeasePolicy(duration_s=10))
    await services.ask()
    with pytest.raises(ResourceExhausted) as caught:
        await services.ask()
    assert caught.value.retry_after_s == RETRY_AFTER_S
    clock.advance(9.5)
    with pytest.raises(ResourceExhausted) as caught:
        await services.ask()
    assert caught.value.retry_after_s == pytest.approx(0.5)


async def test_a_lapsed_trial_goes_to_the_next_asker(services: Services, clock: HandClock) -> None:
    await services.create(lease=LeasePolicy(duration_s=10, max_attempts=2))
    (first,) = await services.ask()
    clock.advance(10)
    (second,) = await services.another().ask(worker_id="host-2")
    assert (second.number, second.parameters, second.attempt) == (1, first.parameters, 2)
    assert (second.worker_id, second.past_lease_ids) == ("host-2", (first.lease_id,))
    clock.advance(10)
    (third,) = await services.ask()
    assert third.number == 2
    view, _ = await services.views.refresh(NAME)
    assert view.trials[1].state is TrialState.ABANDONED


async def test_servers_that_see_a_lapsed_lease_take_it_back_once(services: Services, clock: HandClock) -> None:
    await services.create(lease=LeasePolicy(duration_s=10), max_running_trials=1)
    await services.ask()
    clock.advance(10)
    servers = [services, services.another(), services.another()]
    answers = await asyncio.gather(*(server.ask() for server in servers), return_exceptions=True)
    (again,) = [answer for answer in answers if isinstance(answer, list)]
    assert (again[0].number, again[0].attempt) == (1, 2)
    assert (await services.ledger.read_head(NAME)).last_number == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": StudyState.PAUSED}, ErrorReason.STUDY_PAUSED),
        ({"state": StudyState.FINISHED}, ErrorReason.STUDY_COMPLETE),
    ],
)
async def test_only_active_studies_hand_out_trials(
    services: Services, changes: dict[str, Any], reason: ErrorReason
) -> None:
    await services.create()
    await services.studies.update(NAME, StudyUpdate(changes=changes), etag="", request=None)
    with pytest.raises(FailedPrecondition) as caught:
        await services.ask()
    assert caught.value.reason is reason


async def test_manual_search_without_a_queue(services: Services) -> None:
    await services.create(algorithm=Manual())
    with pytest.raises(FailedPrecondition) as caught:
        await services.ask()
    assert caught.value.reason is ErrorReason.QUEUE_EMPTY


async def test_an_exhausted_grid_finishes_when_its_last_trial_ends(services: Services) -> None:
    await services.create(space=FOUR, algorithm=Grid())
    trials = await services.ask(10)
    assert sorted(trial.parameters["n"] for trial in trials) == [1, 2, 3, 4]
    with pytest.raises(ResourceExhausted) as waiting:
        await services.ask()
    assert waiting.value.reason is ErrorReason.NO_TRIAL_AVAILABLE
    for trial in trials:
        await services.tell(trial, 0.5)
    with pytest.raises(FailedPrecondition) as complete:
        await services.ask()
    assert complete.value.metadata["finish_reason"] == "EXHAUSTED"
    assert (await services.ledger.read_head(NAME)).study.finish_reason is FinishReason.EXHAUSTED


async def test_the_same_request_gets_the_same_answer(services: Services) -> None:
    await services.create()
    request = Request(request_id="r", fingerprint="f")
    first = await services.ask(2, request=request)
    assert await services.ask(2, request=request) == first
    assert await services.another().ask(2, request=request) == first
    assert (await services.ledger.read_head(NAME)).last_number == 2


async def test_the_same_request_twice_at_once_gets_the_same_answer(services: Services) -> None:
    await services.create()
    request = Request(request_id="r", fingerprint="f")
    servers = [services, services, services.another()]
    answers = await asyncio.gather(*(server.ask(2, request=request) for server in servers))
    assert answers[0] == answers[1] == answers[2]
    assert (await services.ledger.read_head(NAME)).last_number == 2


async def test_a_repeated_request_is_answered_though_the_study_is_over(services: Services) -> None:
    await services.create(stopping=StoppingRules(max_trials=1))
    request = Request(request_id="r", fingerprint="f")
    first = await services.ask(request=request)
    await services.tell(first[0], 0.5)
    assert await services.ask(request=request) == first
    with pytest.raises(FailedPrecondition):
        await services.ask()


async def test_a_request_id_with_another_body_is_refused(services: Services) -> None:
    await services.create()
    await services.ask(request=Request(request_id="r", fingerprint="one"))
    with pytest.raises(InvalidArgument) as caught:
        await services.ask(request=Request(request_id="r", fingerprint="other"))
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert (await services.ledger.read_head(NAME)).last_number == 1


async def test_nobody_s_trial_is_started(services: Services) -> None:
    await services.create()
    gone = asyncio.create_task(services.ask())
    stays = asyncio.create_task(services.ask())
    await asyncio.sleep(0)  # both have joined the batch
    gone.cancel()
    (trial,) = await stays
    await services.close()
    assert gone.cancelled()
    assert (await services.ledger.read_head(NAME)).last_number == trial.number == 1


class HesitantLedger(MemoryLedger):
    """Commits that start trials take until they are let through."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.committing = asyncio.Event()
        self.let_through = asyncio.Event()

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        if any(write.lease_s is not None for write in commit.writes):
            self.committing.set()
            await self.let_through.wait()
        return await super().commit(name, commit)


async def test_a_trial_that_was_started_for_a_caller_who_left_is_given_back_at_once(clock: HandClock) -> None:
    ledger = HesitantLedger(clock)
    services = Services(ledger, clock)
    await services.create()
    gone = asyncio.create_task(services.ask(count=2))
    await ledger.committing.wait()
    gone.cancel()
    await asyncio.wait({gone})
    ledger.let_through.set()
    await services.asking.close()
    view, _ = await services.views.refresh(NAME)
    assert [(view.trials[number].state, view.trials[number].attempt) for number in (1, 2)] == [
        (TrialState.QUEUED, 0)
    ] * 2
    assert [(trial.number, trial.attempt) for trial in await services.ask(count=2)] == [(1, 1), (2, 1)]
    await services.close()


async def test_so_is_one_whose_caller_leaves_as_the_answer_comes(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await services.create()
    asking = asyncio.create_task(services.ask())
    succeed = AskJob.succeed

    def succeed_too_late(job: AskJob, records: Sequence[TrialRecord]) -> None:
        succeed(job, records)
        asking.cancel()

    with monkeypatch.context() as patched:
        patched.setattr(AskJob, "succeed", succeed_too_late)
        await asyncio.wait({asking})
    assert asking.cancelled()
    await services.asking.close()
    (trial,) = await services.ask()
    assert (trial.number, trial.attempt) == (1, 1)


async def test_with_a_request_id_it_waits_for_the_repetition(clock: HandClock) -> None:
    ledger = HesitantLedger(clock)
    services = Services(ledger, clock)
    await services.create()
    request = Request(request_id="r", fingerprint="f")
    gone = asyncio.create_task(services.ask(request=request))
    await ledger.committing.wait()
    gone.cancel()
    await asyncio.wait({gone})
    ledger.let_through.set()
    await services.asking.close()
    (trial,) = await services.another().ask(request=request)
    assert (trial.number, trial.state) == (1, TrialState.RUNNING)
    await services.tell(trial, 0.5)
    await services.close()


async def test_one_failing_study_leaves_the_others_alone(services: Services) -> None:
    await services.create()
    missing = StudyName(project="default", study_id="missing")
    answers = await asyncio.gather(
        services.ask(), services.asking.ask(missing, count=1, worker_id="", request=None), return_exceptions=True
    )
    assert isinstance(answers[0], list)
    assert getattr(answers[1], "reason", None) is ErrorReason.STUDY_NOT_FOUND


class CrowdedLedger(MemoryLedger):
    """Somebody else changes the study just before every commit that depends on it."""

    crowded = True

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        if self.crowded and commit.guard.study_revision is not None:
            head = await self.read_head(name)
            await self.update_study(head.study, expected_revision=head.study.revision, request=None)
        return await super().commit(name, commit)


async def test_an_ask_that_always_loses_gives_up_and_has_changed_nothing(clock: HandClock) -> None:
    ledger = CrowdedLedger(clock)
    services = Services(ledger, clock)
    await services.create()
    with pytest.raises(Aborted) as caught:
        await services.ask()
    assert caught.value.reason is ErrorReason.CONTENTION
    head = await ledger.read_head(NAME)
    assert (head.last_number, head.study.revision) == (0, 1 + MAX_ROUNDS)
    ledger.crowded = False
    assert len(await services.ask()) == 1


class SlowLedger(MemoryLedger):
    """Something happens between the read of a study and the commit, as while a model computes."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        while self.meanwhile:
            await self.meanwhile.pop()()
        return await super().read_warm_start(name)


async def test_what_another_server_ran_and_ended_meanwhile_is_not_run_again(clock: HandClock) -> None:
    ledger = SlowLedger(clock)
    services, other = Services(ledger, clock), Services(ledger, clock)
    await services.create(space=FOUR, algorithm=Grid())
    theirs: list[Trial] = []

    async def run_one() -> None:
        theirs.extend(await other.ask())
        await other.tell(theirs[0], 0.5)

    ledger.meanwhile.append(run_one)
    (ours,) = await services.ask()
    assert ours.number == 2
    assert ours.parameters != theirs[0].parameters


async def test_a_study_paused_meanwhile_starts_nothing(clock: HandClock) -> None:
    ledger = SlowLedger(clock)
    services = Services(ledger, clock)
    await services.create()

    async def pause() -> None:
        update = StudyUpdate(changes={"state": StudyState.PAUSED})
        await services.studies.update(NAME, update, etag="", request=None)
        await services.views.refresh(NAME)  # as a tell on this server does

    ledger.meanwhile.append(pause)
    with pytest.raises(FailedPrecondition) as caught:
        await services.ask()
    assert caught.value.reason is ErrorReason.STUDY_PAUSED
    assert (await ledger.read_head(NAME)).last_number == 0


async def test_a_space_that_has_been_tried_is_tried_again_by_racing_servers(services: Services) -> None:
    await services.create(space=FOUR, replicates=2)
    for trial in await services.ask(4):
        await services.tell(trial, 0.5)
    other = services.another()
    answers = await asyncio.gather(*(server.ask(2) for server in (services, other)))
    assert [len(answer) for answer in answers] == [2, 2]


async def test_bools_alone_make_a_space(services: Services) -> None:
    bools = SearchSpace(parameters=tuple(Parameter(name=f"b{index}", domain=BoolDomain()) for index in range(3)))
    await services.create(space=bools, algorithm=Random())
    assert len(_digests(await services.ask(8))) == 8
