"""Trials that a plain HTTP client has asked for: a thread renews their leases until they are told."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import datetime

from tests.conformance.executors.http_calls import Caller, CallError, Json

BEATS_PER_LEASE = 3
_SHORTEST_S = 0.2
_RELEASE_TIMEOUT_S = 3.0


class OpenTrial:
    """A trial as its JSON, and what its client knows of the lease."""

    def __init__(self, caller: Caller, message: Json, *, asked: bool) -> None:
        self.message = message
        self.lease_id: str = message.get("leaseId", "") if asked else ""
        self.should_stop = False
        self.lease_lost = False
        self.superseded = False
        self._caller = caller
        self._ended = threading.Event()
        self.lease_s = _lease_s(message) if asked else None
        if self.lease_s is not None:
            threading.Thread(target=self._beat, args=(self.lease_s,), daemon=True).start()

    def report(self, step: int, metrics: Json) -> None:
        """A report; without metrics a heartbeat. Raises CallError."""
        request_id = {"requestId": str(uuid.uuid4())} if metrics else {}
        body = {"name": self.message["name"], "leaseId": self.message.get("leaseId", ""), "step": str(step)}
        self._heard(self._caller("TrialService/Report", {**body, "metrics": metrics, **request_id}))

    def act(self, method: str, **arguments: object) -> Json:
        """A call that ends the trial here: Tell, CancelTrial, ReleaseTrial. Raises CallError."""
        body = {"name": self.message["name"], "requestId": str(uuid.uuid4()), **arguments}
        answer = self._caller(f"TrialService/{method}", body)
        self._ended.set()
        return answer

    def give_back(self) -> None:
        """What closing the client does to it: nothing for a lease without an end."""
        if self._ended.is_set() or self.lease_s is None or self.lease_lost:
            return
        self._ended.set()
        body = {"name": self.message["name"], "leaseId": self.lease_id, "requestId": str(uuid.uuid4())}
        try:
            self._caller("TrialService/ReleaseTrial", body, timeout_s=_RELEASE_TIMEOUT_S)
        except CallError:
            return  # somebody else has ended it, or its lease will run out

    def _heard(self, answer: Json) -> None:
        self.lease_lost = not answer.get("leaseValid", False)
        self.should_stop = self.should_stop or bool(answer.get("shouldStop"))

    def _beat(self, lease_s: float) -> None:
        interval = max(_SHORTEST_S, lease_s / BEATS_PER_LEASE)
        body = {"name": self.message["name"], "leaseId": self.lease_id}
        due = time.monotonic() + interval
        while not self.lease_lost and not self._ended.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + interval
            try:
                answer = self._caller("TrialService/Report", body, timeout_s=max(1.0, interval))
            except CallError as error:
                if error.code == "not_found":
                    self.lease_lost = self.should_stop = True
            else:
                if not self._ended.is_set():
                    self._heard(answer)


def _lease_s(message: Json) -> float | None:
    """How long the lease lasts, by two times of the server's one clock; None = for ever."""
    if "leaseExpireTime" not in message:
        return None
    expires, started = (datetime.fromisoformat(message[key]) for key in ("leaseExpireTime", "startTime"))
    return (expires - started).total_seconds()
