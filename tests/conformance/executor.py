"""An executor process, from the runner's side."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from tests.conformance import schema
from tests.conformance.framing import read_frame, write_frame
from tests.conformance.languages import ROOT

ANSWER_S = 90.0
"""Longer than any action of the corpus takes."""


class ExecutorError(Exception):
    """The executor ended, or did not answer."""


class Executor:
    """One process; `ask` sends an action and waits for what came of it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASKTELL_")}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 # closed by close()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=ROOT,
            env={**inherited, **environment},
            start_new_session=True,  # Ctrl-C is for the runner, which then ends its executors
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin: Any = self._process.stdin
        self._answers: queue.SimpleQueue[bytes | Exception | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stdout: BinaryIO) -> None:
        try:
            while (payload := read_frame(stdout)) is not None:
                self._answers.put(payload)
        except (EOFError, OSError, ValueError) as error:
            self._answers.put(error)
        self._answers.put(None)

    @property
    def alive(self) -> bool:
        """It can be given actions."""
        return self._process.poll() is None

    def send(self, action: Any) -> None:
        """Starts an action. Raises ExecutorError."""
        try:
            write_frame(self._stdin, action.SerializeToString())
        except OSError as error:
            raise ExecutorError(f"the executor takes no more actions: {error}{self.log()}") from None

    def receive(self) -> Any:
        """What came of the action (a Result). Raises ExecutorError; the process is gone then."""
        try:
            payload = self._answers.get(timeout=ANSWER_S)
        except queue.Empty:
            payload = TimeoutError(f"no answer within {ANSWER_S:.0f} s")
        if isinstance(payload, bytes):
            return schema.Result.FromString(payload)
        self.kill()
        raise ExecutorError(f"the executor ended: {payload or 'no answer'}{self.log()}")

    def log(self) -> str:
        """The end of what it wrote to stderr."""
        self._log.seek(0)
        text = self._log.read().decode(errors="replace").strip()
        return f"\n    stderr: …{text[-2000:]}" if text else ""

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        """Lets it end by itself, and sees to it that it does."""
        with contextlib.suppress(OSError):  # it was gone before
            self._stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join(10)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
