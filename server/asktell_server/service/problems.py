"""What the engine is given of a study."""

from __future__ import annotations

from asktell_server.domain.study import Study
from asktell_server.engine.problem import Problem


def problem_of(study: Study) -> Problem:
    """What is to be optimised, and how."""
    return Problem(space=study.space, goals=study.goals, algorithm=study.algorithm, replicates=study.replicates)
