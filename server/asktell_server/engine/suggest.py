"""The engine's entry: a task in, suggestions out. Pure: no clock, no network, no state."""

from __future__ import annotations

from asktell_server.engine.problem import SuggestResult, SuggestTask
from asktell_server.engine.samplers import sampler_for


def suggest(task: SuggestTask) -> SuggestResult:
    """The same suggestions for the same task, in any process; never fails because of a model."""
    return sampler_for(task).suggest(task)


def needs_model(task: SuggestTask) -> bool:
    """Answering takes torch; tasks that do not need it are answered within about a millisecond."""
    return sampler_for(task).needs_model(task)
