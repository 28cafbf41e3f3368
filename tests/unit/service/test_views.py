"""Views: what a server remembers follows the log, in whatever order it hears of things."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.errors import NotFound
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Result, Trial, TrialState
from asktell_server.service.log_pages import PAGE
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import (
    Commit,
    LogEntry,
    MeasurementReported,
    Point,
    StudyDelta,
    StudyHead,
    TrialChanged,
    TrialDeleted,
    TrialRecord,
    TrialWrite,
)
from tests.support.builders import NAME, NOW, a_running_trial, a_study, a_trial, loss
from tests.unit.service.conftest import HandClock, Services


def _view() -> StudyView:
    return StudyView(StudyHead(study=a_study(), epoch="e", sequence=0, last_number=0, counts={}, charged=0))


def _history() -> list[Trial]:
    """Trial 1 from its queue to its result, by revision."""
    queued = a_trial()
    running = dataclasses.replace(queued.start(lease_id="l", worker_id="w", now=NOW), revision=2)
    told, _ = running.tell(Result(state=TrialState.SUCCEEDED, metrics=loss(0.5)), lease_id="l", now=NOW)
    return [queued, running, dataclasses.replace(told, revision=3)]


@given(st.permutations(_history()))
def test_the_newest_version_wins_in_any_order(versions: list[Trial]) -> None:
    view = _view()
    for version in versions:
        view.put(version)
    assert view.trials[1].revision == 3
    assert view.pending() == []
    assert view.history().values.tolist() == [[0.5]]


@given(st.permutations([*_history(), None]))
def test_a_deleted_trial_stays_deleted_whatever_comes_late(changes: list[Trial | None]) -> None:
    view = _view()
    deleted = False
    for change in changes:
        if change is None:
            view.remove(1)
            deleted = True
        else:
            view.put(change)
        assert (1 in view.trials) == (not deleted)
    assert not view.trials
    assert not view.pending()
    assert not len(view.history())


def test_a_version_that_is_known_already_changes_nothing() -> None:
    view = _view()
    view.put(a_running_trial(revision=5))
    view.put(a_trial(revision=5))
    assert view.trials[1].state is TrialState.RUNNING


def test_a_trial_that_is_given_back_is_pending_again() -> None:
    view = _view()
    running = a_running_trial(revision=2)
    view.put(running)
    assert view.queued(9) == []
    assert view.pending() == [running.parameters]
    view.put(dataclasses.replace(running.release(lease_id="lease-1"), revision=3))
    assert [trial.number for trial in view.queued(9)] == [1]


def test_the_queue_goes_by_number() -> None:
    view = _view()
    for number in (7, 2, 5):
        view.put(a_trial(number=number))
    assert [trial.number for trial in view.queued(9)] == [2, 5, 7]
    assert [trial.number for trial in view.queued(2)] == [2, 5]
    assert [trial.number for trial in view.between(1, 9)] == [2, 5, 7]
    assert [trial.number for trial in view.between(3, 5)] == [5]


def test_entries_move_the_position_forward_only() -> None:
    view = _view()
    measurement = Measurement(step=1, metrics=loss(1.0), report_time=NOW)
    view.apply(LogEntry(sequence=1, change=TrialChanged(trial=a_trial())))
    for sequence, index in ((3, 1), (2, 0)):
        change = MeasurementReported(number=1, index=index, measurement=measurement)
        view.apply(LogEntry(sequence=sequence, change=change))
    assert view.sequence == 3
    assert view.measurement_count(1) == 2
    view.apply(LogEntry(sequence=4, change=TrialDeleted(number=1)))
    assert (view.sequence, view.measurement_count(1)) == (4, 0)


async def test_a_refresh_brings_what_others_did(services: Services) -> None:
    other = services.another()
    await services.create()
    await services.views.refresh(NAME)
    (trial,) = await other.ask()
    view, _ = await services.views.refresh(NAME)
    assert view.trials == {1: trial}
    await other.tell(trial, 0.5)
    await other.trials.delete(NAME.trial(1), request=None)
    view, _ = await services.views.refresh(NAME)
    assert view.trials == {}
    assert view.sequence == view.head.sequence


async def test_a_view_far_behind_catches_up(services: Services) -> None:
    await services.create()
    await services.views.refresh(NAME)
    other = services.another()
    for _ in range(3):
        for trial in await other.ask(PAGE // 2):
            await other.tell(trial, 0.5)
    view, delta = await services.views.refresh(NAME)
    assert not delta.more
    assert len(view.history()) == 3 * (PAGE // 2)
    assert view.sequence == view.head.sequence == 6 * (PAGE // 2) + 1


async def test_a_new_view_equals_one_that_followed_along(services: Services) -> None:
    await services.create()
    first, *rest = await services.ask(6)
    await services.tell(first, 0.1)
    await services.trials.release(NAME.trial(rest[0].number), lease_id=rest[0].lease_id, request=None)
    await services.trials.cancel(NAME.trial(rest[1].number), reason="", request=None)
    await services.trials.delete(NAME.trial(rest[1].number), request=None)
    await services.trials.report(
        NAME.trial(rest[2].number), lease_id=rest[2].lease_id, step=1, metrics=loss(1.0), request=None
    )
    (followed, _), (loaded, _) = await services.views.refresh(NAME), await services.another().views.refresh(NAME)
    assert loaded.trials == followed.trials
    assert loaded.history() == followed.history()
    assert loaded.queued(9) == followed.queued(9)
    assert loaded.sequence == followed.sequence
    assert all(loaded.measurement_count(n) == followed.measurement_count(n) for n in loaded.trials)
    assert all(_curves(loaded, n) == _curves(followed, n) for n in loaded.trials)
    assert _curves(loaded, rest[2].number) == {"loss": [(1, 1.0)]}


def _curves(view: StudyView, number: int) -> dict[str, list[Point]]:
    return {
        metric: list(zip(curve.steps, curve.values, strict=True)) for metric, curve in view.curves.of(number).items()
    }


async def _report(services: Services, trial: Trial, step: int, value: float) -> None:
    name = NAME.trial(trial.number)
    await services.trials.report(name, lease_id=trial.lease_id, step=step, metrics=loss(value), request=None)


async def test_a_report_reaches_the_view_of_its_server_at_once_and_others_with_the_log(services: Services) -> None:
    await services.create()
    first, second = await services.ask(2)
    other = services.another()
    await other.views.refresh(NAME)
    here, there = services.views.peek(NAME), other.views.peek(NAME)
    assert here is not None
    assert there is not None
    await _report(services, first, 1, 0.5)
    await _report(other, first, 1, 0.4)
    await _report(other, second, 3, 0.3)
    assert (_curves(here, first.number), _curves(here, second.number)) == ({"loss": [(1, 0.5)]}, {})
    assert (_curves(there, first.number), _curves(there, second.number)) == (
        {"loss": [(1, 0.4)]},
        {"loss": [(3, 0.3)]},
    )
    for server in (services, other, services.another()):
        view, _ = await server.views.refresh(NAME)
        assert _curves(view, first.number) == {"loss": [(1, 0.4)]}, "the later one counts"
        assert _curves(view, second.number) == {"loss": [(3, 0.3)]}


async def test_a_report_of_a_lost_lease_is_in_no_curve(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    await services.trials.release(NAME.trial(trial.number), lease_id=trial.lease_id, request=None)
    await _report(services, trial, 1, 0.5)
    view, _ = await services.views.refresh(NAME)
    assert _curves(view, trial.number) == {}


async def test_curves_outlive_the_end_of_a_trial_and_go_with_it(services: Services) -> None:
    await services.create()
    (trial,) = await services.ask()
    await _report(services, trial, 1, 0.5)
    await services.tell(trial, 0.5)
    view, _ = await services.views.refresh(NAME)
    assert _curves(view, trial.number) == {"loss": [(1, 0.5)]}
    await services.trials.delete(NAME.trial(trial.number), request=None)
    assert (_curves(view, trial.number), view.curves.points) == ({}, 0)
    measurement = Measurement(step=2, metrics=loss(1.0), report_time=NOW)
    view.apply(LogEntry(sequence=99, change=MeasurementReported(number=1, index=1, measurement=measurement)))
    assert _curves(view, trial.number) == {}, "whatever comes late"


def test_an_entry_that_is_known_replaces_no_later_one() -> None:
    view = _view()
    view.put(a_running_trial())
    entries = [
        LogEntry(
            sequence=sequence,
            change=MeasurementReported(
                number=1, index=sequence, measurement=Measurement(step=1, metrics=loss(value), report_time=NOW)
            ),
        )
        for sequence, value in ((1, 0.5), (2, 0.4))
    ]
    for entry in (*entries, *entries[:1]):  # two reads at the same time bring the first one twice
        view.apply(entry)
    assert _curves(view, 1) == {"loss": [(1, 0.4)]}


async def test_curves_count_in_the_size_of_a_view(services: Services) -> None:
    await services.create()
    trials = await services.ask(3)
    view, _ = await services.views.refresh(NAME)
    assert view.size == 3
    for step in range(200):
        await _report(services, trials[0], step, 0.5)
    assert view.size == 4


async def test_another_study_of_the_same_name_is_another_study(services: Services) -> None:
    await services.create()
    await services.ask(3)
    await services.views.refresh(NAME)
    other = services.another()
    await other.studies.delete(NAME, etag="", request=None)
    await other.create(labels={"new": "yes"})
    (trial,) = await other.ask()
    view, _ = await services.views.refresh(NAME)
    assert view.trials == {1: trial}
    assert view.study.labels == {"new": "yes"}


async def test_a_deleted_study_is_gone(services: Services) -> None:
    await services.create()
    await services.views.refresh(NAME)
    await services.another().studies.delete(NAME, etag="", request=None)
    with pytest.raises(NotFound):
        await services.views.refresh(NAME)


class SlowLedger(MemoryLedger):
    """Reads of trials set `reading` and wait for `go_on`."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.reads = 0
        self.reading = asyncio.Event()
        self.go_on = asyncio.Event()

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """See TrialStore."""
        self.reads += 1
        self.reading.set()
        await self.go_on.wait()
        return await super().read_trials(name, numbers=numbers)


