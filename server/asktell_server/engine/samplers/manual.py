"""Only what a person enqueues."""

from __future__ import annotations

from asktell_server.engine.problem import SuggestResult, SuggestTask


class ManualSampler:
    """Suggests nothing."""

    def needs_model(self, task: SuggestTask) -> bool:
        """Never."""
        return False

    def suggest(self, task: SuggestTask) -> SuggestResult:
        """No suggestions."""
        return SuggestResult(suggestions=())
