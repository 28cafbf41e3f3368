"""A scrambled Sobol sequence over the space."""

from __future__ import annotations

from asktell_server.domain.trial import Origin
from asktell_server.engine.filling import fill
from asktell_server.engine.problem import SuggestResult, SuggestTask


class SobolSampler:
    """Continues one sequence per study."""

    def needs_model(self, task: SuggestTask) -> bool:
        """Never."""
        return False

    def suggest(self, task: SuggestTask) -> SuggestResult:
        """`task.count` suggestions; fewer when the space is exhausted."""
        return SuggestResult(suggestions=fill(task, task.count, origin=Origin.SAMPLER))
