"""asktell as a user has it: a server on its embedded store, and the Python client."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import asktell
from benchmarks.regret.case import Instance
from benchmarks.regret.methods.method import Method, Opener, Proposal
from benchmarks.server import Server, running

SCRATCH = Path(__file__).resolve().parents[3] / "build"


class ServerRun:
    """A study of its own on the server."""

    def __init__(
        self, server: Server, client: asktell.Client, names: Iterator[str], instance: Instance, seed: int
    ) -> None:
        self._server = server
        self._study = client.create_study(
            next(names), space=instance.space, objectives=asktell.Minimize("loss"), seed=seed
        )

    def ask(self) -> Proposal:
        """One trial."""
        trial = self._study.ask()
        return Proposal(configuration=dict(trial.params), handle=trial)

    def tell(self, proposal: Proposal, value: float) -> None:
        """The trial's value."""
        proposal.handle.tell(loss=value)

    def cpu_s(self) -> float:
        """Of the client, the server, its workers and its store: what it prepares in advance counts too."""
        return time.process_time() + sum(self._server.usage().cpu_s.values())


@contextmanager
def _open() -> Iterator[Opener]:
    SCRATCH.mkdir(exist_ok=True)
    with running(SCRATCH) as server, asktell.Client(server.address) as client:
        yield partial(ServerRun, server, client, (f"run-{number}" for number in itertools.count()))


ASKTELL = Method(
    name="asktell",
    title="asktell",
    open=_open,
    packages=("asktell-server", "asktell", "torch", "botorch"),
    module="asktell_server",
    ours=True,
)
