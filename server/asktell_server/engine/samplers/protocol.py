"""What every sampler does."""

from __future__ import annotations

from typing import Protocol

from asktell_server.engine.problem import SuggestResult, SuggestTask


class Sampler(Protocol):
    """Turns a task into suggestions, always the same ones for the same task."""

    def needs_model(self, task: SuggestTask) -> bool:
        """This task is work for a process that has torch; otherwise `suggest` takes about a millisecond."""
        ...

    def suggest(self, task: SuggestTask) -> SuggestResult:
        """Suggests; never fails because of a model."""
        ...
