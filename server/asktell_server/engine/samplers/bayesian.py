"""Bayesian optimisation: a space-filling start, then the model; and what happens when the model fails."""

from __future__ import annotations

from asktell_server.domain.algorithm import DEFAULT_START_TRIALS, Bayesian
from asktell_server.domain.trial import Origin
from asktell_server.engine.filling import fill
from asktell_server.engine.problem import Outcome, SuggestResult, SuggestTask


class BayesianSampler:
    """Centre and Sobol points first; Gaussian process and expected improvement once there is something to learn from."""

    def needs_model(self, task: SuggestTask) -> bool:
        """Some of the suggestions are not of the start."""
        return _start_left(task) < task.count

    def suggest(self, task: SuggestTask) -> SuggestResult:
        """`task.count` suggestions."""
        return SuggestResult(suggestions=fill(task, task.count, origin=Origin.START, with_centre=True))


def _start_left(task: SuggestTask) -> int:
    """How many of the suggestions are of the start: all of them while nothing has a value to learn from."""
    if not any(observation.outcome is Outcome.VALUE for observation in task.observations):
        return task.count
    algorithm = task.problem.algorithm
    wanted = algorithm.start_trials if isinstance(algorithm, Bayesian) else DEFAULT_START_TRIALS
    return max(0, wanted - len(task.observations) - len(task.pending))
