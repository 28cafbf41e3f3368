"""Ctrl-C ends every command that waits for something with a word, never with a traceback."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("health", "{address}", "--timeout", "60"),
        ("reindex", "--store", "redis://{address}"),
        ("explain", "study/1", "--store", "redis://{address}"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_is_interrupted_says_so(arguments: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it is connected to, and never answers
        silent.settimeout(60)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-m", "asktell_server.cli", *(each.format(address=address) for each in arguments)]
        running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        connection, _ = silent.accept()
        with connection:
            running.send_signal(signal.SIGINT)
            output, _ = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in output) == (1, False), output
