"""A scrambled Sobol sequence over the space."""

from __future__ import annotations

from asktell_server.domain.trial import Origin
from asktell_server.engine.filling import fill
from asktell_server.engine.problem import StudyTask, SuggestResult


class SobolSampler:
    """Continues one sequence per study."""

    def __init__(self, origin: Origin = Origin.SAMPLER) -> None:
        """Takes the origin of its suggestions."""
        self._origin = origin

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """Never."""
        return False

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """`count` suggestions; fewer when the space is exhausted."""
        return SuggestResult(suggestions=fill(task, count, origin=self._origin))
