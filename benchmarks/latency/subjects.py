"""The optimisers whose asks are timed: those of the regret benchmark, given a history at once."""

from __future__ import annotations

import contextlib
import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import asktell
from asktell import Float
from benchmarks.hartmann import DIMENSION, Point, hartmann6
from benchmarks.regret.case import LOSS, Configuration, Instance, Space
from benchmarks.regret.methods.asktell_engine import EngineRun
from benchmarks.regret.methods.asktell_server import ServerRun
from benchmarks.regret.methods.ax_client import AxRun
from benchmarks.regret.methods.method import Optimizer, Proposal
from benchmarks.regret.methods.optuna_samplers import OptunaRun
from benchmarks.regret.score import Metrics
from benchmarks.server import running

NAMES = [f"x{index}" for index in range(DIMENSION)]
SPACE: Space = {name: Float(0.0, 1.0) for name in NAMES}
History = Sequence[tuple[Point, float]]
IMPORT_MOST = 1000
"""How many trials one call takes."""
READY_S = 0.5
"""How long a worker trains, in the measurement of suggestions that are ready before they are asked for."""


def configuration(point: Point) -> dict[str, float]:
    """A point of the unit cube as parameters."""
    return dict(zip(NAMES, point, strict=True))


def value(configuration: Configuration) -> float:
    """The objective."""
    return hartmann6([float(configuration[name]) for name in NAMES])


HARTMANN = Instance.of_loss(space=SPACE, objective=value, optimum=None, minimiser=None)


class Subject(Optimizer, Protocol):
    """An optimiser that can be given results from elsewhere."""

    def load(self, history: History) -> None:
        """Takes the results in."""
        ...


class _Engine(EngineRun):
    def load(self, history: History) -> None:
        for point, observed in history:
            self.tell(Proposal(configuration=configuration(point)), {LOSS: observed})


class _Server(ServerRun):
    pause_s = 0.0

    def load(self, history: History) -> None:
        trials = [
            asktell.ImportedTrial(key=str(number), params=configuration(point), metrics={LOSS: observed})
            for number, (point, observed) in enumerate(history)
        ]
        for start in range(0, len(trials), IMPORT_MOST):
            self._study.import_trials(trials[start : start + IMPORT_MOST])

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        super().tell(proposal, metrics)
        time.sleep(self.pause_s)


class _ReadyServer(_Server):
    pause_s = READY_S


class _Optuna(OptunaRun):
    def load(self, history: History) -> None:
        import optuna

        distributions = {name: optuna.distributions.FloatDistribution(0.0, 1.0) for name in NAMES}
        self._study.add_trials(
            [
                optuna.trial.create_trial(params=configuration(point), distributions=distributions, value=observed)
                for point, observed in history
            ]
        )


class _Ax(AxRun):
    def load(self, history: History) -> None:
        for point, observed in history:
            attached = self._client.attach_trial(configuration(point))
            self.tell(Proposal(configuration={}, handle=attached), {LOSS: observed})


Begin = Callable[[int], Subject]
"""A fresh run for a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A subject by name; `repeats` says how many asks are timed after so many results."""

    name: str
    title: str
    open: Callable[[Path], AbstractContextManager[Begin]]
    module: str
    repeats: dict[int, int]


@contextlib.contextmanager
def _engine(_scratch: Path) -> Iterator[Begin]:
    yield lambda seed: _Engine(HARTMANN, seed)


@contextlib.contextmanager
def _server(scratch: Path, family: type[_Server]) -> Iterator[Begin]:
    numbers = itertools.count()
    with running(scratch) as server, asktell.Client(server.address) as client:
        yield lambda seed: family(server, client, f"latency-{next(numbers)}", {}, HARTMANN, seed)


@contextlib.contextmanager
def _optuna(_scratch: Path) -> Iterator[Begin]:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield lambda seed: _Optuna(lambda given: optuna.samplers.GPSampler(seed=given), HARTMANN, seed)


@contextlib.contextmanager
def _ax(_scratch: Path) -> Iterator[Begin]:
    from benchmarks.regret.methods.ax_client import AX

    with AX.open():
        yield lambda seed: _Ax(HARTMANN, seed)


ENGINE = Kind(
    name="engine",
    title="asktell, in the engine",
    open=_engine,
    module="asktell_server",
    repeats={20: 40, 100: 40, 300: 30, 1000: 15, 10_000: 5},
)
SERVER = Kind(
    name="server",
    title="asktell, end to end",
    open=lambda scratch: _server(scratch, _Server),
    module="asktell_server",
    repeats=ENGINE.repeats,
)
READY = Kind(
    name="ready",
    title=f"asktell, end to end, {READY_S} s after the tell",
    open=lambda scratch: _server(scratch, _ReadyServer),
    module="asktell_server",
    repeats={count: min(repeats, 15) for count, repeats in ENGINE.repeats.items()},
)
OPTUNA = Kind(
    name="optuna-gp", title="Optuna GP", open=_optuna, module="optuna", repeats={20: 20, 100: 20, 300: 10, 1000: 4}
)
AX = Kind(name="ax", title="Ax", open=_ax, module="ax", repeats={20: 8, 100: 8, 300: 4, 1000: 1})
KINDS = (ENGINE, SERVER, READY, OPTUNA, AX)
