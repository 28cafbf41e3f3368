"""Leases by the store's clock, and the measurements that come with their renewal."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from asktell_server.domain.errors import ErrorReason, NotFound, ResourceExhausted
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import StudyState
from asktell_server.domain.trial import TrialState
from asktell_server.store.protocol import Ledger, MeasurementReported, Reported, Request
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


async def report(
    ledger: Ledger,
    study: StudyName,
    number: int = 1,
    *,
    lease_id: str = "lease-1",
    lease_s: float = 60,
    loss: float | None = None,
    request: Request | None = None,
    stop_reason: str = "",
) -> Reported:
    """Reports, with a measurement where a loss is given."""
    measurement = None if loss is None else measured(1, loss)
    return await ledger.report(
        study,
        number,
        lease_id=lease_id,
        lease_s=lease_s,
        measurement=measurement,
        request=request,
        stop_reason=stop_reason,
    )


async def test_a_lease_ends_by_the_clock_of_the_store(ledger: Ledger, study: StudyName) -> None:
    before = (await ledger.read_delta(study, after=0)).now
    committed = await commit(ledger, study, write(running(0.1), lease_s=60))
    after = (await ledger.read_delta(study, after=0)).now
    expires = committed.records[0].lease_expire_time
    assert expires is not None
    millisecond = timedelta(milliseconds=1)
    assert before - millisecond <= expires - timedelta(seconds=60) <= after
    assert (await read_one(ledger, study, 1)).lease_expire_time == expires


async def test_lapsed_leases_come_the_longest_lapsed_first(ledger: Ledger, study: StudyName) -> None:
    await commit(
        ledger,
        study,
        write(running(0.1), lease_s=0.03),
        write(running(0.2), lease_s=3600),
        write(running(0.3), lease_s=0.01),
        write(running(0.4), lease_s=0),
        write(queued(0.5)),
    )
    delta = await until(lambda: ledger.read_delta(study, after=0), lambda delta: len(delta.lapsed) == 2)
    assert list(delta.lapsed) == [3, 1]
    assert delta.next_lapse_s is not None
    assert 1800 < delta.next_lapse_s <= 3600
    assert list((await ledger.read_delta(study, after=0, lapsed_limit=1)).lapsed) == [3]


async def test_a_change_of_another_kind_leaves_the_lease_alone(ledger: Ledger, study: StudyName) -> None:
    committed = await commit(ledger, study, write(running(0.1), lease_s=60))
    trial = committed.records[0].trial
    labelled = await commit(ledger, study, write(trial))
    assert labelled.records[0].lease_expire_time == committed.records[0].lease_expire_time
    longer = await commit(ledger, study, write(labelled.records[0].trial, lease_s=600))
    endless = await commit(ledger, study, write(longer.records[0].trial, lease_s=0))
    first, second = committed.records[0].lease_expire_time, longer.records[0].lease_expire_time
    assert first is not None
    assert second is not None
    assert first < second
    assert endless.records[0].lease_expire_time is None


@pytest.mark.parametrize("to", [TrialState.QUEUED, TrialState.SUCCEEDED, TrialState.CANCELLED])
async def test_a_trial_that_runs_no_more_has_no_lease(ledger: Ledger, study: StudyName, to: TrialState) -> None:
    trial = await put(ledger, study, running(0.1), lease_s=60)
    changed = {
        TrialState.QUEUED: trial.release(lease_id="lease-1"),
        TrialState.SUCCEEDED: told(trial, 1.0),
        TrialState.CANCELLED: trial.cancel(reason="", now=NOW),
    }[to]
    committed = await commit(ledger, study, write(changed))
    assert committed.records[0].lease_expire_time is None
    assert (await ledger.read_delta(study, after=0)).next_lapse_s is None


async def test_report_renews_the_lease_without_a_log_entry(ledger: Ledger, study: StudyName) -> None:
    committed = await commit(ledger, study, write(running(0.1), lease_s=60))
    reported = await report(ledger, study, lease_s=600)
    assert (reported.lease_valid, reported.trial_state, reported.study_finished) == (True, TrialState.RUNNING, False)
    record = await read_one(ledger, study, 1)
    assert record.lease_expire_time == reported.lease_expire_time
    assert committed.records[0].lease_expire_time is not None
    assert record.lease_expire_time is not None
    assert record.lease_expire_time > committed.records[0].lease_expire_time
    assert record.trial == committed.records[0].trial
    assert (await ledger.read_head(study)).sequence == committed.sequence
    assert (await report(ledger, study, lease_s=0)).lease_expire_time is None
    assert (await ledger.read_delta(study, after=0)).next_lapse_s is None


async def test_a_lapsed_lease_that_nobody_took_is_renewed(ledger: Ledger, study: StudyName) -> None:
    await put(ledger, study, running(0.1), lease_s=0.01)
    await until(lambda: ledger.read_delta(study, after=0), lambda delta: list(delta.lapsed) == [1])
    assert (await report(ledger, study)).lease_valid
    assert list((await ledger.read_delta(study, after=0)).lapsed) == []


async def test_a_lease_that_was_lost_changes_nothing(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.1), lease_s=60)
    taken = trial.expire(max_attempts=3, now=NOW).start(lease_id="lease-2", worker_id="w", now=NOW)
    await put(ledger, study, taken, lease_s=60)
    before = await read_one(ledger, study, 1)
    for lease_id in ("lease-1", "", "-", "lease-2\n"):
        reported = await report(ledger, study, lease_id=lease_id, lease_s=600, loss=1.0)
        assert (reported.lease_valid, reported.lease_expire_time) == (False, None)
        assert reported.trial_state is TrialState.RUNNING
    assert await read_one(ledger, study, 1) == before


async def test_report_of_a_trial_that_has_ended(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.1), lease_s=60)
    await put(ledger, study, trial.cancel(reason="", now=NOW))
    await ledger.update_study(a_study(study, state=StudyState.FINISHED), expected_revision=1, request=None)
    reported = await report(ledger, study, loss=1.0)
    assert (reported.lease_valid, reported.trial_state, reported.study_finished) == (False, TrialState.CANCELLED, True)


async def test_reports_say_that_a_study_is_finished_until_it_goes_on(ledger: Ledger, study: StudyName) -> None:
    trial = await put(ledger, study, running(0.5), lease_s=60)
    for revision, state in enumerate((StudyState.FINISHED, StudyState.ACTIVE), start=1):
        await ledger.update_study(a_study(study, state=state), expected_revision=revision, request=None)
        reported = await report(ledger, study, trial.number)
        assert reported.study_finished == (state is StudyState.FINISHED)


async def test_report_on_a_missing_trial(ledger: Ledger, study: StudyName) -> None:
    with pytest.raises(NotFound) as caught:
        await report(ledger, study, 3)
    assert caught.value.reason is ErrorReason.TRIAL_NOT_FOUND
    assert caught.value.metadata == {"name": str(study.trial(3))}


async def test_measurements_are_kept_in_order_and_logged(ledger: Ledger, study: StudyName) -> None:
    await put(ledger, study, running(0.1), lease_s=60)
    given = [measured(step, loss) for step, loss in ((10, 0.5), (20, 0.1 + 0.2), (5, float("inf")))]
    for measurement in given:
        await ledger.report(study, 1, lease_id="lease-1", lease_s=60, measurement=measurement, request=None)
    assert await ledger.read_measurements(study, 1, first=0, limit=10) == given
    assert await ledger.read_measurements(study, 1, first=1, limit=1) == given[1:2]
    assert await ledger.read_measurements(study, 1, first=3, limit=10) == []
    assert (await read_one(ledger, study, 1)).measurement_count == 3
    delta = await ledger.read_delta(study, after=2)
    assert [entry.change for entry in delta.entries] == [
        MeasurementReported(number=1, index=index, measurement=measurement) for index, measurement in enumerate(given)
    ]


async def test_measurements_of_a_missing_trial(ledger: Ledger, study: StudyName) -> None:
    with pytest.raises(NotFound) as caught:
        await ledger.read_measurements(study, 1, first=0, limit=1)
    assert caught.value.reason is ErrorReason.TRIAL_NOT_FOUND


async def test_a_repeated_report_appends_once_and_still_renews(ledger: Ledger, study: StudyName) -> None:
    await put(ledger, study, running(0.1), lease_s=60)
    first = await report(ledger, study, loss=1.0, request=request("r"))
    again = await report(ledger, study, loss=1.0, lease_s=600, request=request("r"))
    assert first.lease_expire_time is not None
    assert again.lease_expire_time is not None
    assert again.lease_expire_time > first.lease_expire_time
    assert (await read_one(ledger, study, 1)).measurement_count == 1
    recalled = await ledger.recall(study, request("r"))
    assert recalled is not None
    assert [record.trial.number for record in recalled.records] == [1]


async def test_a_trial_keeps_so_many_measurements(
    ledger: Ledger, study: StudyName, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("redis_ledger", "memory"):  # reached sooner
        monkeypatch.setattr(f"asktell_server.store.{module}.measurements.MAX_MEASUREMENTS", 20)
    await put(ledger, study, running(0.1), lease_s=60)
    await asyncio.gather(*(report(ledger, study, loss=1.0) for _ in range(20)))
    with pytest.raises(ResourceExhausted) as caught:
        await report(ledger, study, loss=1.0)
    assert caught.value.reason is ErrorReason.LIMIT_EXCEEDED
    assert caught.value.metadata == {"limit": "20", "field": "measurements"}
    assert (await read_one(ledger, study, 1)).measurement_count == 20
    assert (await report(ledger, study)).lease_valid


async def test_a_decision_to_stop_is_made_once_and_kept(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, write(running(0.1), lease_s=60), write(running(0.2, "lease-2"), lease_s=60))
    decided = await report(ledger, study, loss=1.0, request=request("r"), stop_reason="too slow")
    assert decided.stop_reason == "too slow"
    assert (await report(ledger, study, loss=1.0, request=request("r"))).stop_reason == "too slow"  # repeated
    assert (await report(ledger, study)).stop_reason == "too slow"  # a heartbeat
    assert (await report(ledger, study, loss=0.5, stop_reason="another")).stop_reason == "too slow"
    assert (await report(ledger, study, 2, lease_id="lease-2", loss=1.0)).stop_reason == ""


async def test_a_decision_to_stop_holds_for_the_next_attempt(ledger: Ledger, study: StudyName) -> None:
    committed = await commit(ledger, study, write(running(0.1), lease_s=60))
    await report(ledger, study, loss=1.0, stop_reason="too slow")
    given_back = committed.records[0].trial.release(lease_id="lease-1")
    committed = await commit(ledger, study, write(given_back))
    again = committed.records[0].trial.start(lease_id="lease-3", worker_id="", now=NOW)
    await commit(ledger, study, write(again, lease_s=60))
    assert (await report(ledger, study, lease_id="lease-3")).stop_reason == "too slow"


async def test_what_is_not_appended_decides_nothing(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, write(running(0.1), lease_s=60))
    await report(ledger, study, loss=1.0, request=request("r"))
    await report(ledger, study, lease_id="lease-9", loss=1.0, stop_reason="not its worker")
    await report(ledger, study, loss=1.0, request=request("r"), stop_reason="said differently before")
    await report(ledger, study, stop_reason="a heartbeat")
    assert (await report(ledger, study)).stop_reason == ""
