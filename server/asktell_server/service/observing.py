"""Results as the engine sees them: the same for a study's trials and for a caller's own history."""

from __future__ import annotations

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Metric, Metrics
from asktell_server.domain.space import Configuration
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.earlier import Earlier
from asktell_server.engine.history import History
from asktell_server.engine.observations import Observation, Outcome

_WITHOUT_VALUE = {TrialState.FAILED: Outcome.FAILED, TrialState.INFEASIBLE: Outcome.INFEASIBLE}


def observation(
    goals: Goals, parameters: Configuration, result: Result, expected: Metrics | None = None
) -> Observation:
    """What the engine learns from a configuration that was tried: UNKNOWN where the result says nothing about it.

    `expected` are the metrics that a trial stopped before its end is expected to have come to: they take the place of the last ones.
    """
    if expected:
        result = result.expecting(expected)
    measured, expense = goals.measured(result), goals.expense(result)
    outcome = Outcome.VALUE if measured is not None else _WITHOUT_VALUE.get(result.state, Outcome.UNKNOWN)
    metrics: tuple[Metric | None, ...] = measured or ()
    if expense is not None:
        metrics = (*(measured or (None,) * len(goals.metrics)), expense)
    return Observation(parameters=parameters, outcome=outcome, metrics=metrics, expected=bool(expected))


def earlier_of(study: Study) -> tuple[Earlier, ...]:
    """What the study's parents had found."""
    goals = study.goals
    return tuple(
        Earlier(
            history=History.of(
                study.space,
                (observation(goals, past.parameters, past.result) for past in parent.results),
                metrics=goals.width,
            )
        )
        for parent in study.parents
        if parent.results
    )
