"""The process that workers are forked from: what it cannot do, or no longer does, harms nobody else. It has loaded nothing here."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from asktell_server.engine.workers.forks import Forks
from asktell_server.engine.workers.messages import receive
from asktell_server.engine.workers.process import WorkerDied, WorkerError
from asktell_server.processes import ConnectedChild, spawn_connected

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are not forked here")

_PROGRAM = """
import errno, os, sys
from asktell_server.engine.workers import fork_server

def fork():
    if os.path.exists(sys.argv[2]):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    return forks()

forks, os.fork = os.fork, fork
fork_server.warm_up = lambda: None
fork_server.main()
"""


@asynccontextmanager
async def _forks(full: Path, *, patience_s: float = 60.0) -> AsyncIterator[tuple[Forks, ConnectedChild]]:
    """Forks, and the process that is forked; there is no memory for more while `full` exists."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = await spawn_connected(
        [sys.executable, "-P", "-c", _PROGRAM, str(os.getpid()), str(full)], environment=environment
    )
    await receive(child.stdout)
    forks = Forks(child, patience_s=patience_s)
    try:
        yield forks, child
    finally:
        child.kill()
        await forks.close()


async def test_where_no_process_can_be_forked_the_others_go_on(tmp_path: Path) -> None:
    full = tmp_path / "full"
    async with _forks(full) as (forks, _):
        first = await forks.fork()
        full.touch()
        with pytest.raises(WorkerError, match=r"no process could be forked: .*memory"):
            await forks.fork()
        full.unlink()
        second = await forks.fork()
        assert first.pid != second.pid
        assert (first.returncode, second.returncode) == (None, None)
        first.kill()
        assert await first.wait() == -signal.SIGKILL
        for each in (first, second):
            each.stdin.close()


async def test_a_process_that_hangs_is_ended_with_its_workers(tmp_path: Path) -> None:
    async with _forks(tmp_path / "full") as (forks, child):
        worker = await forks.fork()
        forks.patience_s = 0.2  # from now on: to fork it may have taken longer
        os.kill(child.pid, signal.SIGSTOP)
        worker.kill()
        assert await worker.wait() == -signal.SIGKILL
        worker.stdin.close()
    async with _forks(tmp_path / "full", patience_s=0.2) as (forks, child):
        os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(WorkerDied):
            await forks.fork()
        assert not forks.alive
