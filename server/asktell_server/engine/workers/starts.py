"""How workers are started: forked from a process that has loaded everything, or each as a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import Protocol

import asktell_server
from asktell_server.engine.workers.forks import Forks
from asktell_server.engine.workers.messages import receive
from asktell_server.engine.workers.process import WorkerError, WorkerProcess
from asktell_server.processes import EXIT_S, ConnectedChild, PipedChild, end, spawn_connected, spawn_piped

log = logging.getLogger(__name__)

CAN_FORK = sys.platform == "linux"
"""Elsewhere the libraries below torch may not be used after a fork."""
WORKER = "asktell_server.engine.workers.worker"
FORK_SERVER = "asktell_server.engine.workers.fork_server"
_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class WorkerSource(Protocol):
    """Whatever starts workers."""

    async def worker(self) -> WorkerProcess:
        """Starts a process and returns when it is warm, however long that takes; log lines say so now and then.

        Raises:
            WorkerError: it ended. OSError: it cannot be started.
        """
        ...

    async def close(self) -> None:
        """Ends what was started beside the workers, which have ended."""
        ...


def worker_source(*, fork: bool, notice_s: float) -> WorkerSource:
    """Starts workers by forks, or each as a process of its own. A line is logged every `notice_s` while one loads."""
    return _Forking(notice_s) if fork else _Spawning(notice_s)


class _Spawning:
    def __init__(self, notice_s: float) -> None:
        self._notice_s = notice_s

    async def worker(self) -> WorkerProcess:
        """See WorkerSource."""
        child = await spawn_piped(_command(WORKER), environment=_environment())
        await _until_warm(child, self._notice_s)
        return WorkerProcess(child)

    async def close(self) -> None:
        """See WorkerSource."""


class _Forking:
    """Forks from one process, which is started with the first worker, and again when it has died."""

    def __init__(self, notice_s: float) -> None:
        self._notice_s = notice_s
        self._starting = asyncio.Lock()
        self._forks: Forks | None = None

    async def worker(self) -> WorkerProcess:
        """See WorkerSource."""
        async with self._starting:
            if self._forks is None or not self._forks.alive:
                await self.close()
                child = await spawn_connected(_command(FORK_SERVER), environment=_environment())
                await _until_warm(child, self._notice_s)
                self._forks = Forks(child)
        return WorkerProcess(await self._forks.fork())

    async def close(self) -> None:
        """See WorkerSource."""
        if self._forks is not None:
            await self._forks.close()
            self._forks = None


async def _until_warm(child: PipedChild | ConnectedChild, notice_s: float) -> None:
    """Waits for the first message; where none comes, the process is ended."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    receiving = asyncio.create_task(receive(child.stdout))
    try:
        while not (await asyncio.wait((receiving,), timeout=notice_s))[0]:
            waited_s = loop.time() - began
            log.warning(
                "process %d still loads the model's libraries after %.3g s; waiting for it", child.pid, waited_s
            )
        receiving.result()
    except EOFError:
        await end(child, grace_s=EXIT_S)
        raise WorkerError(f"a worker ended with status {child.returncode} while it started") from None
    except BaseException:
        await end(child, grace_s=0)
        raise
    finally:
        receiving.cancel()


def _command(module: str) -> list[str]:
    """The interpreter's arguments. -P: a file called torch.py in the directory where the server was started is not torch."""
    return [sys.executable, "-P", "-m", module, str(os.getpid())]


def _environment() -> dict[str, str]:
    """This process's environment, one thread for each library, and this very package first on the path."""
    package = str(Path(asktell_server.__file__).parents[1])
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    return {**os.environ, **dict.fromkeys(_ONE_THREAD, "1"), "PYTHONPATH": path}
