"""Studies: create, update, delete, list."""

from __future__ import annotations

import dataclasses

import pytest

from asktell_server.domain.errors import AlreadyExists, ErrorReason, InvalidArgument, NotFound
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import StudyState
from asktell_server.domain.trial import TrialState
from asktell_server.store.protocol import Conflict, ConflictKind, Ledger, Request, StudyChanged, WarmStart
from tests.support.ledger import a_study, commit, measured, put, queued, request, running, write


async def test_created_study_is_read_back_as_it_was_given(ledger: Ledger, name: StudyName) -> None:
    given = a_study(name, display_name="Übung ☃", labels={"a": "b"}, annotations={"run": "x" * 60_000})
    head = await ledger.create_study(given, request=None)
    assert head.study == dataclasses.replace(given, revision=1)
    assert (head.sequence, head.last_number, head.charged, dict(head.counts)) == (1, 0, 0, {})
    assert await ledger.read_head(name) == head


async def test_a_second_study_of_the_name_is_refused(ledger: Ledger, study: StudyName) -> None:
    with pytest.raises(AlreadyExists) as caught:
        await ledger.create_study(a_study(study, seed=8), request=None)
    assert caught.value.reason is ErrorReason.STUDY_EXISTS
    assert caught.value.metadata == {"name": str(study)}
    assert (await ledger.read_head(study)).study.seed == 7


async def test_update_replaces_the_study_and_logs_it(ledger: Ledger, study: StudyName) -> None:
    changed = a_study(study, state=StudyState.PAUSED)
    head = await ledger.update_study(changed, expected_revision=1, request=None)
    assert head.study == dataclasses.replace(changed, revision=2)
    assert head.sequence == 2
    delta = await ledger.read_delta(study, after=1)
    assert [entry.change for entry in delta.entries] == [StudyChanged(study=head.study)]


async def test_update_of_an_outdated_revision_changes_nothing(ledger: Ledger, study: StudyName) -> None:
    await ledger.update_study(a_study(study, seed=8), expected_revision=1, request=None)
    before = await ledger.read_head(study)
    with pytest.raises(Conflict) as caught:
        await ledger.update_study(a_study(study, seed=9), expected_revision=1, request=None)
    assert caught.value.kind is ConflictKind.STUDY_CHANGED
    assert await ledger.read_head(study) == before


