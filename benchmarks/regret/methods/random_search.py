"""Uniform random search."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmarks.regret.case import Instance
from benchmarks.regret.drawing import draw
from benchmarks.regret.methods.method import Method, Opener, OwnProcess, Proposal
from benchmarks.regret.score import Metrics

_STREAM = 0x72616E64


class RandomSearch(OwnProcess):
    """Independent draws."""

    def __init__(self, instance: Instance, seed: int) -> None:
        self._space = instance.space
        # A stream of its own: the instance draws where its optimum lies from the same seed.
        self._generator = np.random.default_rng([_STREAM, seed])

    def ask(self) -> Proposal:
        """A draw."""
        return Proposal(configuration=draw(self._space, self._generator))

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """Nothing is learnt."""


@contextmanager
def _open() -> Iterator[Opener]:
    yield RandomSearch


RANDOM = Method(name="random", title="random", open=_open, packages=("numpy",), module="numpy")