async def test_a_study_is_read_once_for_all_who_wait_for_it(clock: HandClock) -> None:
    ledger = SlowLedger(clock)
    await Services(ledger, clock).create()
    await ledger.commit(NAME, Commit(writes=[TrialWrite(trial=a_trial(number=0))]))
    views = Views(ledger)
    callers = [asyncio.create_task(views.refresh(NAME)) for _ in range(5)]
    await asyncio.sleep(0)
    callers[0].cancel()
    await asyncio.sleep(0)
    ledger.go_on.set()
    first, *others = [view for view, _ in await asyncio.gather(*callers[1:])]
    assert ledger.reads == 1
    assert all(view is first for view in others)
    assert callers[0].cancelled()


async def test_a_study_that_is_replaced_while_it_is_read_is_read_again(clock: HandClock) -> None:
    ledger = SlowLedger(clock)
    services = Services(ledger, clock)
    await services.create()
    await ledger.commit(NAME, Commit(writes=[TrialWrite(trial=a_trial(number=0))]))
    views = Views(ledger)
    callers = [asyncio.create_task(views.refresh(NAME)) for _ in range(3)]
    await ledger.reading.wait()
    await services.studies.delete(NAME, etag="", request=None)
    await services.create(labels={"new": "yes"})
    ledger.go_on.set()
    for view, delta in await asyncio.gather(*callers):
        assert (view.trials, view.study.labels, view.head.epoch) == ({}, {"new": "yes"}, delta.head.epoch)


