"""The server under test: a real process on its embedded store, and what it and its children use."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0
MIB = 2**20
FORK_SERVER = "asktell_server.engine.workers.fork_server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """By process (`server`, `worker 1`, …, `store`): resident memory in MiB, and processor seconds so far."""

    rss_mib: dict[str, float]
    cpu_s: dict[str, float]

    @property
    def workers_cpu_s(self) -> float:
        """Processor seconds of all workers."""
        return sum(seconds for name, seconds in self.cpu_s.items() if name.startswith("worker"))


class Server:
    """`asktell-server serve` with its defaults: embedded store, every change on disk before it is acknowledged.

    `workers` is for sections that are about their number.
    """

    def __init__(self, directory: Path, *, workers: int | None = None) -> None:
        self.directory = directory
        self.log_path = directory / "server.log"
        self._workers = workers
        self._launch()

    def _launch(self) -> None:
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "asktell_server.cli", "serve", "--listen", "127.0.0.1:0"]
        command += ["--ready-file", str(ready), "--data-dir", str(self.directory / "data")]
        if self._workers is not None:
            command += ["--workers", str(self._workers)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not start:\n{self.log_path.read_text()}")
            time.sleep(0.05)
        self.address = ready.read_text().strip()
        self._processes = dict(self._find_processes())

    def restart(self) -> None:
        """Stops the server and starts another one on the same data; the address changes."""
        self.stop()
        self._launch()

    def _find_processes(self) -> Iterator[tuple[str, psutil.Process]]:
        server = psutil.Process(self._process.pid)
        yield "server", server
        children = server.children()
        (forks,) = (child for child in children if FORK_SERVER in child.cmdline())
        yield "fork server", forks
        workers = sorted(forks.children(), key=lambda child: child.pid)
        yield from ((f"worker {number}", worker) for number, worker in enumerate(workers, 1))
        yield from (("store", child) for child in children if "valkey" in child.name())

    @property
    def store_socket(self) -> str:
        """Where the embedded store listens; its process says so in its title."""
        return next(part for part in self._processes["store"].cmdline() if part.startswith("unixsocket:"))[11:]

    def shares_mib(self) -> dict[str, float]:
        """By process: its proportional share of memory (PSS); what n processes share counts a nth for each."""
        return {name: process.memory_full_info().pss / MIB for name, process in self._processes.items()}

    def usage(self) -> Usage:
        """What each process uses now."""
        times = {name: process.cpu_times() for name, process in self._processes.items()}
        return Usage(
            rss_mib={name: process.memory_info().rss / MIB for name, process in self._processes.items()},
            cpu_s={name: spent.user + spent.system for name, spent in times.items()},
        )

    def stop(self) -> None:
        """Ends the server in good order, by force when it takes too long."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def running(scratch: Path, *, workers: int | None = None) -> Iterator[Server]:
    """A fresh server for the length of a block; its data is below `scratch` and goes with it."""
    with TemporaryDirectory(dir=scratch, prefix="bench-") as directory:
        server = Server(Path(directory), workers=workers)
        try:
            yield server
        finally:
            server.stop()
