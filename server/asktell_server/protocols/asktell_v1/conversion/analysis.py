"""What is asked of the model of a study, and what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asktell.v1 import analysis_service_pb2, suggestion_service_pb2, trial_pb2
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Belief
from asktell_server.pace import in_pieces_numbered
from asktell_server.protocols.asktell_v1.conversion.counts import few
from asktell_server.protocols.asktell_v1.conversion.spaces import configuration_from
from asktell_server.protocols.asktell_v1.paging import append_messages
from asktell_server.service.analysis.analysing import MAX_CONFIGURATIONS, PredictedOutcomes


async def configurations_from(messages: Sequence[suggestion_service_pb2.Configuration]) -> list[Configuration]:
    """Reads configurations. Raises InvalidArgument: too many, a value without kind."""

    def read(index: int, message: suggestion_service_pb2.Configuration) -> Configuration:
        return configuration_from(message.parameters, f"configurations[{index}].parameters")

    few(messages, MAX_CONFIGURATIONS, "configurations", "configurations")
    return await in_pieces_numbered(read, messages)


async def predicted_to(said: PredictedOutcomes) -> analysis_service_pb2.PredictOutcomesResponse:
    """Writes predictions."""
    answer = analysis_service_pb2.PredictOutcomesResponse(result_count=said.result_count)
    await append_messages(said.beliefs, lambda beliefs: belief_to(beliefs, said.metric), answer.predictions)
    return answer


def belief_to(beliefs: Mapping[str, Belief], metric: str) -> trial_pb2.Prediction:
    """Writes beliefs by metric as a prediction of one of them."""
    return trial_pb2.Prediction(
        mean=beliefs[metric].mean,
        standard_deviation=beliefs[metric].standard_deviation,
        beliefs={
            name: trial_pb2.Belief(mean=belief.mean, standard_deviation=belief.standard_deviation)
            for name, belief in beliefs.items()
        },
    )
