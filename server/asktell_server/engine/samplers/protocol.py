"""What every sampler does."""

from __future__ import annotations

from typing import Protocol

from asktell_server.engine.problem import StudyTask, SuggestResult


class Sampler(Protocol):
    """Suggests configurations, always the same ones for the same task and count."""

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """This is work for a process that has torch; otherwise `suggest` takes about a millisecond."""
        ...

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """`count` suggestions, fewer when the space, or its grid, is exhausted; never fails because of a model."""
        ...
