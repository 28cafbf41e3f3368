"""Suggestions prepared before anybody asks: kept in order, used once, never when stale, dropped when they fit no more."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence

import pytest

from asktell_server.domain.errors import NotFound
from asktell_server.domain.names import StudyName
from asktell_server.domain.news import RESULT
from asktell_server.domain.study import StudyState
from asktell_server.domain.trial import Origin, Trial
from asktell_server.store.protocol import (
    MAX_READY,
    Commit,
    Conflict,
    ConflictKind,
    EndedPreparing,
    Guard,
    Ledger,
    Prepared,
    StalenessLimit,
    TrialWrite,
)
from tests.support.ledger import NOW, a_study, commit, put, queued, request, running, told, until, write

ANY = 1000

Change = Callable[[Ledger, StudyName], Awaitable[None]]


def suggested(x: float) -> Trial:
    """A suggestion of the model."""
    return queued(x, origin=Origin.MODEL)


async def prepare(ledger: Ledger, name: StudyName, x: float, token: str, *, most: int = ANY) -> EndedPreparing:
    """Prepares a suggestion as of now."""
    head = await ledger.read_head(name)
    assert await ledger.begin_preparing(name, token=token, depth=MAX_READY, staleness=ended(most), lock_s=60)
    prepared = Prepared(
        ready_id=token, trial=suggested(x), ended=head.ended, surprise=head.surprise, known_number=head.last_number
    )
    return await ledger.end_preparing(name, token=token, prepared=prepared, staleness=ended(most))


async def ready(ledger: Ledger, name: StudyName) -> Sequence[Prepared]:
    """What is prepared."""
    return (await ledger.read_delta(name, after=0, ready=True)).ready


async def ready_ids(ledger: Ledger, name: StudyName) -> list[str]:
    """The ids of what is prepared, the oldest first."""
    return [prepared.ready_id for prepared in await ready(ledger, name)]


def using(ready_id: str, x: float) -> TrialWrite:
    """A start of the prepared suggestion."""
    trial = suggested(x).start(lease_id=f"lease-of-{ready_id}", worker_id="w", now=NOW)
    return TrialWrite(trial=trial, lease_s=60, only_if_unique=True, ready_id=ready_id)


def ended(most: int) -> StalenessLimit:
    """So many trials may have ended."""
    return StalenessLimit(ended=most)


def staleness(most: int) -> Guard:
    """What the commits of asks demand."""
    return Guard(staleness=ended(most))


async def refusal(ledger: Ledger, name: StudyName, given: Commit) -> ConflictKind:
    """Why the commit is refused; it changes nothing."""
    before = await ledger.read_delta(name, after=0, ready=True)
    with pytest.raises(Conflict) as caught:
        await ledger.commit(name, given)
    after = await ledger.read_delta(name, after=0, ready=True)
    assert (after.head, after.entries, after.ready) == (before.head, before.entries, before.ready)
    return caught.value.kind


async def test_what_is_prepared_is_read_as_it_was_written(ledger: Ledger, study: StudyName) -> None:
    await put(ledger, study, running(0.5), lease_s=60)
    assert await prepare(ledger, study, 0.1, "one") == EndedPreparing(kept=True, stale=0)
    assert await prepare(ledger, study, 0.2, "two") == EndedPreparing(kept=True, stale=0)
    expected = [
        Prepared(ready_id="one", trial=suggested(0.1), ended=0, surprise=0, known_number=1),
        Prepared(ready_id="two", trial=suggested(0.2), ended=0, surprise=0, known_number=1),
    ]
    assert list(await ready(ledger, study)) == expected
    unasked = await ledger.read_delta(study, after=0)
    assert not unasked.ready
    assert unasked.head.sequence == 2, "it is no change of the study"


async def test_a_start_uses_it_up(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    await prepare(ledger, study, 0.2, "two")
    committed = await commit(ledger, study, using("one", 0.1), guard=staleness(0))
    assert committed.records[0].trial.number == 1
    assert await ready_ids(ledger, study) == ["two"]
    assert await refusal(ledger, study, Commit(writes=[using("one", 0.1)])) is ConflictKind.READY_GONE


async def test_two_at_once_are_used_by_one_commit_or_not_at_all(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    await prepare(ledger, study, 0.2, "two")
    both = Commit(writes=[using("one", 0.1), using("gone", 0.3)])
    assert await refusal(ledger, study, both) is ConflictKind.READY_GONE
    await commit(ledger, study, using("two", 0.2), using("one", 0.1))
    assert await ready_ids(ledger, study) == []


async def test_each_goes_to_one_of_many_who_want_it(ledger: Ledger, study: StudyName) -> None:
    for index in range(MAX_READY):
        await prepare(ledger, study, index / 10, f"r{index}")

    async def take(index: int) -> str | None:
        try:
            await commit(ledger, study, using(f"r{index}", index / 10), guard=staleness(0))
        except Conflict:
            return None
        return f"r{index}"

    took = await asyncio.gather(*(take(index % MAX_READY) for index in range(4 * MAX_READY)))
    assert sorted(filter(None, took)) == [f"r{index}" for index in range(MAX_READY)]
    assert await ready_ids(ledger, study) == []
    assert (await ledger.read_head(study)).last_number == MAX_READY


async def test_a_repeated_request_gets_the_same_trial(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    first = await commit(ledger, study, using("one", 0.1), request=request("r"))
    again = await commit(ledger, study, using("one", 0.1), request=request("r"))
    assert again.replayed
    assert again.records == first.records
    other = await commit(ledger, study, using("other", 0.2), request=request("r"))
    assert other.records == first.records, "whatever the server would have given now"


@pytest.mark.parametrize(("most", "kept"), [(1, False), (2, True)])
async def test_results_make_it_stale(ledger: Ledger, study: StudyName, most: int, kept: bool) -> None:
    trials = [await put(ledger, study, running(x, f"lease-{x}"), lease_s=60) for x in (0.5, 0.6)]
    await prepare(ledger, study, 0.1, "one")
    await put(ledger, study, told(trials[0], 1.0))
    await put(ledger, study, trials[1].cancel(reason="", now=NOW))
    given = Commit(writes=[using("one", 0.1)], guard=staleness(most))
    if kept:
        await ledger.commit(study, given)
    else:
        assert await refusal(ledger, study, given) is ConflictKind.READY_GONE


@pytest.mark.parametrize(("second", "kept"), [(400, True), (401, False), (None, False)])
async def test_results_that_were_expected_count_less(
    ledger: Ledger, study: StudyName, second: int | None, kept: bool
) -> None:
    trials = [await put(ledger, study, running(x, f"lease-{x}"), lease_s=60) for x in (0.5, 0.6)]
    await prepare(ledger, study, 0.1, "one")
    for trial, surprise in zip(trials, (599, second), strict=True):
        await commit(ledger, study, TrialWrite(trial=told(trial, 1.0), expected_revision=1, surprise=surprise))
    given = Commit(writes=[using("one", 0.1)], guard=Guard(staleness=StalenessLimit(surprise=RESULT - 1)))
    if kept:
        await ledger.commit(study, given)
    else:
        assert await refusal(ledger, study, given) is ConflictKind.READY_GONE
    assert (await ledger.read_head(study)).surprise == 599 + (RESULT if second is None else second)


async def test_surprise_follows_what_is_known_of_a_trial(ledger: Ledger, study: StudyName) -> None:
    first = await put(ledger, study, running(0.5, "a"), lease_s=60)
    second = await put(ledger, study, running(0.6, "b"), lease_s=60)
    done = (
        (await commit(ledger, study, TrialWrite(trial=told(first, 1.0), expected_revision=1, surprise=10)))
        .records[0]
        .trial
    )
    await put(ledger, study, second.cancel(reason="", now=NOW))
    assert (await ledger.read_head(study)).surprise == 10 + RESULT
    corrected = done.amend(dataclasses.replace(done.result, reason="typo"), reason="", now=NOW)
    await commit(ledger, study, TrialWrite(trial=corrected, expected_revision=done.revision, surprise=20))
    assert (await ledger.read_head(study)).surprise == 20 + RESULT
    await commit(ledger, study, TrialWrite(trial=corrected, expected_revision=done.revision + 1, delete=True))
    assert (await ledger.read_head(study)).surprise == RESULT


async def test_imported_results_make_it_stale(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    await put(ledger, study, told(running(0.5), 1.0))
    given = Commit(writes=[using("one", 0.1)], guard=staleness(0))
    assert await refusal(ledger, study, given) is ConflictKind.READY_GONE


async def test_stale_ones_are_dropped_by_the_next_preparation(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    await prepare(ledger, study, 0.1, "one")
    await put(ledger, study, told(trial, 1.0))
    assert await prepare(ledger, study, 0.2, "two", most=0) == EndedPreparing(kept=True, stale=1)
    assert await ready_ids(ledger, study) == ["two"]


async def test_what_has_become_stale_in_the_making_is_not_kept(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    assert await ledger.begin_preparing(study, token="one", depth=1, staleness=ended(0), lock_s=60)
    await put(ledger, study, told(trial, 1.0))
    prepared = Prepared(ready_id="one", trial=suggested(0.1), ended=0, surprise=0, known_number=1)
    done = await ledger.end_preparing(study, token="one", prepared=prepared, staleness=ended(0))
    assert done == EndedPreparing(kept=False, stale=1)
    assert await ready_ids(ledger, study) == []


async def test_one_prepares_at_a_time(ledger: Ledger, study: StudyName) -> None:
    async def begin(index: int) -> bool:
        return await ledger.begin_preparing(study, token=f"t{index}", depth=1, staleness=ended(0), lock_s=60)

    assert sum(await asyncio.gather(*(begin(index) for index in range(16)))) == 1
    await begin(16)
    assert not await ready_ids(ledger, study)


async def test_the_lock_is_given_back(ledger: Ledger, study: StudyName) -> None:
    assert await ledger.begin_preparing(study, token="one", depth=1, staleness=ended(0), lock_s=60)
    other = await ledger.end_preparing(study, token="other", prepared=None, staleness=ended(0))
    assert other == EndedPreparing(kept=False, stale=0)
    assert not await ledger.begin_preparing(study, token="two", depth=1, staleness=ended(0), lock_s=60)
    await ledger.end_preparing(study, token="one", prepared=None, staleness=ended(0))
    assert await ledger.begin_preparing(study, token="two", depth=1, staleness=ended(0), lock_s=60)


async def test_the_lock_of_the_dead_lapses_and_their_late_suggestion_is_refused(
    ledger: Ledger, study: StudyName
) -> None:
    assert await ledger.begin_preparing(study, token="dead", depth=1, staleness=ended(0), lock_s=0.05)

    async def begin() -> bool:
        return await ledger.begin_preparing(study, token="alive", depth=1, staleness=ended(0), lock_s=60)

    await until(begin, bool)
    late = Prepared(ready_id="dead", trial=suggested(0.1), ended=0, surprise=0, known_number=0)
    assert not (await ledger.end_preparing(study, token="dead", prepared=late, staleness=ended(0))).kept
    alive = Prepared(ready_id="alive", trial=suggested(0.2), ended=0, surprise=0, known_number=0)
    assert (await ledger.end_preparing(study, token="alive", prepared=alive, staleness=ended(0))).kept
    assert await ready_ids(ledger, study) == ["alive"]


async def test_no_more_are_prepared_than_wanted(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    await prepare(ledger, study, 0.1, "one")
    assert not await ledger.begin_preparing(study, token="two", depth=1, staleness=ended(0), lock_s=60)
    await put(ledger, study, told(trial, 1.0))
    assert not await ledger.begin_preparing(study, token="two", depth=1, staleness=ended(1), lock_s=60)
    assert await ledger.begin_preparing(study, token="two", depth=1, staleness=ended(0), lock_s=60)


async def _a_trial_of_another(ledger: Ledger, name: StudyName) -> None:
    await put(ledger, name, running(0.9, "another"), lease_s=60)


async def _an_enqueued_trial(ledger: Ledger, name: StudyName) -> None:
    await put(ledger, name, queued(0.9))


async def _an_amended_result(ledger: Ledger, name: StudyName) -> None:
    (record,) = await ledger.read_trials(name, numbers=[1])
    assert record is not None
    amended = dataclasses.replace(record.trial, annotations={"as good as": "another value"})
    await ledger.commit(name, Commit(writes=[write(amended)], forgets_ready=True))


async def _a_deleted_trial(ledger: Ledger, name: StudyName) -> None:
    (record,) = await ledger.read_trials(name, numbers=[1])
    assert record is not None
    await commit(ledger, name, write(record.trial, delete=True))


async def _a_changed_study(ledger: Ledger, name: StudyName) -> None:
    head = await ledger.read_head(name)
    paused = dataclasses.replace(head.study, state=StudyState.PAUSED)
    await ledger.update_study(paused, expected_revision=head.study.revision, request=None)


@pytest.mark.parametrize(
    "change", [_a_trial_of_another, _an_enqueued_trial, _an_amended_result, _a_deleted_trial, _a_changed_study]
)
async def test_a_suggestion_in_the_making_that_does_not_know_of_a_change_is_refused(
    ledger: Ledger, study: StudyName, change: Change
) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    await put(ledger, study, told(trial, 1.0))
    assert await ledger.begin_preparing(study, token="one", depth=1, staleness=ended(ANY), lock_s=60)
    await change(ledger, study)
    prepared = Prepared(ready_id="one", trial=suggested(0.1), ended=1, surprise=RESULT, known_number=1)
    assert not (await ledger.end_preparing(study, token="one", prepared=prepared, staleness=ended(ANY))).kept
    assert await ready_ids(ledger, study) == []


@pytest.mark.parametrize("change", [_an_amended_result, _a_deleted_trial, _a_changed_study])
async def test_what_changes_the_past_drops_what_is_prepared(ledger: Ledger, study: StudyName, change: Change) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    await put(ledger, study, told(trial, 1.0))
    await prepare(ledger, study, 0.1, "one")
    await change(ledger, study)
    assert await ready_ids(ledger, study) == []


async def test_a_late_result_of_an_abandoned_trial_drops_what_is_prepared(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    abandoned = await put(ledger, study, trial.expire(max_attempts=1, now=NOW))
    await prepare(ledger, study, 0.1, "one")
    await put(ledger, study, told(abandoned, 1.0))
    assert await ready_ids(ledger, study) == []


async def test_labels_of_an_ended_trial_drop_nothing(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    ended = await put(ledger, study, told(trial, 1.0))
    await prepare(ledger, study, 0.1, "one")
    await put(ledger, study, dataclasses.replace(ended, labels={"a": "b"}))
    assert await ready_ids(ledger, study) == ["one"]


async def test_using_one_does_not_disturb_the_next_in_the_making(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    assert await ledger.begin_preparing(study, token="two", depth=2, staleness=ended(0), lock_s=60)
    await commit(ledger, study, using("one", 0.1))
    prepared = Prepared(ready_id="two", trial=suggested(0.2), ended=0, surprise=0, known_number=0)
    assert (await ledger.end_preparing(study, token="two", prepared=prepared, staleness=ended(0))).kept


async def test_new_trials_drop_what_they_were_not_chosen_beside(ledger: Ledger, study: StudyName) -> None:
    for index, ready_id in enumerate(("one", "two", "three")):
        await prepare(ledger, study, index / 10, ready_id)
    own = write(running(0.9), lease_s=60)
    await ledger.commit(study, Commit(writes=[using("one", 0.0), own], known_ready=frozenset({"one", "three"})))
    assert await ready_ids(ledger, study) == ["three"]
    await ledger.commit(study, Commit(writes=[write(running(0.8, "lease-2"), lease_s=60)]))
    assert await ready_ids(ledger, study) == ["three"], "those who say nothing drop nothing"
    await ledger.commit(study, Commit(writes=[using("three", 0.2)], known_ready=frozenset()))
    await prepare(ledger, study, 0.7, "four")
    await ledger.commit(study, Commit(writes=[write(running(0.6, "lease-3"))], known_ready=frozenset()))
    assert await ready_ids(ledger, study) == []


async def test_a_configuration_that_runs_is_not_started_again(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    await put(ledger, study, queued(0.1))
    assert await refusal(ledger, study, Commit(writes=[using("one", 0.1)])) is ConflictKind.DUPLICATE


async def test_what_waits_goes_first(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    first = Commit(writes=[using("one", 0.1)], guard=Guard(nothing_waits=True))
    waiting = await put(ledger, study, queued(0.5))
    assert await refusal(ledger, study, first) is ConflictKind.SOMETHING_WAITS
    taken = await put(ledger, study, waiting.start(lease_id="l", worker_id="w", now=NOW), lease_s=0.001)

    async def lapsed() -> Sequence[int]:
        return (await ledger.read_delta(study, after=0)).lapsed

    await until(lapsed, bool)
    assert await refusal(ledger, study, first) is ConflictKind.SOMETHING_WAITS
    await put(ledger, study, told(taken, 1.0))
    await ledger.commit(study, dataclasses.replace(first, guard=Guard(nothing_waits=True, staleness=ended(1))))


async def test_a_new_study_of_the_same_name_has_nothing_prepared(ledger: Ledger, study: StudyName) -> None:
    await prepare(ledger, study, 0.1, "one")
    assert await ledger.begin_preparing(study, token="two", depth=2, staleness=ended(0), lock_s=60)
    await ledger.delete_study(study, expected_revision=None, request=None)
    with pytest.raises(NotFound):
        await ledger.end_preparing(study, token="two", prepared=None, staleness=ended(0))
    with pytest.raises(NotFound):
        await ledger.begin_preparing(study, token="two", depth=2, staleness=ended(0), lock_s=60)
    await ledger.create_study(a_study(study), request=None)
    assert await ready_ids(ledger, study) == []
    assert await ledger.begin_preparing(study, token="three", depth=1, staleness=ended(0), lock_s=60)


async def test_no_more_than_the_most_are_kept(ledger: Ledger, study: StudyName) -> None:
    for index in range(MAX_READY):
        await prepare(ledger, study, index / 10, f"r{index}")
    assert await ledger.begin_preparing(study, token="more", depth=MAX_READY + 1, staleness=ended(0), lock_s=60)
    more = Prepared(ready_id="more", trial=suggested(0.9), ended=0, surprise=0, known_number=0)
    assert not (await ledger.end_preparing(study, token="more", prepared=more, staleness=ended(0))).kept
    assert len(await ready(ledger, study)) == MAX_READY


@pytest.mark.parametrize("writes", [[using("one", 0.1), using("one", 0.2)]])
def test_a_suggestion_becomes_one_trial(writes: list[TrialWrite]) -> None:
    with pytest.raises(ValueError, match="becomes one new trial"):
        Commit(writes=writes)
