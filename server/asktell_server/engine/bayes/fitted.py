"""Fitted hyperparameters by name, and what they say in the metrics' units."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from asktell_server.domain.provenance import Fit
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.layout import Hyperparameters, Layout
from asktell_server.engine.bayes.targets import targets_of
from asktell_server.engine.problem import Problem, StudyTask
from asktell_server.engine.space.region import region_of


def fitted(packed: bytes, problem: Problem) -> tuple[Fit, ...]:
    """What a warm start of the problem says of each metric; nothing when it is empty or of another problem."""
    layout = Layout.of(region_of(problem.space).encoding)
    vectors = warm_start.unpack(packed, problem, count=layout.parameter_count)
    return () if vectors is None else tuple(_fit(vector, layout) for vector in vectors[: len(problem.goals.metrics)])


def _fit(vector: Hyperparameters, layout: Layout) -> Fit:
    noise, *rest = map(float, vector)
    return Fit(noise=noise, length_scales=tuple(rest[: layout.dimension]), weights=tuple(rest[layout.dimension :]))


def noise_deviations(task: StudyTask, fits: Sequence[Fit]) -> Mapping[str, float]:
    """By metric the standard deviation of one result, in its unit, in models of the task with these hyperparameters."""
    return {
        name: targets_of(task, place).standard_deviation(math.sqrt(fit.noise))
        for place, (name, fit) in enumerate(zip(task.problem.goals.metrics, fits, strict=False))
    }
