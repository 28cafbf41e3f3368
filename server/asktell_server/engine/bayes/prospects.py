"""A task in, what further trials are expected to gain out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from asktell_server.engine.bayes.feasibility import feasible_rows
from asktell_server.engine.bayes.modelled import Modelled
from asktell_server.engine.bayes.pursuit import Pursuit, limit_of, pursuit_of
from asktell_server.engine.bayes.raw_points import raw_points
from asktell_server.engine.bayes.rollouts import Candidates, gains
from asktell_server.engine.bayes.taken import NEAR, Taken
from asktell_server.engine.bayes.training import ModelError
from asktell_server.engine.novelty import Novelty
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.seeding import generator
from asktell_server.engine.space.warp import Points

DRAWS = 64
MOST_TRIED = 32
"""Tried configurations that one might use: those with the best means."""


def expected_gains(task: StudyTask, model: Modelled, horizons: Sequence[int]) -> Sequence[float]:
    """Expected gains of the objective, in its unit, after each number of further trials of `horizons`, rising. At least 0.

    Trials that run now count as further ones. `model` is that of the task.

    Raises:
        ModelError: no trial that ran to its end keeps the outcome constraints; the model gives no usable numbers.
    """
    goals = task.problem.goals
    objective = model.metrics[0]
    rows = objective.targets.rows
    usable = objective.targets.reached & feasible_rows(goals, task.history)[rows]
    if not usable.any():
        raise ModelError("nothing is feasible")
    points = model.region.encoding.encode_keys([task.history.keys[row] for row in rows[usable]])
    expected = gains(
        tuple(model.surrogates),
        [
            limit_of(constraint, constraint.limit, model.metrics[place], place)
            for constraint in goals.outcome_constraints
            if constraint.limit is not None
            for place in [goals.metrics.index(constraint.metric)]
        ],
        _candidates(task, model, pursuit_of(task, model), tried=np.unique(points, axis=0)),
        best=float(objective.targets.values[usable].min()),
        horizons=horizons,
        draws=DRAWS,
        rng=generator(task, "gains"),
    )
    in_unit = [objective.targets.standard_deviation(gain) for gain in expected]
    if not np.isfinite(in_unit).all():
        raise ModelError(f"the model expects gains of {in_unit}")
    return in_unit


def _candidates(task: StudyTask, model: Modelled, pursuit: Pursuit, *, tried: Points) -> Candidates:
    region = model.region
    means = model.metrics[0].process.moments(tried).mean
    tried = tried[np.argsort(means, kind="stable")[:MOST_TRIED]]
    spent = region.encoding.encode_keys(Novelty(task, region).spent())
    taken = Taken(spent, region.encoding, near=NEAR if task.problem.replicates == 1 else 0.0)
    raw = taken.free(raw_points(region, generator(task, "prospects"), centres=pursuit.centres))
    raw = raw[[*taken.apart(raw)]]
    return Candidates(points=np.concatenate([tried, raw]), tried_count=len(tried))
