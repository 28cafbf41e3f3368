"""Commands on a terminal of their own, of a given size."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE_S = 60.0
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_terminal(
    command: Sequence[str],
    *,
    width: int,
    height: int = 24,
    directory: Path,
    environment: Mapping[str, str],
    interrupt_at: str = "",
) -> tuple[int, str]:
    """Runs a command on a new pseudo-terminal to its end; returns its exit status and what it wrote, without colours.

    `interrupt_at`: Ctrl-C is pressed once this has been written.
    """
    control, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
    own = {name: value for name, value in environment.items() if name not in {"COLUMNS", "LINES", "NO_COLOR", "LESS"}}
    try:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**own, "TERM": "xterm"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
    finally:
        os.close(terminal)
    shown, wanted = b"", interrupt_at.encode()
    try:
        while piece := os.read(control, 65536):
            shown += piece
            if wanted and wanted in shown:
                process.send_signal(signal.SIGINT)
                wanted = b""
    except OSError:  # how Linux reports that the other end was closed
        pass
    finally:
        os.close(control)
    code = process.wait(timeout=_PATIENCE_S)
    return code, _CONTROLS.sub("", shown.decode()).replace("\r\n", "\n")


def asktell_command(*arguments: str) -> list[str]:
    """The command line `asktell` of this environment."""
    return [sys.executable, "-m", "asktell", *arguments]
