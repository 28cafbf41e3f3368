"""Commits: atomic, guarded, in order."""

from __future__ import annotations

import dataclasses

import pytest

from asktell_server.domain.metrics import Metric
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Origin, Trial, TrialState
from asktell_server.store.protocol import (
    Commit,
    Conflict,
    ConflictKind,
    Guard,
    Ledger,
    TrialChanged,
    TrialDeleted,
    TrialWrite,
)
from tests.support.ledger import (
    NOW,
    a_study,
    commit,
    measured,
    put,
    queued,
    read_one,
    request,
    running,
    told,
    until,
    write,
)


async def unchanged(ledger: Ledger, study: StudyName, *writes: TrialWrite, guard: Guard | None = None) -> Conflict:
    """The conflict that a commit ends in; that nothing was written is checked too."""
    before = await ledger.read_delta(study, after=0)
    with pytest.raises(Conflict) as caught:
        await commit(ledger, study, *writes, guard=guard, request=request("refused"))
    after = await ledger.read_delta(study, after=0)
    assert (after.head, after.entries) == (before.head, before.entries)
    assert await ledger.recall(study, request("refused")) is None
    return caught.value


async def test_new_trials_get_rising_numbers_and_the_log_holds_them(ledger: Ledger, study: StudyName) -> None:
    committed = await commit(ledger, study, write(running(0.1), lease_s=60), write(queued(0.2)))
    trials = [record.trial for record in committed.records]
    assert [(trial.number, trial.revision) for trial in trials] == [(1, 1), (2, 1)]
    assert (committed.created, committed.sequence, committed.replayed) == (2, 3, False)
    assert await ledger.read_trials(study, numbers=[2, 9, 1]) == [committed.records[1], None, committed.records[0]]
    delta = await ledger.read_delta(study, after=1)
    assert [entry.sequence for entry in delta.entries] == [2, 3]
    assert [entry.change for entry in delta.entries] == [TrialChanged(trial=trial) for trial in trials]


async def test_values_come_back_exactly(ledger: Ledger, study: StudyName) -> None:
    trial = Trial(
        state=TrialState.RUNNING,
        parameters={"f": 0.1 + 0.2, "whole": 2.0, "i": 2**53, "b": True, "s": "ü\0\n☃", "tiny": 5e-324, "n": -0.0},
        origin=Origin.MODEL,
        lease_id="l",
        metrics={"loss": Metric(value=1e308, standard_error=0.1)},
        create_time=NOW,
        annotations={"key\n": "value\0"},
    )
    stored = await put(ledger, study, trial)
    read = (await read_one(ledger, study, stored.number)).trial
    assert read == stored
    assert [repr(value) for value in read.parameters.values()] == [repr(value) for value in trial.parameters.values()]


async def test_a_change_needs_the_present_revision(ledger: Ledger, study: StudyName) -> None:
    first = await put(ledger, study, running(0.1))
    second = await put(ledger, study, told(first, 1.0))
    assert second.revision == 2
    conflict = await unchanged(ledger, study, write(queued(0.9)), write(told(first, 2.0)))
    assert (conflict.kind, conflict.index, conflict.current) == (ConflictKind.TRIAL_CHANGED, 1, second)


async def test_a_trial_that_is_gone_conflicts_without_a_present_one(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, queued(0.1))
    await commit(ledger, study, write(trial, delete=True))
    conflict = await unchanged(ledger, study, write(trial))
    assert (conflict.kind, conflict.index, conflict.current) == (ConflictKind.TRIAL_CHANGED, 0, None)


async def test_no_two_open_trials_share_a_configuration(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.1), only_if_unique=True)
    conflict = await unchanged(ledger, study, write(queued(0.2)), write(running(0.1, "other"), only_if_unique=True))
    assert (conflict.kind, conflict.index) == (ConflictKind.DUPLICATE, 1)
    # The same within one commit; without the condition, and once the other has ended, it is fine.
    conflict = await unchanged(
        ledger, study, write(queued(0.3), only_if_unique=True), write(queued(0.3), only_if_unique=True)
    )
    assert (conflict.kind, conflict.index) == (ConflictKind.DUPLICATE, 1)
    await put(ledger, study, queued(0.1))
    await commit(ledger, study, write(told(trial, 1.0)))
    conflict = await unchanged(ledger, study, write(queued(0.1), only_if_unique=True))
    assert conflict.kind is ConflictKind.DUPLICATE
    await commit(ledger, study, write((await read_one(ledger, study, 2)).trial, delete=True))
    await put(ledger, study, queued(0.1), only_if_unique=True)


