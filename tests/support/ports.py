"""Ports for what a test starts, and starts again where it was."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket

_PORTS_OF_A_PROCESS = 5_000
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and below those that the system gives to outgoing connections.

    Between this look and the server's start, or while the server is down, somebody else could take it: so no port is
    given twice, and each test process (of up to four) has ports of its own. Port 0 would give one out of those that any
    connection may get as soon as the server is down.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    first = 12_000 + int(worker) % 4 * _PORTS_OF_A_PROCESS
    while True:
        # Not `random`: hypothesis seeds it, alike in all test processes.
        port = first + secrets.randbelow(_PORTS_OF_A_PROCESS)
        if port in _given:
            continue
        _given.add(port)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
