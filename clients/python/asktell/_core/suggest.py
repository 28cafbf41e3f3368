"""The stateless door: problem and history in, suggestions out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from asktell._core import methods
from asktell._core import spec_codec as codec
from asktell._core.flow import Flow
from asktell._core.space_codec import encode_parameter_constraints, encode_space
from asktell._core.studies import Caller
from asktell._core.trial_view import decode_origin, decode_prediction
from asktell._core.values import boolean, decode_params, encode_configuration, encode_metrics, text, whole
from asktell.records import Observation, Outcome, Suggestion, Suggestions
from asktell.spaces import ParameterValue, Space
from asktell.spec import Algorithm, Objective, OutcomeConstraint
from asktell.v1 import suggestion_service_pb2, trial_pb2


def suggest(
    caller: Caller,
    space: Space,
    objectives: Objective | Sequence[Objective],
    observations: Iterable[Observation],
    *,
    parameter_constraints: Sequence[str],
    outcome_constraints: OutcomeConstraint | Sequence[OutcomeConstraint],
    pending: Iterable[Mapping[str, ParameterValue]],
    count: int,
    algorithm: str | Algorithm,
    replicates: int,
    seed: int,
    warm_start: bytes,
    cost: str,
    cost_aware: bool,
    fixed: Mapping[str, ParameterValue],
) -> Flow[Suggestions]:
    """Suggestions for a problem and its history."""
    wire = encode_space(space)
    wire.parameter_constraints.extend(encode_parameter_constraints(parameter_constraints))
    request = suggestion_service_pb2.SuggestRequest(
        problem=suggestion_service_pb2.Problem(
            search_space=wire,
            objectives=codec.encode_objectives(objectives),
            outcome_constraints=codec.encode_constraints(outcome_constraints),
            algorithm=codec.encode_algorithm(algorithm),
            replicates=whole(replicates, "replicates"),
            cost_metric=text(cost, "cost"),
        ),
        observations=[_observation(each, f"observations[{index}]") for index, each in enumerate(observations)],
        pending=[
            suggestion_service_pb2.Configuration(parameters=encode_configuration(params, f"pending[{index}]"))
            for index, params in enumerate(pending)
        ],
        count=whole(count, "count"),
        seed=whole(seed, "seed"),
        warm_start=warm_start,
        cost_aware=boolean(cost_aware, "cost_aware"),
        fixed_parameters=encode_configuration(fixed, "fixed"),
    )
    answer = yield from caller(methods.SUGGEST, request)
    suggestions = [
        Suggestion(
            params=decode_params(each),
            origin=decode_origin(each.origin),
            prediction=decode_prediction(each.prediction) if each.HasField("prediction") else None,
        )
        for each in answer.suggestions
    ]
    return Suggestions(suggestions, answer.warm_start)


def _observation(observation: Observation, where: str) -> suggestion_service_pb2.Observation:
    return suggestion_service_pb2.Observation(
        parameters=encode_configuration(observation.params, f"{where}.params"),
        state=trial_pb2.TrialState.Value(f"TRIAL_STATE_{Outcome(observation.outcome)}"),
        metrics=encode_metrics(observation.metrics),
        expected_metrics=encode_metrics(observation.expected_metrics),
    )
