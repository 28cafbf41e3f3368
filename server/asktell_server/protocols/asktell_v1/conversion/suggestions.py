"""Problems, observations and suggestions of the stateless door."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from asktell.v1 import suggestion_service_pb2, trial_pb2
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.problem import Problem, Suggestion, SuggestResult
from asktell_server.protocols.asktell_v1.conversion.metrics import goals_from, metrics_from
from asktell_server.protocols.asktell_v1.conversion.spaces import (
    algorithm_from,
    configuration_from,
    configuration_to,
    space_from,
)
from asktell_server.protocols.asktell_v1.conversion.trials import ORIGINS_OUT, prediction_to
from asktell_server.protocols.asktell_v1.paging import append_messages
from asktell_server.service.suggesting import (
    SuggestRequest,
    TriedConfiguration,
)

_STATES: Mapping[int, TrialState] = {
    trial_pb2.TRIAL_STATE_UNSPECIFIED: TrialState.SUCCEEDED,
    trial_pb2.TRIAL_STATE_SUCCEEDED: TrialState.SUCCEEDED,
    trial_pb2.TRIAL_STATE_STOPPED: TrialState.STOPPED,
    trial_pb2.TRIAL_STATE_FAILED: TrialState.FAILED,
    trial_pb2.TRIAL_STATE_INFEASIBLE: TrialState.INFEASIBLE,
}

_Message = TypeVar("_Message")
_Value = TypeVar("_Value")


class _Lazy(Collection[_Value], Generic[_Message, _Value]):
    """Messages that are converted when they are iterated over: too many are refused before any is read."""

    def __init__(self, messages: Sequence[_Message], convert: Callable[[_Message, int], _Value]) -> None:
        self._messages = messages
        self._convert = convert

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[_Value]:
        return map(self._convert, self._messages, itertools.count())

    def __contains__(self, value: object) -> bool:
        return value in list(self)


def request_from(message: suggestion_service_pb2.SuggestRequest) -> SuggestRequest:
    """Reads a whole request; its values are checked by the use case.

    Raises:
        InvalidArgument: the problem cannot be read.
    """
    return SuggestRequest(
        problem=_problem_from(message.problem),
        observations=_Lazy(message.observations, _tried_from),
        pending=_Lazy(message.pending, _pending_from),
        count=message.count or 1,
        seed=message.seed,
        warm_start=message.warm_start,
        cost_aware=message.cost_aware,
        fixed=configuration_from(message.fixed_parameters, "fixed_parameters"),
    )


def _problem_from(message: suggestion_service_pb2.Problem) -> Problem:
    return Problem(
        space=space_from(message.search_space, "problem.search_space"),
        goals=goals_from(message.objectives, message.outcome_constraints, message.cost_metric, "problem"),
        algorithm=algorithm_from(message.algorithm),
        replicates=message.replicates or 1,
    )


def _tried_from(message: suggestion_service_pb2.Observation, index: int) -> TriedConfiguration:
    where = f"observations[{index}]"
    if message.state not in _STATES:
        raise InvalidArgument(f"{where}.state", "must be SUCCEEDED, STOPPED, FAILED or INFEASIBLE")
    return TriedConfiguration(
        parameters=configuration_from(message.parameters, f"{where}.parameters"),
        result=Result(state=_STATES[message.state], metrics=metrics_from(message.metrics, f"{where}.metrics")),
        expected=metrics_from(message.expected_metrics, f"{where}.expected_metrics"),
    )


def _pending_from(message: suggestion_service_pb2.Configuration, index: int) -> Configuration:
    return configuration_from(message.parameters, f"pending[{index}].parameters")


async def result_to(space: SearchSpace, result: SuggestResult) -> suggestion_service_pb2.SuggestResponse:
    """Writes an answer to a problem in the space."""
    answer = suggestion_service_pb2.SuggestResponse(warm_start=result.warm_start)
    await append_messages(result.suggestions, lambda suggestion: _suggestion_to(space, suggestion), answer.suggestions)
    return answer


def _suggestion_to(space: SearchSpace, suggestion: Suggestion) -> suggestion_service_pb2.Suggestion:
    return suggestion_service_pb2.Suggestion(
        parameters=configuration_to(suggestion.parameters),
        derived_parameters=configuration_to(space.derive(suggestion.parameters)),
        origin=ORIGINS_OUT[suggestion.origin],
        prediction=prediction_to(suggestion.prediction),
    )