class InterruptedLedger(MemoryLedger):
    """Reads of logs after a position beyond `beyond` wait for what is done `meanwhile`, once."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.beyond = 0
        self.interruptions = 0
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """See LogStore."""
        if after > self.beyond and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            self.interruptions += 1
            await meanwhile()
        return await super().read_delta(name, after=after, limit=limit, lapsed_limit=lapsed_limit, ready=ready)


async def test_a_study_that_is_replaced_while_a_view_catches_up_is_read_again(clock: HandClock) -> None:
    ledger = InterruptedLedger(clock)
    services, other = Services(ledger, clock), Services(ledger, clock)
    await services.create()
    view, _ = await services.views.refresh(NAME)
    await other.ask(2 * PAGE)

    async def replace() -> None:
        await other.studies.delete(NAME, etag="", request=None)
        await other.create(labels={"new": "yes"})
        await other.ask(2 * PAGE)

    ledger.beyond, ledger.meanwhile = view.sequence, replace
    replaced, delta = await services.views.refresh(NAME)
    assert ledger.interruptions == 1
    assert (replaced.head.epoch, replaced.study.labels) == (delta.head.epoch, {"new": "yes"})
    read, _ = await other.views.refresh(NAME)
    assert replaced.trials == read.trials


class LateLedger(MemoryLedger):
    """One read of a log, once it has been made, waits for `go_on`."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(clock)
        self.made = asyncio.Event()
        self.go_on: asyncio.Event | None = None

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """See LogStore."""
        delta = await super().read_delta(name, after=after, limit=limit, lapsed_limit=lapsed_limit, ready=ready)
        if (go_on := self.go_on) is not None:
            self.go_on = None
            self.made.set()
            await go_on.wait()
        return delta


