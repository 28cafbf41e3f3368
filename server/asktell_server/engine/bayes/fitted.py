"""Fitted hyperparameters by name, and what they say in the objective's unit."""

from __future__ import annotations

import math

from asktell_server.domain.provenance import Fit
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.layout import Layout
from asktell_server.engine.bayes.targets import make_targets
from asktell_server.engine.problem import Problem, StudyTask
from asktell_server.engine.space.region import region_of


def fitted(packed: bytes, problem: Problem) -> Fit | None:
    """What a warm start of the problem says; None when it is empty or of another problem."""
    layout = Layout.of(region_of(problem.space).encoding)
    vector = warm_start.unpack(packed, problem, count=layout.parameter_count)
    if vector is None:
        return None
    noise, *rest = map(float, vector)
    return Fit(noise=noise, length_scales=tuple(rest[: layout.dimension]), weights=tuple(rest[layout.dimension :]))


def noise_deviation(task: StudyTask, fit: Fit) -> float:
    """The standard deviation of one result, in the objective's unit, in a model of the task with these hyperparameters."""
    (objective,) = task.problem.goals.objectives
    return make_targets(task.history, objective).standard_deviation(math.sqrt(fit.noise))
