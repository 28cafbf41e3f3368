"""The command `asktell` before its libraries are loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.scripted_server import ScriptedServer

START = "import asktell_command; asktell_command.main()"
"""What the console script does."""


def test_an_interrupt_while_libraries_are_loaded_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "grpc.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    ended = subprocess.run([sys.executable, "-c", START], env=environment, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "interrupted\n")


def test_the_command_runs() -> None:
    ended = subprocess.run([sys.executable, "-c", START, "--version"], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("asktell, version ")


def test_a_server_without_tls_is_told_in_one_line(scripted: ScriptedServer) -> None:
    command = [sys.executable, "-c", START, "--address", scripted.address, "--tls", "trials", "s"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (5, "")
    assert ended.stderr == (
        f"error: no server answers at {scripted.address}: is asktell-server running there, with TLS and a certificate"
        " that is trusted here? (another server: --address or ASKTELL_ADDRESS)\n"
    )
