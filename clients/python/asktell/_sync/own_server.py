"""A server of the program's own: started with it, on this machine alone, and ended with it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

START_TIMEOUT_S = 180.0
"""A server loads torch before it is ready, which takes a while on a busy machine."""
STOP_TIMEOUT_S = 60.0
_POLL_S = 0.02
_SHOWN_CHARS = 2000


class OwnServer:
    """`asktell-server serve` in a process of its own, with a port and a token that nobody else knows.

    It ends when this process does, however that ends.
    """

    def __init__(self, data_dir: Path | None) -> None:
        """`data_dir`: of the embedded store; None = a temporary directory, which goes with the server.

        Raises:
            ModuleNotFoundError: the package asktell-server is not installed.
        """
        if find_spec("asktell_server") is None:
            raise ModuleNotFoundError(
                "to tune without a server of yours the package asktell-server is needed, and it is not installed: "
                "pip install asktell-server, or give the address of a server",
                name="asktell_server",
            )
        self._scratch = TemporaryDirectory(prefix="asktell-", ignore_cleanup_errors=True)
        self._data_dir = Path(self._scratch.name) / "data" if data_dir is None else data_dir
        self._process: subprocess.Popen[bytes] | None = None
        self.token = secrets.token_urlsafe(32)
        self.address = ""

    def __enter__(self) -> Self:
        """Starts it, and waits until it is ready. Raises RuntimeError: it cannot start, with what it said."""
        scratch = Path(self._scratch.name)
        ready, log = scratch / "ready", scratch / "log"
        command = [sys.executable, "-m", "asktell_server.cli", "serve", "--listen", "127.0.0.1:0", "--until-eof"]
        command += ["--data-dir", str(self._data_dir), "--ready-file", str(ready), "--log-level", "warning"]
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=file,
                env={**os.environ, "ASKTELL_TOKEN": self.token, "ASKTELL_STORE": ""},
                start_new_session=True,  # Ctrl-C is for the program, which tells its results before the server goes
            )
        try:
            _wait_until_ready(self._process, ready, log)
        except BaseException:
            self._stop()
            raise
        self.address = ready.read_text().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        process = self._process
        assert process is not None, "it was started"
        assert process.stdin is not None, "it is a pipe"
        process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._scratch.cleanup()


def _wait_until_ready(process: subprocess.Popen[bytes], ready: Path, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace").rpartition("Error: ")[2].strip()[-_SHOWN_CHARS:]
            raise RuntimeError(f"the server did not start: {said or 'it said nothing'}")
        time.sleep(_POLL_S)
