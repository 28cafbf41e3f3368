"""Request ids: a retry gets the first answer, and never does a thing twice."""

from __future__ import annotations

import dataclasses

import pytest

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import Ledger
from tests.support.ledger import (
    a_study,
    commit,
    measured,
    put,
    queued,
    read_one,
    request,
    running,
    told,
    write,
)


async def test_a_replay_holds_the_trials_as_they_were_then(ledger: Ledger, study: StudyName) -> None:
    writes = [write(running(0.1, "a"), lease_s=60), write(running(0.2, "b"), lease_s=60)]
    first = await commit(ledger, study, *writes, request=request("ask"))
    await put(ledger, study, told(first.records[0].trial, 1.0))
    await ledger.report(study, 2, lease_id="b", lease_s=600, measurement=measured(1, 1.0), request=None)

    again = await commit(ledger, study, *writes, request=request("ask"))
    assert again.replayed
    assert (again.sequence, again.created) == (first.sequence, first.created)
    assert [record.trial for record in again.records] == [record.trial for record in first.records]
    # Leases and measurements are as they are now.
    assert again.records[0].lease_expire_time is None
    present = await read_one(ledger, study, 2)
    assert again.records[1].lease_expire_time == present.lease_expire_time
    assert again.records[1].measurement_count == 1
    assert await ledger.recall(study, request("ask")) == again


async def test_a_replay_of_a_delete_and_of_skipped_imports(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, queued(0.1, import_key="a"))
    writes = [write(queued(0.3, import_key="a")), write(trial, delete=True), write(queued(0.4))]
    first = await commit(ledger, study, *writes, request=request("r"))
    assert [record.trial.number for record in first.records] == [1, 1, 2]
    again = await commit(ledger, study, *writes, request=request("r"))
    assert again == dataclasses.replace(first, replayed=True)


async def test_a_replay_is_answered_before_any_condition_is_looked_at(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, queued(0.1))
    change = write(trial, only_if_unique=True)
    await commit(ledger, study, change, request=request("r"))
    assert (await commit(ledger, study, change, request=request("r"))).replayed
    await ledger.update_study(a_study(study, seed=9), expected_revision=1, request=None)
    assert (await commit(ledger, study, change, request=request("r"))).replayed


async def test_a_request_id_comes_with_one_body(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, write(queued(0.1)), request=request("r", "one"))
    await put(ledger, study, running(0.2))
    for call in (
        commit(ledger, study, write(queued(0.2)), request=request("r", "two")),
        ledger.recall(study, request("r", "two")),
        ledger.report(
            study, 2, lease_id="lease-1", lease_s=1, measurement=measured(1, 1.0), request=request("r", "two")
        ),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await call
        assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED
    assert (await ledger.read_head(study)).last_number == 2
    assert (await read_one(ledger, study, 2)).measurement_count == 0


async def test_recall_of_an_unknown_request(ledger: Ledger, study: StudyName) -> None:
    assert await ledger.recall(study, request("never")) is None


async def test_a_request_belongs_to_its_study(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, write(queued(0.1)), request=request("r"))
    other = dataclasses.replace(study, study_id="other")
    await ledger.create_study(a_study(other), request=None)
    assert await ledger.recall(other, request("r")) is None
    assert (await commit(ledger, other, write(queued(0.1)), request=request("r"))).created == 1


async def test_requests_of_a_deleted_study_are_not_those_of_its_namesake(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, write(queued(0.1)), request=request("r"))
    await ledger.delete_study(study, expected_revision=None, request=None)
    await ledger.create_study(a_study(study), request=None)
    assert await ledger.recall(study, request("r")) is None
    committed = await commit(ledger, study, write(queued(0.1)), request=request("r"))
    assert (committed.created, committed.replayed) == (1, False)


async def test_any_text_is_a_request_id(ledger: Ledger, study: StudyName) -> None:
    for request_id in ("{x}:y", "ü☃ \n", "~", "a" * 200):
        await commit(ledger, study, write(queued(0.1)), request=request(request_id))
        assert (await commit(ledger, study, write(queued(0.1)), request=request(request_id))).replayed
    assert (await ledger.read_head(study)).last_number == 4
