"""asktell as a user has it: a server on its embedded store, and the Python client."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import asktell
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint
from benchmarks.regret.case import Instance
from benchmarks.regret.methods.method import Method, Opener, Proposal
from benchmarks.regret.score import Metrics
from benchmarks.server import Server, running

SCRATCH = Path(__file__).resolve().parents[3] / "build"


class ServerRun:
    """A study of its own on the server."""

    def __init__(
        self,
        server: Server,
        client: asktell.Client,
        study: str,
        settings: dict[str, Any],
        instance: Instance,
        seed: int,
    ) -> None:
        self._server = server
        self._study = client.create_study(
            study,
            space=instance.space,
            objectives=[_objective(each) for each in instance.goals.objectives],
            outcome_constraints=[_constraint(each) for each in instance.goals.outcome_constraints],
            seed=seed,
            **settings,
        )

    def ask(self) -> Proposal:
        """One trial."""
        trial = self._study.ask()
        return Proposal(configuration=dict(trial.params), handle=trial)

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """The trial's metrics."""
        proposal.handle.tell(**metrics)

    def cpu_s(self) -> float:
        """Of the client, the server, its workers and its store: what it prepares in advance counts too."""
        return time.process_time() + sum(self._server.usage().cpu_s.values())


def _objective(objective: Objective) -> asktell.Objective:
    make = asktell.Minimize if objective.goal is Goal.MINIMIZE else asktell.Maximize
    return make(objective.metric, reference=objective.reference)


def _constraint(constraint: OutcomeConstraint) -> asktell.OutcomeConstraint:
    make = asktell.AtMost if constraint.goal is Goal.MINIMIZE else asktell.AtLeast
    return make(constraint.metric, constraint.bound)


@contextmanager
def _open(settings: dict[str, Any]) -> Iterator[Opener]:
    SCRATCH.mkdir(exist_ok=True)
    numbers = itertools.count()
    with running(SCRATCH) as server, asktell.Client(server.address) as client:
        yield lambda instance, seed: ServerRun(server, client, f"run-{next(numbers)}", settings, instance, seed)


ASKTELL = Method(
    name="asktell",
    title="asktell",
    open=partial(_open, {}),
    packages=("asktell-server", "asktell", "torch", "botorch"),
    module="asktell_server",
    ours=True,
)


def with_staleness(limit: int) -> Method:
    """asktell with studies that take suggestions prepared up to so many tells ago."""
    return replace(ASKTELL, open=partial(_open, {"max_staleness": limit}))
