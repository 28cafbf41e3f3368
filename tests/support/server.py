"""Real server processes for tests: started, killed and restarted for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.ports import free_port

START_TIMEOUT_S = 90.0
"""Importing torch on a busy machine takes a while."""


class ServerProcess:
    """`asktell-server serve`, or another command that serves, in a process of its own, ready when the constructor returns.

    `store` is a URL; without it the server runs its embedded store in `directory / "data"`. The port is chosen once
    and kept by `restart`, so that clients find the server again.
    """

    def __init__(
        self,
        directory: Path,
        *,
        store: str | None = None,
        stateless: bool = False,
        command: str = "serve",
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.data_dir = directory / "data"
        self.log_path = directory / "server.log"
        directory.mkdir(parents=True, exist_ok=True)
        self._ready_file = directory / "ready"
        self._command = command
        self._store = (
            ["--stateless"] if stateless else ["--store", store] if store else ["--data-dir", str(self.data_dir)]
        )
        if command != "serve":
            self._store = []
        self._arguments = list(arguments)
        self._environment = {**os.environ, "ASKTELL_TOKEN": "", **(environment or {})}
        self.address = f"127.0.0.1:{free_port()}"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._ready_file.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "asktell_server.cli", self._command, "--listen", self.address,
                    "--ready-file", str(self._ready_file), "--workers", "1", *self._store, *self._arguments,
                ],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self._environment,
                start_new_session=True,
            )  # fmt: skip
        self.process = process
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready_file.exists():
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server was not ready within {START_TIMEOUT_S} s:\n{self.log()}")
            time.sleep(0.02)  # polls for the file, with a deadline
        self.address = self._ready_file.read_text().strip()
        return process

    @property
    def pid(self) -> int:
        """Process id of the server itself."""
        return self.process.pid

    def log(self) -> str:
        """Everything the server has logged."""
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        """kill -9: no clean-up of any kind. Its store and workers are left to themselves."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(timeout=30)

    def terminate(self, *, timeout_s: float = 60.0) -> int:
        """SIGTERM, and waits for the clean end; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=timeout_s)

    def restart(self) -> None:
        """Starts the server again on the same address, after `kill` or `terminate`."""
        assert self.process.poll() is not None, "still running"
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.terminate()
        except subprocess.TimeoutExpired:
            self.kill()
