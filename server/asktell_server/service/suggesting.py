"""Suggest: the stateless door. Problem and history in, suggestions out."""

from __future__ import annotations

import logging

from asktell_server.domain.algorithm import Manual
from asktell_server.domain.errors import ErrorReason, FailedPrecondition, InvalidArgument
from asktell_server.domain.space import MAX_EXACT_INT
from asktell_server.domain.study import validate_algorithm, validate_objectives, validate_replicates
from asktell_server.engine.problem import Problem, SuggestResult
from asktell_server.engine.task import Engine
from asktell_server.engine.tasks.suggest import SuggestTask

log = logging.getLogger(__name__)

MAX_OBSERVATIONS = 20_000
MAX_PENDING = 1000
MAX_COUNT = 1000


class Suggesting:
    """The use case Suggest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def suggest(self, task: SuggestTask) -> SuggestResult:
        """Suggests for a task whose configurations are normalised already.

        Raises:
            InvalidArgument: the problem is wrong, or something is out of range.
            NotSupported: more than one objective.
            FailedPrecondition: manual search (QUEUE_EMPTY), or the space, or its grid, is exhausted (STUDY_COMPLETE).
        """
        if not 1 <= task.count <= MAX_COUNT:
            raise InvalidArgument("count", f"must be 1 to {MAX_COUNT}, got {task.count}")
        if not 0 <= task.seed < MAX_EXACT_INT:
            raise InvalidArgument("seed", f"must be 0 to 2^53 - 1, got {task.seed}")
        if isinstance(task.problem.algorithm, Manual):
            raise FailedPrecondition("manual search suggests nothing", reason=ErrorReason.QUEUE_EMPTY)
        result = await self._engine.answer(task)
        if result.fallback_reason:
            log.warning("model fell back: %s", result.fallback_reason)
        if not result.suggestions:
            raise FailedPrecondition(
                "study is complete: every configuration of its space or grid has been tried",
                reason=ErrorReason.STUDY_COMPLETE,
                metadata={"finish_reason": "EXHAUSTED"},
            )
        return result


def validate_problem(problem: Problem) -> None:
    """Raises InvalidArgument (or NotSupported) when the problem itself is wrong; before configurations are read."""

    problem.space.validate("problem.search_space")
    validate_objectives(problem.objectives, "problem")
    validate_algorithm(problem.algorithm, problem.space, "problem")
    validate_replicates(problem.replicates, "problem")
