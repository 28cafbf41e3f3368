"""What a command took: time, processor time, memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # getrusage(2) of either
_NOISE = 1.05
"""Kernels count memory in batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a command and those of its descendants that were waited for took; None = it cannot be told.

    Attributes:
        duration_s: from its start to its end.
        cpu_s: processor time, of all processes together.
        peak_memory_bytes: the most that one of the processes held at once, in main memory.
    """

    duration_s: float
    cpu_s: float | None = None
    peak_memory_bytes: int | None = None


def reap(process: subprocess.Popen[str], started_at: float) -> Usage:
    """Waits for the process and sets its return code. `started_at`: of time.monotonic().

    `wait4` is the only one that tells of this child alone: what `resource` says of children is the most of all of them.
    """
    if not hasattr(os, "wait4"):
        process.wait()
        return Usage(duration_s=time.monotonic() - started_at)
    try:
        _, status, used = os.wait4(process.pid, 0)
    except ChildProcessError:  # somebody made the system reap children by itself: SIGCHLD is ignored
        process.wait()
        return Usage(duration_s=time.monotonic() - started_at)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(
        duration_s=time.monotonic() - started_at,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_memory_bytes=_above_floor(used.ru_maxrss * _MAXRSS_BYTES),
    )


def _above_floor(peak_bytes: int) -> int | None:
    """Linux counts to a new process the peak of the one that started it, this one: a lower peak cannot be told."""
    try:
        own = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:  # no Linux
        own = None
    return peak_bytes if own is None or peak_bytes > int(own[1]) * 1024 * _NOISE else None
