"""Only what a person enqueues."""

from __future__ import annotations

from asktell_server.engine.problem import StudyTask, SuggestResult


class ManualSampler:
    """Suggests nothing."""

    def needs_model(self, task: StudyTask, count: int) -> bool:
        """Never."""
        return False

    def suggest(self, task: StudyTask, count: int) -> SuggestResult:
        """No suggestions."""
        return SuggestResult(suggestions=())
