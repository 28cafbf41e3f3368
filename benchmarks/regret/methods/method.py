"""What a benchmarked optimiser has to do, and how much processor time it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.regret.case import Configuration, Instance
from benchmarks.regret.score import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to try; `handle` is the optimiser's own name of it."""

    configuration: Configuration
    handle: Any = None


class Optimizer(Protocol):
    """One run of one method, which is told the goals of its instance. Several proposals may be open at once."""

    def ask(self) -> Proposal:
        """The next configuration."""
        ...

    def tell(self, proposal: Proposal, metrics: Metrics) -> None:
        """The observed metrics of an open proposal."""
        ...

    def cpu_s(self) -> float:
        """Processor seconds used so far by every process that works for it."""
        ...


class OwnProcess:
    """For optimisers that work in this process."""

    @staticmethod
    def cpu_s() -> float:
        """Of this process."""
        return time.process_time()


Opener = Callable[[Instance, int], Optimizer]
"""Begins a run: an instance and a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A competitor. `open` holds what all its runs share (a server) for as long as the block lasts.

    `packages` are those whose versions belong to its results; `module` has to be installed. `ours` says that its
    results depend on the engine's source.
    """

    name: str
    title: str
    open: Callable[[], AbstractContextManager[Opener]]
    packages: tuple[str, ...]
    module: str
    ours: bool = False
