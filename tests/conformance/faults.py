"""What goes wrong when: the plan that a case gives a fault proxy, and what the proxy has seen."""

from __future__ import annotations

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A call that came to a proxy: the method's short name, the request as it came, and when (monotonic seconds)."""

    method: str
    request: bytes
    at: float


class FaultPlan:
    """Shared by the proxy's event loop and the runner's thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._faults: dict[str, deque[Any]] = defaultdict(deque)
        self._for_ever: dict[str, Any] = {}
        self._seen: list[SeenCall] = []

    def clear(self) -> None:
        """Nothing goes wrong any more, and nothing has been seen."""
        with self._changed:
            self._faults.clear()
            self._for_ever.clear()
            self._seen.clear()

    def set(self, method: str, faults: Iterable[Any], *, for_ever: bool) -> None:
        """`faults` (messages `Fault`) for the next calls of the method; the last for all after it if `for_ever`."""
        listed = deque(faults)
        with self._changed:
            self._for_ever.pop(method, None)
            if for_ever:
                self._for_ever[method] = listed.pop()
            self._faults[method] = listed

    def meet(self, method: str, request: bytes) -> Any | None:
        """Takes note of a call and returns its fault; None = forward it."""
        with self._changed:
            self._seen.append(SeenCall(method, request, time.monotonic()))
            self._changed.notify_all()
            planned = self._faults[method]
            fault = planned.popleft() if planned else self._for_ever.get(method)
        return None if fault is None or fault.WhichOneof("kind") == "pass" else fault

    def calls(self, method: str) -> list[SeenCall]:
        """The calls of a method so far."""
        with self._changed:
            return [call for call in self._seen if call.method == method]

    def wait_for_calls(self, method: str, count: int) -> bool:
        """Waits until so many calls of the method have come; False = they did not within WAIT_S."""
        deadline = time.monotonic() + WAIT_S
        with self._changed:
            while sum(call.method == method for call in self._seen) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True