async def test_an_answer_that_a_later_one_has_overtaken_drops_no_view(clock: HandClock) -> None:
    ledger = LateLedger(clock)
    services, other = Services(ledger, clock), Services(ledger, clock)
    await services.create()
    view, _ = await services.views.refresh(NAME)
    ledger.go_on = go_on = asyncio.Event()
    late = asyncio.create_task(services.views.refresh(NAME))
    await ledger.made.wait()
    await other.ask(3)
    await services.views.refresh(NAME)
    go_on.set()
    assert (await late)[0] is view
    assert services.views.peek(NAME) is view
    assert len(view.trials) == 3


async def test_the_longest_unused_views_go_first(services: Services) -> None:
    ledger = MemoryLedger(services.clock)
    views = Views(ledger, max_trials=5)
    names = [StudyName(project="p", study_id=f"s{index}") for index in range(4)]
    for name in names:
        await ledger.create_study(a_study(name=name), request=None)
        await ledger.commit(name, Commit(writes=[TrialWrite(trial=a_trial(number=0)) for _ in range(2)]))
    for name in (*names[:2], names[0], names[2]):
        await views.refresh(name)
    assert [views.peek(name) is not None for name in names] == [True, False, True, False]


async def test_the_only_view_is_kept_however_large(services: Services) -> None:
    await services.create()
    await services.ask(10)
    views = Views(services.ledger, max_trials=5)
    await views.refresh(NAME)
    assert views.peek(NAME) is not None


async def test_what_was_tried_moves_on_with_the_view(services: Services) -> None:
    await services.create()
    first, second, third = [(await services.ask())[0] for _ in range(3)]
    view, _ = await services.views.refresh(NAME)

    def tried() -> list[bool]:
        return [view.study.space.key(trial.parameters) in view.history() for trial in (first, second, third)]

    assert tried() == [False, False, False]
    await services.tell(first, 0.5)
    await services.tell(second, 0.5)
    assert tried() == [True, True, False]
    await services.trials.delete(NAME.trial(first.number), request=None)
    assert tried() == [False, True, False]
