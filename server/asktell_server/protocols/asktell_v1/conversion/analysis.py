"""What is asked of the model of a study, and what it says."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from asktell.v1 import analysis_service_pb2, suggestion_service_pb2, trial_pb2
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Belief
from asktell_server.engine.analysis.importances import Importances
from asktell_server.pace import in_pieces_numbered
from asktell_server.protocols.asktell_v1.conversion.counts import few
from asktell_server.protocols.asktell_v1.conversion.spaces import configuration_from, configuration_to
from asktell_server.protocols.asktell_v1.paging import append_messages, fill_page
from asktell_server.service.analysis.analysing import MAX_CONFIGURATIONS, LeftOut, PredictedOutcomes, Validated
from asktell_server.service.analysis.slicing import Sliced, SliceRequest
from asktell_server.service.analysis.trading_off import TradeOff


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


async def importances_to(said: Importances, result_count: int) -> analysis_service_pb2.GetImportancesResponse:
    """Writes importances: of single parameters, then of pairs, each by falling share."""
    answer = analysis_service_pb2.GetImportancesResponse(result_count=result_count)
    shares, deviations = said.indices, said.deviations
    places = range(len(said.names))

    def single(place: int) -> analysis_service_pb2.Importance:
        return analysis_service_pb2.Importance(
            parameters=[said.names[place]],
            share=shares.first[place],
            total_share=shares.total[place],
            share_deviation=deviations.first[place],
            total_share_deviation=deviations.total[place],
        )

    def pair(both: tuple[int, int]) -> analysis_service_pb2.Importance:
        return analysis_service_pb2.Importance(
            parameters=[said.names[place] for place in both],
            share=shares.pairs[both],
            share_deviation=deviations.pairs[both],
        )

    singles = sorted(places, key=lambda place: -shares.first[place])
    pairs = sorted(itertools.combinations(places, 2), key=lambda both: -shares.pairs[both])
    await append_messages(singles, single, answer.importances)
    await append_messages(pairs, pair, answer.importances)
    return answer


def slice_from(request: analysis_service_pb2.GetSliceRequest) -> SliceRequest:
    """Reads what is asked of a slice. Raises InvalidArgument: too many names or values, a value without kind."""
    return SliceRequest(
        parameters=list(few(request.parameters, 2, "parameters", "parameters")),
        reference=configuration_from(request.reference, "reference"),
        resolution=request.resolution,
        metric=request.metric,
    )


async def slice_to(said: Sliced) -> analysis_service_pb2.GetSliceResponse:
    """Writes a slice. Raises InvalidArgument: it is too large for one answer, since every point has its whole configuration."""
    answer = analysis_service_pb2.GetSliceResponse(
        reference=configuration_to(said.reference), result_count=said.result_count
    )

    def point(each: tuple[Configuration, Belief]) -> analysis_service_pb2.SlicePoint:
        configuration, belief = each
        return analysis_service_pb2.SlicePoint(
            parameters=configuration_to(configuration), prediction=belief_to({said.metric: belief}, said.metric)
        )

    if await fill_page(said.points, point, answer.points) is not None:
        raise InvalidArgument(
            "resolution", f"must be lower: {len(said.points)} points of so many parameters are too large for one answer"
        )
    return answer


async def validated_to(said: Validated) -> analysis_service_pb2.CrossValidateResponse:
    """Writes how well results are foretold."""
    answer = analysis_service_pb2.CrossValidateResponse(
        rank_correlation=said.rank_correlation,
        coverage_50=said.coverage_50,
        coverage_95=said.coverage_95,
        rmse=said.rmse,
    )

    def result(each: LeftOut) -> analysis_service_pb2.LeftOutResult:
        return analysis_service_pb2.LeftOutResult(
            trial=each.number,
            observed=each.observed,
            belief=trial_pb2.Belief(mean=each.belief.mean, standard_deviation=each.belief.standard_deviation),
        )

    await append_messages(said.results, result, answer.results)
    return answer


async def trade_offs_to(said: Sequence[TradeOff]) -> analysis_service_pb2.GetTradeOffsResponse:
    """Writes trade-offs."""
    answer = analysis_service_pb2.GetTradeOffsResponse()

    def trade_off(each: TradeOff) -> analysis_service_pb2.TradeOff:
        return analysis_service_pb2.TradeOff(
            trial=each.number, values=each.values, slopes=each.slopes, hypervolume_share=each.contribution
        )

    await append_messages(said, trade_off, answer.trade_offs)
    return answer
