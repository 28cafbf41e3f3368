"""A child process with its output read to the end, and a certain end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from asktell.cli.running.usage import Usage, reap

GRACE_S = 5.0
"""How long a child has to end after SIGTERM before it is killed."""

_TAIL_LINES = 20
_LONGEST_LINE = 64 * 1024
_DRAIN_S = 30.0


class Child:
    """A command running in a process group of its own, so that Ctrl-C and SIGTERM reach it only through us."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        log_path: Path,
        on_line: Callable[[str], str | None],
        on_text: Callable[[str], None],
    ) -> None:
        """Starts the command.

        `on_line` gets every line of stdout and returns what of it is mere text. Text and stderr go to the log and to
        `on_text`. Raises OSError: the command cannot be started.
        """
        self._on_line = on_line
        self._on_text = on_text
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._write_lock = threading.Lock()
        self._kill_timer: threading.Timer | None = None
        self.stopped_because: str | None = None
        self._started_at = time.monotonic()
        self.usage = Usage(duration_s=0.0)
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            list(command),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        self._log = log_path.open("a", encoding="utf-8")
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read, args=(self._process.stdout, self._take_line), daemon=True),
            threading.Thread(target=self._read, args=(self._process.stderr, self._take_error), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def wait(self, timeout_s: float | None = None) -> int:
        """Waits for the end of the command and of its output; returns the exit status, negative for a signal.

        `usage` then says what it took.
        """
        overdue = None
        if timeout_s is not None:
            reason = f"timed out after {timeout_s:g} s"
            overdue = threading.Timer(min(timeout_s, threading.TIMEOUT_MAX), self.terminate, [reason])
            overdue.daemon = True
            overdue.start()
        self.usage = reap(self._process, self._started_at)
        if overdue is not None:
            overdue.cancel()
            overdue.join()
        if self.stopped_because is not None:
            self._signal(_KILL)  # the command has ended; what it left behind in its group would hold its output open
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        for reader in self._readers:
            reader.join(_DRAIN_S)  # a grandchild that moved to another session may hold a pipe open for ever
        with self._write_lock:
            self._log.close()
        return self._process.returncode

    def terminate(self, reason: str) -> None:
        """Asks the process group to end, and kills it after a grace period. The first reason given is kept."""
        if self.stopped_because is not None:
            return
        self.stopped_because = reason
        self._kill_timer = threading.Timer(GRACE_S, self.kill)
        self._kill_timer.daemon = True
        self._kill_timer.start()
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the process group at once."""
        self.stopped_because = self.stopped_because or "killed"
        self._signal(_KILL)

    @property
    def last_errors(self) -> str:
        """The last lines of stderr."""
        return "\n".join(self._tail)

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, number)
            elif self._process.poll() is None:
                self._process.terminate()

    def _read(self, stream: IO[str], take: Callable[[str], None]) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                take(line.rstrip("\r\n"))

    def _take_line(self, line: str) -> None:
        text = self._on_line(line)
        if text is not None:
            self._write(text)

    def _take_error(self, line: str) -> None:
        if line.strip():
            self._tail.append(line)
        self._write(line)

    def _write(self, line: str) -> None:
        with self._write_lock:
            if not self._log.closed:
                self._log.write(line + "\n")
                self._log.flush()
        self._on_text(line)


_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def ending(status: int) -> str:
    """An exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
