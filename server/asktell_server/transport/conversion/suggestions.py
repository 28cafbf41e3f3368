"""Problems, observations and suggestions of the stateless door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asktell.v1 import suggestion_service_pb2, trial_pb2
from asktell_server.domain.errors import ErrorReason, InvalidArgument, NotSupported
from asktell_server.engine.observations import Observation, Outcome
from asktell_server.engine.problem import Problem, Suggestion, SuggestResult
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.suggesting import MAX_OBSERVATIONS, MAX_PENDING, validate_problem
from asktell_server.transport.conversion.metrics import metrics_from, objectives_from
from asktell_server.transport.conversion.spaces import (
    algorithm_from,
    configuration_from,
    configuration_to,
    space_from,
)
from asktell_server.transport.conversion.trials import ORIGINS_OUT, prediction_to

_OUTCOMES: Mapping[int, Outcome] = {
    trial_pb2.TRIAL_STATE_UNSPECIFIED: Outcome.VALUE,
    trial_pb2.TRIAL_STATE_SUCCEEDED: Outcome.VALUE,
    trial_pb2.TRIAL_STATE_STOPPED: Outcome.VALUE,
    trial_pb2.TRIAL_STATE_FAILED: Outcome.FAILED,
    trial_pb2.TRIAL_STATE_INFEASIBLE: Outcome.INFEASIBLE,
}


def task_from(message: suggestion_service_pb2.SuggestRequest) -> SuggestTask:
    """Reads a whole request.

    Raises:
        InvalidArgument: the problem is wrong, a configuration is outside its space, an observation has no value.
        NotSupported: the server does not do it yet.
    """
    problem = _problem_from(message.problem)
    _limit("observations", len(message.observations), MAX_OBSERVATIONS)
    _limit("pending", len(message.pending), MAX_PENDING)
    history = problem.empty_history()
    for index, observation in enumerate(message.observations):
        history.append(_observation_from(observation, problem, f"observations[{index}]"))
    return SuggestTask(
        problem=problem,
        history=history,
        pending=[
            problem.space.normalize(
                configuration_from(pending.parameters, f"pending[{index}].parameters"),
                field=f"pending[{index}].parameters",
            )
            for index, pending in enumerate(message.pending)
        ],
        count=message.count or 1,
        seed=message.seed,
        warm_start=message.warm_start,
    )


def _problem_from(message: suggestion_service_pb2.Problem) -> Problem:
    if message.outcome_constraints:
        raise NotSupported("problem.outcome_constraints", "outcome constraints are not supported yet")
    problem = Problem(
        space=space_from(message.search_space, "problem.search_space"),
        objectives=objectives_from(message.objectives, "problem"),
        algorithm=algorithm_from(message.algorithm),
        replicates=message.replicates or 1,
    )
    validate_problem(problem)
    return problem


def _observation_from(message: suggestion_service_pb2.Observation, problem: Problem, where: str) -> Observation:
    if message.state not in _OUTCOMES:
        raise InvalidArgument(f"{where}.state", "must be SUCCEEDED, STOPPED, FAILED or INFEASIBLE")
    outcome = _OUTCOMES[message.state]
    parameters = problem.space.normalize(
        configuration_from(message.parameters, f"{where}.parameters"), field=f"{where}.parameters"
    )
    objective = problem.objectives[0].metric
    metrics = metrics_from(message.metrics)
    for name, metric in metrics.items():
        metric.validate(f"{where}.metrics[{name[:128]}]")
    if outcome is not Outcome.VALUE:
        return Observation(parameters=parameters, outcome=outcome)
    if objective not in metrics:
        if message.state == trial_pb2.TRIAL_STATE_STOPPED:
            return Observation(parameters=parameters, outcome=Outcome.UNKNOWN)
        raise InvalidArgument(
            f"{where}.metrics",
            f"must hold the objective {objective!r}",
            reason=ErrorReason.MISSING_OBJECTIVE,
            metadata={"metric": objective},
        )
    return Observation(parameters=parameters, outcome=outcome, metrics=(metrics[objective],))


def _limit(field: str, count: int, most: int) -> None:
    if count > most:
        raise InvalidArgument(field, f"must hold at most {most}, got {count}", metadata={"limit": str(most)})


def result_to(result: SuggestResult) -> suggestion_service_pb2.SuggestResponse:
    """Writes an answer."""
    return suggestion_service_pb2.SuggestResponse(
        suggestions=_suggestions_to(result.suggestions), warm_start=result.warm_start
    )


def _suggestions_to(suggestions: Sequence[Suggestion]) -> list[suggestion_service_pb2.Suggestion]:
    return [
        suggestion_service_pb2.Suggestion(
            parameters=configuration_to(suggestion.parameters),
            origin=ORIGINS_OUT[suggestion.origin],
            prediction=prediction_to(suggestion.prediction),
        )
        for suggestion in suggestions
    ]
