"""What the engine is given of a study."""

from __future__ import annotations

from asktell_server.domain.goals import Goals
from asktell_server.domain.study import Study
from asktell_server.engine.problem import Problem


def problem_of(study: Study, goals: Goals | None = None) -> Problem:
    """What is to be optimised, and how; `goals` are the study's with the baseline's values put in."""
    return Problem(
        space=study.space, goals=goals or study.goals, algorithm=study.algorithm, replicates=study.replicates
    )