async def test_delete_takes_everything_and_gives_a_new_epoch(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    await ledger.report(study, trial.number, lease_id="lease-1", lease_s=60, measurement=measured(1, 2.0), request=None)
    await commit(ledger, study, write(queued(0.1, import_key="k")))
    await ledger.write_warm_start(study, WarmStart(sequence=1, payload=b"model"))
    old = await ledger.read_head(study)

    await ledger.delete_study(study, expected_revision=1, request=None)
    with pytest.raises(NotFound) as caught:
        await ledger.read_head(study)
    assert caught.value.metadata == {"name": str(study)}

    new = await ledger.create_study(a_study(study), request=None)
    assert new.epoch != old.epoch
    delta = await ledger.read_delta(study, after=0)
    assert len(delta.entries) == 1
    assert delta.next_lapse_s is None
    assert await ledger.read_warm_start(study) is None
    assert await ledger.read_trials(study, numbers=[1, 2]) == [None, None]
    # Neither the import key nor the configuration nor the measurements of the former study are left.
    committed = await commit(ledger, study, write(queued(0.5, import_key="k"), only_if_unique=True))
    assert (committed.created, committed.records[0].trial.number) == (1, 1)
    assert await ledger.read_measurements(study, 1, first=0, limit=10) == []


async def test_delete_of_an_outdated_revision_changes_nothing(ledger: Ledger, study: StudyName) -> None:
    with pytest.raises(Conflict) as caught:
        await ledger.delete_study(study, expected_revision=2, request=None)
    assert caught.value.kind is ConflictKind.STUDY_CHANGED
    await ledger.read_head(study)


async def test_every_method_says_that_a_study_is_missing(ledger: Ledger, name: StudyName) -> None:
    calls = [
        ledger.update_study(a_study(name), expected_revision=1, request=None),
        ledger.delete_study(name, expected_revision=None, request=None),
        ledger.read_head(name),
        ledger.read_delta(name, after=0),
        ledger.read_trials(name, numbers=[]),
        ledger.read_trials(name, numbers=[1]),
        ledger.read_measurements(name, 1, first=0, limit=1),
        anext(aiter(ledger.read_curves(name, numbers=[1], most=9))),
        anext(aiter(ledger.read_curves(name, numbers=[], most=9))),
        commit(ledger, name),
        ledger.recall(name, request("r")),
        ledger.report(name, 1, lease_id="l", lease_s=1, measurement=None, request=None),
        ledger.read_warm_start(name),
        anext(aiter(ledger.watch(name, after=0))),
    ]
    for call in calls:
        with pytest.raises(NotFound) as caught:
            await call
        assert caught.value.reason is ErrorReason.STUDY_NOT_FOUND
    await ledger.write_warm_start(name, WarmStart(sequence=0, payload=b""))  # a cache: silently dropped


async def test_listing_goes_page_by_page_through_one_project(ledger: Ledger, name: StudyName) -> None:
    ids = ["a", "a-b", "a.b", "a0", "b", "b_1", "c"]
    for study_id in reversed(ids):
        await ledger.create_study(a_study(StudyName(project=name.project, study_id=study_id)), request=None)
    other = StudyName(project=f"{name.project}x", study_id="elsewhere")
    await ledger.create_study(a_study(other), request=None)
    await ledger.delete_study(StudyName(project=name.project, study_id="a0"), expected_revision=None, request=None)

    seen: list[str] = []
    while page := await ledger.list_studies(name.project, after=seen[-1] if seen else "", limit=2):
        assert len(page) <= 2
        seen += [found.study_id for found in page]
    assert seen == sorted(set(ids) - {"a0"})
    assert await ledger.list_studies(other.project, after="", limit=10) == [other]
    assert await ledger.list_studies("nothing-here", after="", limit=10) == []


async def test_heads_come_in_the_order_of_their_names(ledger: Ledger, name: StudyName) -> None:
    names = [StudyName(project=name.project, study_id=f"s{index}") for index in range(40)]
    for each in names:
        await ledger.create_study(a_study(each, display_name=each.study_id), request=None)
    await commit(ledger, names[3], write(queued(0.1)), write(running(0.2)))
    await ledger.delete_study(names[7], expected_revision=None, request=None)
    elsewhere = StudyName(project=f"{name.project}x", study_id="s1")
    asked = [*reversed(names), elsewhere, names[3]]
    heads = await ledger.read_heads(asked)
    assert [head and head.study.name for head in heads] == [
        None if each in (names[7], elsewhere) else each for each in asked
    ]
    assert heads[-1] == await ledger.read_head(names[3])
    assert await ledger.read_heads([]) == []


@pytest.mark.parametrize("method", ["create", "update", "delete"])
async def test_a_repeated_request_is_done_once(ledger: Ledger, name: StudyName, method: str) -> None:
    created = await ledger.create_study(a_study(name), request=request("c"))
    if method == "create":
        assert await ledger.create_study(a_study(name), request=request("c")) == created
    if method == "update":
        first = await ledger.update_study(a_study(name, seed=8), expected_revision=1, request=request("u"))
        await ledger.update_study(a_study(name, seed=9), expected_revision=2, request=None)
        again = await ledger.update_study(a_study(name, seed=8), expected_revision=1, request=request("u"))
        assert again.study == first.study
        assert (await ledger.read_head(name)).study.seed == 9
        assert await ledger.recall(name, request("u")) is not None
    if method == "delete":
        await ledger.delete_study(name, expected_revision=1, request=request("d"))
        await ledger.delete_study(name, expected_revision=1, request=request("d"))
        await ledger.create_study(a_study(name, seed=8), request=request("c2"))
        await ledger.delete_study(name, expected_revision=1, request=request("d"))
        assert (await ledger.read_head(name)).study.seed == 8


async def test_a_late_retry_does_not_bring_a_deleted_study_back(ledger: Ledger, name: StudyName) -> None:
    created = await ledger.create_study(a_study(name), request=request("c"))
    await put(ledger, name, running(0.5))
    await ledger.delete_study(name, expected_revision=None, request=None)
    assert await ledger.create_study(a_study(name), request=request("c")) == created
    with pytest.raises(NotFound):
        await ledger.read_head(name)
    assert await ledger.list_studies(name.project, after="", limit=10) == []


async def test_a_request_id_with_another_body_is_refused(ledger: Ledger, study: StudyName) -> None:
    await ledger.update_study(a_study(study, seed=8), expected_revision=1, request=request("r", "one"))
    before = await ledger.read_delta(study, after=0)
    other = Request(request_id="r", fingerprint="two")
    calls = [
        ledger.create_study(a_study(study), request=other),
        ledger.update_study(a_study(study), expected_revision=2, request=other),
        ledger.delete_study(study, expected_revision=None, request=other),
        commit(ledger, study, write(queued(0.1)), request=other),
        ledger.recall(study, other),
    ]
    for call in calls:
        with pytest.raises(InvalidArgument) as caught:
            await call
        assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
        assert caught.value.field == "request_id"
    after = await ledger.read_delta(study, after=0)
    assert (after.head, after.entries) == (before.head, before.entries)


async def test_counts_follow_the_trials(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, write(queued(0.1)), write(running(0.2)), write(running(0.3)))
    head = await ledger.read_head(study)
    assert dict(head.counts) == {TrialState.QUEUED: 1, TrialState.RUNNING: 2}
    assert (head.charged, head.last_number) == (3, 3)