async def test_a_configuration_that_came_and_ended_meanwhile_is_not_run_again(ledger: Ledger, study: StudyName) -> None:
    before = await put(ledger, study, queued(0.5))
    trial = await put(ledger, study, running(0.1))
    await commit(ledger, study, write(told(trial, 1.0)))
    again = write(running(0.1, "other"), only_if_unique=True)
    conflict = await unchanged(ledger, study, again, guard=Guard(known_number=before.number))
    assert (conflict.kind, conflict.index) == (ConflictKind.DUPLICATE, 0)
    # A caller that knew of it, or does not mind, may run it again.
    await commit(ledger, study, write(running(0.1, "third")), guard=Guard(known_number=before.number))
    await commit(ledger, study, write(told((await read_one(ledger, study, 3)).trial, 2.0)))
    assert (await commit(ledger, study, again, guard=Guard(known_number=3))).created == 1


async def test_an_open_trial_is_no_duplicate_of_itself(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, queued(0.1), only_if_unique=True)
    started = trial.start(lease_id="l", worker_id="w", now=NOW)
    assert (await put(ledger, study, started, only_if_unique=True)).state is TrialState.RUNNING


@pytest.mark.parametrize("in_order", [True, False])
async def test_a_commit_frees_a_configuration_for_its_later_writes(
    ledger: Ledger, study: StudyName, in_order: bool
) -> None:
    trial = await put(ledger, study, running(0.1))
    writes = [write(told(trial, 1.0)), write(queued(0.1), only_if_unique=True)]
    if in_order:
        assert (await commit(ledger, study, *writes)).created == 1
    else:
        assert (await unchanged(ledger, study, *reversed(writes))).kind is ConflictKind.DUPLICATE


async def test_limit_of_running_trials(ledger: Ledger, study: StudyName) -> None:
    guard = Guard(max_running=2)
    await commit(ledger, study, write(running(0.1)), write(queued(0.2)), write(running(0.3)), guard=guard)
    conflict = await unchanged(ledger, study, write(running(0.4)), guard=guard)
    assert conflict.kind is ConflictKind.TOO_MANY_RUNNING
    first = (await read_one(ledger, study, 1)).trial
    await commit(ledger, study, write(told(first, 1.0)), write(running(0.4)), guard=guard)


async def test_limit_of_the_budget_counts_what_is_charged(ledger: Ledger, study: StudyName) -> None:
    guard = Guard(max_charged=2)
    imported = dataclasses.replace(queued(0.5, origin=Origin.IMPORT), state=TrialState.SUCCEEDED)
    await commit(ledger, study, write(queued(0.1)), write(queued(0.2)), write(imported), guard=guard)
    assert (await unchanged(ledger, study, write(queued(0.3)), guard=guard)).kind is ConflictKind.BUDGET_SPENT
    first = (await read_one(ledger, study, 1)).trial
    await commit(ledger, study, write(first.cancel(reason="", now=NOW)), write(queued(0.3)), guard=guard)
    second = (await read_one(ledger, study, 2)).trial
    await commit(ledger, study, write(second, delete=True), write(queued(0.4)), guard=guard)
    assert (await ledger.read_head(study)).charged == 2


async def test_guard_on_the_study(ledger: Ledger, study: StudyName) -> None:
    head = await ledger.read_head(study)
    await commit(ledger, study, write(queued(0.1)), guard=Guard(study_revision=1, epoch=head.epoch))
    assert (
        await unchanged(ledger, study, write(queued(0.2)), guard=Guard(epoch="other"))
    ).kind is ConflictKind.STUDY_CHANGED
    await ledger.update_study(a_study(study), expected_revision=1, request=None)
    conflict = await unchanged(ledger, study, write(queued(0.2)), guard=Guard(study_revision=1))
    assert (conflict.kind, conflict.index, conflict.current) == (ConflictKind.STUDY_CHANGED, None, None)


