"""What a run has reached so far, as one number that is to be minimised, whatever its goals are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from asktell_server.domain import pareto
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Metric
from asktell_server.domain.trial import Result, TrialState

Metrics: TypeAlias = Mapping[str, float]


def scores(goals: Goals, trials: Iterable[Metrics], *, worst: float = math.inf) -> list[float]:
    """One number for each trial, in their order; lower is better. The least so far says what a run has reached.

    - One objective: the trial's cost. Where it misses a constraint, or costs more than that, it is `worst`.
    - Several: minus the hypervolume that the feasible trials so far dominate, from the declared references.
    """
    ranks = [goals.rank(_result(metrics)) for metrics in trials]
    assert None not in ranks, "a trial lacks a metric"
    feasible = [None if rank is None or rank[0] else rank[1:] for rank in ranks]
    if len(goals.objectives) == 1:
        return [worst if costs is None else min(costs[0], worst) for costs in feasible]
    reference = np.array(goals.references, dtype=np.float64)
    assert np.isfinite(reference).all(), "hypervolumes are compared, so every objective declares its reference"
    outside = (math.inf,) * len(reference)
    rows = np.array([outside if costs is None else costs for costs in feasible]).reshape(-1, len(reference))
    return [-volume for volume in pareto.growth(rows, reference)]


def _result(metrics: Metrics) -> Result:
    return Result(state=TrialState.SUCCEEDED, metrics={name: Metric(value=value) for name, value in metrics.items()})
