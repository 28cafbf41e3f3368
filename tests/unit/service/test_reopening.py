"""Studies whose data has changed: epochs, what counts in them, budgets, and what is measured again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from asktell_server.domain.algorithm import Bayesian, Grid, Random
from asktell_server.domain.errors import Aborted, ErrorReason, FailedPrecondition, InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.domain.reopening import Reopening, group_of, weights
from asktell_server.domain.space import FloatDomain, IntDomain, Parameter, SearchSpace
from asktell_server.domain.study import FinishReason, StoppingRules, Study, StudyState
from asktell_server.domain.trial import Origin, TrialState
from asktell_server.service.etags import etag_of
from asktell_server.service.intake import NewTrial, PastTrial
from asktell_server.service.reopening import Reopen
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Request, StudyHead, TrialRecord
from tests.support.builders import NAME, NOW, later, success
from tests.unit.service.conftest import HandClock, Services
from tests.unit.service.test_explaining import Here, Hook

SPACE = SearchSpace(
    parameters=(
        Parameter(name="lr", domain=FloatDomain(min=0.0, max=1.0)),
        Parameter(name="n", domain=IntDomain(min=1, max=3)),
    )
)
HALF = Reopen(decay=0.5)


@pytest.fixture
def services(clock: HandClock) -> Services:
    """One server on an empty store; the engine in this process, models included."""
    return Services(MemoryLedger(clock), clock, Here())


async def _reopen(
    services: Services, how: Reopen = HALF, *, request: Request | None = None, etag: str = ""
) -> StudyHead:
    return await services.use_cases.reopening.reopen(NAME, how, etag=etag, request=request)


async def _run(services: Services, count: int, *, best_at: float = 0.3) -> list[int]:
    numbers = []
    for _ in range(count):
        (trial,) = await services.ask()
        await services.tell(trial, (float(trial.parameters["lr"]) - best_at) ** 2)
        numbers.append(trial.number)
    return numbers


async def _study(services: Services) -> Study:
    return (await services.studies.get(NAME)).study


async def _best(services: Services) -> list[int]:
    best = await services.reading.best(NAME, count=1)
    return [record.trial.number for record in best.records]


async def test_a_finished_study_goes_on_with_a_new_budget(services: Services) -> None:
    await services.create(space=SPACE, stopping=StoppingRules(max_trials=4))
    await _run(services, 4)
    with pytest.raises(FailedPrecondition, match="is complete"):
        await services.ask()
    head = await _reopen(services)
    assert (head.study.state, head.study.data_epoch, head.study.stopping.max_trials) == (StudyState.ACTIVE, 2, 8)
    assert (head.study.finish_reason, head.study.finish_time) == (None, None)
    assert await _run(services, 4) == [5, 6, 7, 8]
    assert (await _study(services)).finish_reason is FinishReason.MAX_TRIALS
    head = await _reopen(services, dataclasses.replace(HALF, more_trials=2))
    assert (head.study.data_epoch, head.study.stopping.max_trials) == (3, 10)
    await _run(services, 2)
    assert (await _reopen(services)).study.stopping.max_trials == 12, "as many as the last epoch had"


async def test_trials_belong_to_the_data_that_they_were_started_on(services: Services) -> None:
    await services.create(space=SPACE)
    (running, waiting) = await services.ask(2)
    await services.trials.release(NAME.trial(waiting.number), lease_id=waiting.lease_id, request=None)
    await _reopen(services)
    assert (await services.tell(running, 1.0)).data_epoch == 1
    (again,) = await services.ask()
    assert (again.number, again.data_epoch) == (waiting.number, 2)
    past = PastTrial(import_key="k", parameters={"lr": 0.5, "n": 1}, result=success(0.5))
    records, _ = await services.intake.import_(NAME, [past], request=None)
    assert records[0].trial.data_epoch == 2


async def test_the_best_trial_is_the_best_one_of_the_present_data(services: Services) -> None:
    await services.create(space=SPACE)
    for value in (0.1, 0.2):
        (trial,) = await services.ask()
        await services.tell(trial, value)
    (late,) = await services.ask()
    await _reopen(services)
    assert await _best(services) == [1], "until there is a result on the present data"
    (trial,) = await services.ask()
    await services.tell(trial, 5.0)
    await services.tell(late, 0.01)
    for one in (services, services.another()):
        assert await _best(one) == [4]
    await services.trials.delete(NAME.trial(1), request=None)
    await services.trials.delete(NAME.trial(4), request=None)
    assert await _best(services) == [3]


async def test_with_keep_all_results_stay_as_they_are(services: Services) -> None:
    await services.create(space=SPACE)
    await _run(services, 3)
    before = await _best(services)
    head = await _reopen(services, Reopen(keep=True))
    assert head.study.data_epoch == 2
    assert await _best(services) == before
    view, _ = await services.views.refresh(NAME)
    assert (len(view.history()), view.earlier) == (3, ())


async def test_targets_and_patience_are_of_the_present_data(services: Services) -> None:
    await services.create(space=SPACE, stopping=StoppingRules(target_value=0.5, patience_trials=3))
    (trial,) = await services.ask()
    await services.tell(trial, 0.4)
    with pytest.raises(FailedPrecondition, match="target"):
        await services.ask()
    with pytest.raises(FailedPrecondition, match="target"):
        await _reopen(services, Reopen(keep=True))
    await _reopen(services)
    (trial,) = await services.ask()
    await services.tell(trial, 0.6)
    assert (await services.ask())[0].number == 3


async def test_what_a_rule_would_end_at_once_is_not_reopened(services: Services, clock: HandClock) -> None:
    await services.create(space=SPACE, stopping=StoppingRules(deadline=later(60)))
    clock.advance(120)
    with pytest.raises(FailedPrecondition, match="deadline"):
        await _reopen(services)
    assert (await _study(services)).data_epoch == 1


async def test_the_best_are_measured_again_first(services: Services) -> None:
    await services.create(space=SPACE, stopping=StoppingRules(max_trials=5))
    for value in (5.0, 1.0, 3.0, 2.0, 4.0):
        (trial,) = await services.ask()
        await services.tell(trial, value)
    head = await _reopen(services, Reopen(remeasure=2, more_trials=4))
    assert head.study.reopenings == (Reopening(decay=0.5, time=NOW, charged=5, remeasured=(2, 4)),)
    again = await services.ask(3)
    assert [trial.remeasures for trial in again] == [2, 4, None]
    assert [trial.origin for trial in again[:2]] == [Origin.PERSON] * 2
    view, _ = await services.views.refresh(NAME)
    assert [trial.parameters for trial in again[:2]] == [view.trials[number].parameters for number in (2, 4)]


async def test_a_retry_reopens_once(services: Services) -> None:
    await services.create(space=SPACE)
    await _run(services, 3)
    request = Request(request_id="r", fingerprint="f")
    first = await _reopen(services, Reopen(remeasure=2), request=request)
    for one in (services, services.another()):
        again = await _reopen(one, Reopen(remeasure=2), request=request)
        assert (again.study, again.counts) == (first.study, first.counts)
    assert first.counts[TrialState.QUEUED] == 2
    await _reopen(services, request=None)
    await _reopen(services, Reopen(remeasure=2), request=request)
    assert (await services.studies.get(NAME)).counts[TrialState.QUEUED] == 2
    with pytest.raises(InvalidArgument, match="request"):
        await _reopen(services, request=Request(request_id="r", fingerprint="other"))


async def test_a_study_that_is_made_anew_meanwhile_is_contention(clock: HandClock) -> None:
    ledger = _MadeAnew(clock)
    services = Services(ledger, clock, Here())
    await services.create(space=SPACE)
    await _run(services, 3)

    async def make_anew() -> None:
        await services.studies.delete(NAME, etag="", request=None)
        await services.create(space=SPACE)

    ledger.meanwhile = make_anew
    with pytest.raises(Aborted) as caught:
        await _reopen(services, Reopen(remeasure=2))
    assert caught.value.reason is ErrorReason.CONTENTION


class _MadeAnew(MemoryLedger):
    """A store whose answer to a read of trials is on its way while `meanwhile` happens, once."""

    meanwhile: Hook | None = None

    async def read_trials(self, name: StudyName, **what: Any) -> Sequence[TrialRecord | None]:
        """See TrialStore."""
        records = await super().read_trials(name, **what)
        hook, self.meanwhile = self.meanwhile, None
        if hook is not None:
            await hook()
        return records


async def test_an_old_etag_is_refused(services: Services) -> None:
    await services.create(space=SPACE)
    etag = etag_of(await services.studies.get(NAME))
    await _reopen(services, etag=etag)
    with pytest.raises(Aborted):
        await _reopen(services, etag=etag)


@pytest.mark.parametrize(
    ("how", "field"),
    [
        (Reopen(), "decay"),
        (Reopen(decay=0.0), "decay"),
        (Reopen(decay=1.5), "decay"),
        (Reopen(decay=float("nan")), "decay"),
        (Reopen(remeasure=-1), "remeasure"),
        (Reopen(remeasure=101), "remeasure"),
        (Reopen(keep=True, decay=0.5), "keep"),
        (Reopen(keep=True, remeasure=1), "keep"),
        (Reopen(keep=True, more_trials=0), "more_trials"),
    ],
)
async def test_wrong_requests_change_nothing(services: Services, how: Reopen, field: str) -> None:
    await services.create(space=SPACE)
    before = await services.studies.get(NAME)
    with pytest.raises(InvalidArgument) as caught:
        await _reopen(services, how)
    assert caught.value.metadata["field"] == field
    assert await services.studies.get(NAME) == before


async def test_former_results_inform_and_count_less_with_each_epoch(services: Services) -> None:
    await services.create(space=SPACE, algorithm=Bayesian(start_trials=3))
    await _run(services, 8)
    await _reopen(services)
    view, _ = await services.views.refresh(NAME)
    (earlier,) = view.earlier
    assert (len(earlier.history), len(view.history())) == (8, 0)
    (trial,) = await services.ask()
    assert trial.origin is Origin.MODEL, "no space-filling start"
    assert abs(float(trial.parameters["lr"]) - 0.3) < 0.2
    await services.tell(trial, 1.0)
    await _reopen(services, Reopen(decay=0.1))
    view, _ = await services.views.refresh(NAME)
    oldest, later_ones = view.earlier
    assert (len(oldest.history), len(later_ones.history)) == (8, 1)
    assert oldest.doubt > later_ones.doubt > earlier.doubt


@pytest.mark.parametrize("how", [HALF, Reopen(keep=True)])
async def test_suggestions_of_all_epochs_are_made_again(services: Services, how: Reopen) -> None:
    await services.create(space=SPACE, algorithm=Bayesian(start_trials=3))
    numbers = await _run(services, 5)
    await _reopen(services, how)
    numbers += await _run(services, 4, best_at=0.6)
    for number in numbers:
        explanation = await services.use_cases.explaining.explain(NAME.trial(number), repeat=True)
        assert explanation.repetition is not None
        assert not list(explanation.repetition.differences(explanation.trial)), number


async def test_many_small_decays_leave_an_ask_possible(services: Services) -> None:
    await services.create(space=SPACE, algorithm=Bayesian(start_trials=3))
    await _run(services, 4)
    for _ in range(2):
        await _reopen(services, Reopen(decay=1e-200))
    view, _ = await services.views.refresh(NAME)
    (earlier,) = view.earlier
    assert 1e3 < earlier.doubt < 1e9
    await services.ask()


async def test_former_groups_share_what_the_engine_is_given(services: Services) -> None:
    await services.create(space=SPACE)
    sizes = {1: 30, 2: 130, 3: 6}
    for epoch, size in sizes.items():
        await _import(services, epoch, size)
        await _reopen(services)
    assert await _given(services) == [30, 47, 6]
    for epoch in range(4, 30):
        await _import(services, epoch, 5)
        await _reopen(services)
    assert await _given(services) == [4] * 25
    assert await _given(services.another()) == [4] * 25


async def _import(services: Services, epoch: int, count: int) -> None:
    past = [
        PastTrial(import_key=f"{epoch}-{index}", parameters={"lr": index / count, "n": 1}, result=success(index / 10))
        for index in range(count)
    ]
    await services.intake.import_(NAME, past, request=None)


async def _given(services: Services) -> list[int]:
    view, _ = await services.views.refresh(NAME)
    return [len(earlier.history) for earlier in view.earlier]


async def test_another_server_sees_the_same(services: Services) -> None:
    await services.create(space=SPACE)
    other = services.another()
    await _run(services, 3)
    known, _ = await other.views.refresh(NAME)
    assert known.results == 3
    await _reopen(services)
    await _run(services, 2)
    await _reopen(services, Reopen(decay=0.2))
    (running,) = await services.ask()
    await services.tell(running, 3.0)
    views = [(await one.views.refresh(NAME))[0] for one in (services, other, services.another())]
    for view in views:
        assert [list(view.ended_numbers()), view.ended, view.results] == [[6], 6, 1]
        assert view.earlier == views[0].earlier
        assert view.surprise == views[0].surprise
        assert view.standings.best(5) == [6]


async def test_a_grid_runs_once_more(services: Services) -> None:
    space = SearchSpace(parameters=(Parameter(name="n", domain=IntDomain(min=1, max=3)),))
    await services.create(space=space, algorithm=Grid())
    for _ in range(2):
        values = []
        for _ in range(3):
            (trial,) = await services.ask()
            await services.tell(trial, 1.0)
            values.append(trial.parameters["n"])
        assert sorted(values, key=int) == [1, 2, 3]
        with pytest.raises(FailedPrecondition, match="every configuration"):
            await services.ask()
        await _reopen(services)


async def test_a_paused_study_is_active_then(services: Services) -> None:
    await services.create(space=SPACE, algorithm=Random(), state=StudyState.PAUSED)
    await services.intake.enqueue(NAME, [NewTrial(parameters={"lr": 0.5, "n": 1})], request=None)
    assert (await _reopen(services)).study.state is StudyState.ACTIVE
    assert (await services.ask())[0].data_epoch == 2


def test_weights_of_groups() -> None:
    reopenings = [Reopening(decay=decay, time=NOW) for decay in (0.5, 1.0, 0.2)]
    assert weights(reopenings) == [0.1, 0.2]
    assert [group_of(reopenings, epoch) for epoch in (1, 2, 3, 4)] == [0, 1, 1, 2]


async def test_a_parent_that_was_reopened_teaches_what_it_found_on_its_present_data(services: Services) -> None:
    from asktell_server.domain.comparing import WantedStudy
    from asktell_server.domain.parents import ParentStudy
    from tests.support.builders import a_study

    await services.create(space=SPACE)
    await _run(services, 3)
    await _reopen(services)
    await _run(services, 2)
    child: Any = a_study(
        space=SPACE, name=dataclasses.replace(NAME, study_id="child"), parents=(ParentStudy(name="example"),)
    )
    created = await services.studies.create(WantedStudy(study=child), exist_ok=False, request=None)
    assert len(created.head.study.parents[0].results) == 2