async def test_delete_leaves_a_tombstone_and_frees_the_rest(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.1), lease_s=60)
    await ledger.report(study, 1, lease_id="lease-1", lease_s=60, measurement=measured(1, 1.0), request=None)
    ended = await put(ledger, study, trial.cancel(reason="", now=NOW))
    committed = await commit(ledger, study, write(ended, delete=True))
    assert committed.records[0].trial == ended
    delta = await ledger.read_delta(study, after=committed.sequence - 1)
    assert [entry.change for entry in delta.entries] == [TrialDeleted(number=1)]
    assert dict(delta.head.counts) == {}
    assert (await put(ledger, study, queued(0.1))).number == 2  # numbers are never given twice
    assert await ledger.read_trials(study, numbers=[1]) == [None]


async def test_import_keys_make_imports_idempotent(ledger: Ledger, study: StudyName) -> None:
    first = await commit(ledger, study, write(queued(0.1, import_key="a")), write(queued(0.2, import_key="b")))
    changed = await put(ledger, study, first.records[0].trial.cancel(reason="", now=NOW))
    again = await commit(
        ledger,
        study,
        write(queued(0.9, import_key="a")),
        write(queued(0.3, import_key="c")),
        write(queued(0.4, import_key="c")),
    )
    assert [record.trial.number for record in again.records] == [1, 3, 3]
    assert again.records[0].trial == changed
    assert again.records[1] == again.records[2]
    assert (again.created, again.sequence) == (1, 5)


async def test_a_deleted_import_can_be_imported_anew(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, queued(0.1, import_key="a"))
    committed = await commit(ledger, study, write(trial, delete=True), write(queued(0.1, import_key="a")))
    assert (committed.created, committed.records[1].trial.number) == (1, 2)
    assert (await put(ledger, study, queued(0.1, import_key="a"))).number == 2


async def test_a_commit_without_writes_changes_nothing(ledger: Ledger, study: StudyName) -> None:
    before = await ledger.read_head(study)
    committed = await commit(ledger, study, request=request("r"))
    assert (committed.records, committed.sequence, committed.created) == ([], before.sequence, 0)
    assert await ledger.read_head(study) == before
    assert (await commit(ledger, study, request=request("r"))).replayed


async def test_a_large_commit_is_one_step(ledger: Ledger, study: StudyName) -> None:
    writes = [write(queued(index / 1000, import_key=f"k{index}"), only_if_unique=True) for index in range(1000)]
    committed = await commit(ledger, study, *writes, request=request("big"))
    assert [record.trial.number for record in committed.records] == list(range(1, 1001))
    again = await commit(ledger, study, *writes, request=request("big"))
    assert again == dataclasses.replace(committed, replayed=True)


@pytest.mark.parametrize(
    "writes",
    [
        [TrialWrite(trial=queued(0.1), expected_revision=1)],
        [TrialWrite(trial=dataclasses.replace(queued(0.1), number=1))],
        [TrialWrite(trial=queued(0.1), delete=True)],
        [TrialWrite(trial=dataclasses.replace(queued(0.1), number=1), expected_revision=1)] * 2,
    ],
)
def test_contradicting_writes_are_a_mistake_of_the_program(writes: list[TrialWrite]) -> None:
    with pytest.raises(ValueError, match="trial"):
        Commit(writes=writes)


async def test_only_if_lapsed(ledger: Ledger, study: StudyName) -> None:
    held = await put(ledger, study, running(0.1), lease_s=60)
    endless = await put(ledger, study, running(0.2), lease_s=0)
    short = await put(ledger, study, running(0.3), lease_s=0.03)
    for trial in (held, endless):
        taken = trial.expire(max_attempts=3, now=NOW)
        conflict = await unchanged(ledger, study, write(taken, only_if_lapsed=True))
        assert (conflict.kind, conflict.index, conflict.current) == (ConflictKind.LEASE_RENEWED, 0, trial)
    await until(lambda: ledger.read_delta(study, after=0), lambda delta: list(delta.lapsed) == [short.number])
    taken = short.expire(max_attempts=3, now=NOW).start(lease_id="new", worker_id="w", now=NOW)
    assert (await put(ledger, study, taken, only_if_lapsed=True, lease_s=60)).attempt == 2
    delta = await ledger.read_delta(study, after=0)
    assert (list(delta.lapsed), dict(delta.head.counts)) == ([], {TrialState.RUNNING: 3})
