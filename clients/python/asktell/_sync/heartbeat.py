"""One thread that renews all open leases of a client."""

from __future__ import annotations

import logging
import threading
import time

from asktell._core.leases import Beats, Lease, renew
from asktell._sync.transport import FlowRunner

logger = logging.getLogger("asktell")


class HeartbeatThread:
    """Renews the open leases of a client. The thread starts with the first lease and ends with `stop`."""

    def __init__(self, transport: FlowRunner) -> None:
        self._transport = transport
        self._beats = Beats()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def add(self, lease: Lease) -> None:
        """Keeps a lease renewed from now on, as long as somebody holds on to it."""
        if lease.due_at is None:
            return
        with self._changed:
            self._beats.add(lease)
            if self._thread is None and not self._stopping:
                # A daemon, so that a program that forgets to close its client still ends.
                self._thread = threading.Thread(target=self._run, name="asktell-heartbeat", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """Ends the thread, waiting for a heartbeat in flight."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while (lease := self._next()) is not None:
            try:
                self._transport.run(renew(lease))
            except Exception:
                if self._stopping:
                    return
                logger.exception("heartbeat of %s failed", lease.name)
            with self._changed:
                self._beats.add(lease)
            del lease  # or this thread alone would keep a dropped trial alive

    def _next(self) -> Lease | None:
        with self._changed:
            while not self._stopping:
                now = time.monotonic()
                lease = self._beats.due(now)
                if lease is not None:
                    return lease
                self._changed.wait(self._beats.wait_s(now))
            return None
