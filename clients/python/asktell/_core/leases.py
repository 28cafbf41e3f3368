"""Leases and when to renew them: the part of the heartbeat that neither thread nor task changes."""

from __future__ import annotations

import heapq
import itertools
import logging
import time
import weakref
from collections.abc import Callable, Iterable

from asktell._core import methods
from asktell._core.flow import Flow, call, new_request_id
from asktell.errors import AsktellError, FailedPrecondition, NotFound
from asktell.v1 import trial_pb2, trial_service_pb2

logger = logging.getLogger("asktell")

BEATS_PER_LEASE = 3
_SHORTEST_S = 0.2
_BEAT_TIMEOUT_S = 10.0  # one trial's slow heartbeat holds up the others for no longer
_RETRY_S = 2.0
_RELEASE_TIMEOUT_S = 3.0  # a program that ends should end


class Lease:
    """A worker's hold on a trial: closed by a result, lost when the server says so."""

    def __init__(self, trial: trial_pb2.Trial, *, taken_at: float) -> None:
        """`taken_at`: time.monotonic() of when the Ask was sent, so that a slow answer does not lengthen the lease."""
        self.name = trial.name
        self.id = trial.lease_id
        self.duration_s = lease_duration_s(trial)
        self.renewed_at = taken_at
        self.closed = False
        self.lost = False
        self.failing = False
        self.should_stop = False
        self.stop_reason = ""
        self.on_stop: Callable[[], None] | None = None

    @property
    def due_at(self) -> float | None:
        """When to renew, by time.monotonic(); None = never: the lease does not end, or is over."""
        if self.closed or self.lost or self.duration_s is None:
            return None
        return self.renewed_at + max(_SHORTEST_S, self.duration_s / BEATS_PER_LEASE)

    def beat(self) -> trial_service_pb2.ReportRequest:
        """A heartbeat: a report without metrics."""
        return trial_service_pb2.ReportRequest(name=self.name, lease_id=self.id)

    def heard(self, answer: trial_service_pb2.ReportResponse, *, sent_at: float) -> None:
        """Takes over what the server said to a report that was sent at `sent_at`."""
        if self.closed:
            return
        self.renewed_at = sent_at
        self.lost = not answer.lease_valid
        self.stop_reason = answer.stop_reason
        if answer.should_stop:
            self._stop()

    def gone(self) -> None:
        """The trial has been given back or deleted: whoever still works on it may stop."""
        self.lost = True
        self._stop()

    def _stop(self) -> None:
        told_before, self.should_stop = self.should_stop, True
        if self.on_stop is not None and not told_before and not self.closed:
            self.on_stop()


def lease_duration_s(trial: trial_pb2.Trial) -> float | None:
    """How long a trial's lease lasts, from two times of the server's one clock; None = for ever."""
    if not trial.HasField("lease_expire_time"):
        return None
    expires, started = trial.lease_expire_time.ToNanoseconds(), trial.start_time.ToNanoseconds()
    return max(_SHORTEST_S, (expires - started) / 1e9)


class Beats:
    """The open leases of a client, by when they are due. Trials that nobody holds any more drop out by themselves."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, weakref.ref[Lease]]] = []
        self._order = itertools.count()

    def add(self, lease: Lease) -> None:
        """Schedules a lease's next renewal; does nothing for a lease that needs none."""
        if lease.due_at is not None:
            heapq.heappush(self._heap, (lease.due_at, next(self._order), weakref.ref(lease)))

    def wait_s(self, now: float) -> float | None:
        """How long nothing is due, in seconds; None = until a lease is added."""
        return max(0.0, self._heap[0][0] - now) if self._heap else None

    def due(self, now: float) -> Lease | None:
        """Takes out a lease that is due now. One that a report has renewed meanwhile is put back."""
        while self._heap and self._heap[0][0] <= now:
            lease = heapq.heappop(self._heap)[2]()
            if lease is None or lease.due_at is None:
                continue
            if lease.due_at > now:
                self.add(lease)
                continue
            return lease
        return None


def renew(lease: Lease) -> Flow[None]:
    """One heartbeat. A failed one is tried again soon, not an interval later."""
    sent_at = time.monotonic()
    interval = (lease.duration_s or 0.0) / BEATS_PER_LEASE
    try:
        answer = yield from call(methods.REPORT, lease.beat(), timeout_s=min(_BEAT_TIMEOUT_S, max(1.0, interval)))
    except NotFound:
        lease.gone()
    except AsktellError as error:
        lease.renewed_at = time.monotonic() - interval + min(interval, _RETRY_S)
        level = logging.DEBUG if lease.failing else logging.WARNING  # an outage is one line, not one per beat
        lease.failing = True
        logger.log(level, "heartbeat of %s failed: %s", lease.name, error)
    else:
        lease.failing = False
        lease.heard(answer, sent_at=sent_at)


def release_all(leases: Iterable[Lease]) -> Flow[None]:
    """Gives trials back when their client closes, as far as the server answers soon.

    Leases without an end stay: their trials belong to a person or a slow lab, who tell them with another client.
    """
    for lease in leases:
        if lease.due_at is None:
            continue
        lease.closed = True
        request = trial_service_pb2.ReleaseTrialRequest(name=lease.name, lease_id=lease.id, request_id=new_request_id())
        try:
            yield from call(methods.RELEASE_TRIAL, request, timeout_s=_RELEASE_TIMEOUT_S)
        except (FailedPrecondition, NotFound):
            continue  # somebody else has ended it
        except AsktellError as error:
            logger.warning("%s was not given back, its lease will run out: %s", lease.name, error)
            return
