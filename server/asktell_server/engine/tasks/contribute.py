"""What does each trial of a Pareto front alone add to the hypervolume?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from asktell_server.domain import pareto
from asktell_server.engine.task import Answer, NoAnswer

_LARGE = 10_000
"""Costs that are packed within a millisecond or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contributions(Answer):
    """The volumes (n), in the order of the costs."""

    volumes: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionTask:
    """Asks for the contributions of costs (n x m) up to a reference (m). No model, and work for a worker all the same: with five or
    six costs it may take seconds.
    """

    costs: tuple[tuple[float, ...], ...]
    reference: tuple[float, ...]

    @property
    def size(self) -> int:
        """How many numbers the task and its answer hold."""
        return len(self.costs) * (len(self.reference) + 1)

    def needs_model(self) -> bool:
        """See Task."""
        return True

    def is_quick(self) -> bool:
        """See Task."""
        return False

    def is_large(self) -> bool:
        """See Task."""
        return self.size > _LARGE

    def run(self) -> Contributions:
        """The volumes."""
        volumes = pareto.contributions(np.array(self.costs), np.array(self.reference))
        return Contributions(volumes=tuple(volumes.tolist()))

    def fallback(self, reason: str) -> Contributions:
        """Raises NoAnswer: whoever needs it asks again."""
        raise NoAnswer(reason)
