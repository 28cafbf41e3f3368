"""The engine's entry: a task in, suggestions out. Pure: no clock, no network, no state."""

from __future__ import annotations

import dataclasses

from asktell_server.engine.novelty import room
from asktell_server.engine.problem import SuggestResult, SuggestTask
from asktell_server.engine.samplers import sampler_for


def suggest(task: SuggestTask) -> SuggestResult:
    """The same suggestions for the same task, in any process; never fails because of a model.

    Fewer than asked for only when the space, or its grid, is exhausted.
    """
    task = _within_room(task)
    if not task.count:
        return SuggestResult(suggestions=(), warm_start=task.warm_start)
    return sampler_for(task).suggest(task)


def needs_model(task: SuggestTask) -> bool:
    """Answering takes torch; tasks that do not need it are answered within about a millisecond."""
    task = _within_room(task)
    return task.count > 0 and sampler_for(task).needs_model(task)


def _within_room(task: SuggestTask) -> SuggestTask:
    """No more suggestions than the space has room for."""
    left = room(task)
    return task if left is None or left >= task.count else dataclasses.replace(task, count=max(0, left))
