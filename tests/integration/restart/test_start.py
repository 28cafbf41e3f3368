"""A server that has not started yet: it stops at once when it is told to, and says in a sentence why it cannot start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support.valkey import wait_until

STOP_S = 30.0
"""Ending Valkey and the workers, on a busy machine; loading the model's libraries takes longer there."""
NEVER_LOADED = "import time\ntime.sleep(3600)\n"
"""With this in place of torch no worker becomes warm."""


@contextmanager
def starting(
    directory: Path, environment: Mapping[str, str] | None = None, *flags: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is not waited for; its log is `directory / "log"`."""
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "asktell_server.cli", "serve", "--listen", "127.0.0.1:0", "--workers", "1",
                "--data-dir", str(directory / "data"), *flags,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def with_torch(directory: Path, program: str) -> dict[str, str]:
    """The environment of a server whose workers find this program where they load torch."""
    (directory / "torch.py").write_text(program)
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(directory), os.environ.get("PYTHONPATH"))))}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_during_the_start_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    note = tmp_path / "data" / "valkey.json"
    with starting(tmp_path, with_torch(tmp_path, NEVER_LOADED)) as process:
        wait_until(lambda: note.exists() and note.read_text() != "", what="the start of the store")
        valkey = json.loads(note.read_text())["pid"]
        wait_until(lambda: len(psutil.Process(process.pid).children()) == 2, what="the start of the worker")
        children = psutil.Process(process.pid).children()
        process.send_signal(number)
        assert process.wait(STOP_S) == 0
    log = (tmp_path / "log").read_text()
    assert "stopped before the server was ready" in log
    assert "Traceback" not in log
    assert valkey in [child.pid for child in children]
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    assert not note.exists()


@pytest.mark.parametrize("flag", ["--listen", "--http"])
def test_a_port_that_another_program_has_is_said_before_the_model_is_loaded(tmp_path: Path, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with starting(tmp_path, with_torch(tmp_path, NEVER_LOADED), flag, address) as process:
            assert process.wait(STOP_S) == 1
    assert (tmp_path / "log").read_text() == f"Error: cannot listen on {address}: another program does\n"
    assert not (tmp_path / "data").exists()


def test_workers_that_cannot_start_are_told_of_in_a_sentence(tmp_path: Path) -> None:
    with starting(tmp_path, with_torch(tmp_path, "raise SystemExit(9)\n")) as process:
        assert process.wait(90) == 1
    log = (tmp_path / "log").read_text()
    assert "the model's worker processes do not start: a worker ended with status 9 while it started" in log
    assert "Traceback" not in log
