"""What should be tried next?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from asktell_server.engine.novelty import room
from asktell_server.engine.problem import StudyTask, SuggestResult
from asktell_server.engine.samplers import filling_for, sampler_for

_QUICK = 30_000
"""Values of parameters that are compared or drawn in a quick task, about: 0.3 ms in a continuum, 2 ms in a finite space.
In a thread of its own it would wait for the interpreter's lock, up to 5 ms on a busy server."""
_DRAWING = 50
"""Times as long as comparing with a configuration that drawing one takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestTask(StudyTask):
    """Asks for `count` suggestions. Never fails because of a model."""

    count: int = 1

    def needs_model(self) -> bool:
        """See Task."""
        count = self._within_room()
        return count > 0 and sampler_for(self.problem).needs_model(self, count)

    def is_quick(self) -> bool:
        """See Task."""
        if self.problem.space.parameter_constraints:  # to find out what keeps them takes longer, once
            return False
        compared = 0 if self.history.is_indexed and self.region.count is None else len(self.history)
        configurations = compared + len(self.pending) + _DRAWING * self.count
        return configurations * len(self.problem.space.parameters) <= _QUICK

    def run(self) -> SuggestResult:
        """`count` suggestions; fewer only when the space, or its grid, is exhausted."""
        count = self._within_room()
        if not count:
            return SuggestResult(suggestions=(), warm_start=self.warm_start)
        return sampler_for(self.problem).suggest(self, count)

    def fallback(self, reason: str) -> SuggestResult:
        """Space-filling suggestions."""
        filling = filling_for(self.problem).suggest(self, self.count)
        return dataclasses.replace(filling, warm_start=self.warm_start, fallback_reason=reason)

    def is_exhausted(self) -> bool:
        """There is nothing left to suggest; answered without a model."""
        return not self._within_room() or (not self.needs_model() and not self.run().suggestions)

    def _within_room(self) -> int:
        """`count`, or as many as the space has room for."""
        left = room(self, self.count)
        return self.count if left is None else max(0, min(left, self.count))
