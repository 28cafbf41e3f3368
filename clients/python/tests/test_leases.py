"""When leases are renewed."""

from __future__ import annotations

import gc
import time
from typing import Any

import pytest

from asktell._core.leases import Beats, Lease, lease_duration_s, release_all, renew
from asktell.v1 import trial_pb2, trial_service_pb2

NAME = "projects/default/studies/s/trials/1"


def trial(duration_s: float | None = 60.0) -> trial_pb2.Trial:
    message = trial_pb2.Trial(name=NAME, number=1, lease_id="L")
    message.start_time.FromMilliseconds(1_000_000)
    if duration_s is not None:
        message.lease_expire_time.FromMilliseconds(1_000_000 + int(duration_s * 1000))
    return message


def test_duration_comes_from_the_servers_clock_alone() -> None:
    assert lease_duration_s(trial(60.0)) == 60.0
    assert lease_duration_s(trial(None)) is None


def test_a_lease_is_renewed_at_a_third() -> None:
    assert Lease(trial(60.0), taken_at=100.0).due_at == 120.0
    assert Lease(trial(None), taken_at=100.0).due_at is None


def test_beats_come_in_order_and_a_report_postpones_them() -> None:
    beats = Beats()
    slow, fast = Lease(trial(60.0), taken_at=0.0), Lease(trial(6.0), taken_at=0.0)
    for lease in (slow, fast):
        beats.add(lease)
    assert beats.wait_s(0.0) == 2.0
    assert beats.due(1.9) is None
    assert beats.due(2.0) is fast
    fast.renewed_at = 2.0
    beats.add(fast)
    slow.renewed_at = 15.0  # a report of its own
    assert beats.due(3.9) is None
    assert beats.due(20.0) is fast
    assert beats.due(20.0) is None
    assert beats.wait_s(20.0) == 15.0
    assert beats.due(35.0) is slow
    assert beats.wait_s(35.0) is None


def test_closed_lost_and_dropped_leases_fall_out() -> None:
    beats = Beats()
    leases = [Lease(trial(3.0), taken_at=0.0) for _ in range(3)]
    for lease in leases:
        beats.add(lease)
    leases[0].closed = True
    leases[1].lost = True
    del lease
    leases.pop()
    gc.collect()
    assert beats.due(100.0) is None
    assert beats.wait_s(100.0) is None


def answer(**fields: Any) -> trial_service_pb2.ReportResponse:
    return trial_service_pb2.ReportResponse(**{"lease_valid": True, **fields})


def test_the_server_stops_a_trial_once() -> None:
    lease, stopped = Lease(trial(), taken_at=0.0), []
    lease.on_stop = lambda: stopped.append(lease.stop_reason)
    lease.heard(answer(), sent_at=5.0)
    assert (lease.should_stop, lease.renewed_at, stopped) == (False, 5.0, [])
    lease.heard(answer(should_stop=True, stop_reason="worse than the median"), sent_at=6.0)
    lease.heard(answer(should_stop=True, stop_reason="worse than the median"), sent_at=7.0)
    assert lease.should_stop
    assert stopped == ["worse than the median"]


def test_a_lost_lease_is_no_reason_to_stop() -> None:
    lease = Lease(trial(), taken_at=0.0)
    lease.heard(answer(lease_valid=False), sent_at=1.0)
    assert lease.lost
    assert not lease.should_stop
    assert lease.due_at is None


def test_answers_after_the_result_are_ignored() -> None:
    lease = Lease(trial(), taken_at=0.0)
    lease.closed = True
    lease.heard(answer(lease_valid=False, should_stop=True), sent_at=1.0)
    assert not lease.lost
    assert not lease.should_stop


def test_a_heartbeat_is_a_report_without_metrics() -> None:
    lease = Lease(trial(60.0), taken_at=0.0)
    flow = renew(lease)
    effect: Any = next(flow)
    assert effect.request == trial_service_pb2.ReportRequest(name=NAME, lease_id="L")
    assert 0 < effect.timeout_s <= 10.0
    with pytest.raises(StopIteration):
        flow.send(answer())
    assert time.monotonic() - lease.renewed_at < 1.0


def test_closing_gives_back_leases_that_end() -> None:
    leases = [Lease(trial(60.0), taken_at=0.0), Lease(trial(None), taken_at=0.0)]
    flow = release_all(leases)
    effect: Any = next(flow)
    assert (effect.request.name, effect.request.lease_id) == (NAME, "L")
    with pytest.raises(StopIteration):  # the one without an end stays with its person
        flow.send(trial_pb2.Trial())
    assert [lease.closed for lease in leases] == [True, False]
