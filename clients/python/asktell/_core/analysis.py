"""What can be asked of a study's model, as flows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from asktell._core import methods
from asktell._core.flow import Flow
from asktell._core.studies import Caller
from asktell._core.study_view import StudyView
from asktell._core.trial_view import decode_prediction
from asktell._core.values import decode_configuration, decode_enum, encode_configuration, text, whole
from asktell.analysis import (
    CrossValidation,
    ExpectedGain,
    Health,
    HealthFinding,
    HealthKind,
    HealthSeverity,
    Importance,
    Importances,
    Interaction,
    Interactions,
    LeftOutResult,
    Slice,
    SlicePoint,
    TradeOff,
)
from asktell.records import Belief, Prediction
from asktell.spaces import ParameterValue
from asktell.v1 import analysis_service_pb2 as wire
from asktell.v1 import suggestion_service_pb2


def importances(caller: Caller, study: StudyView, metric: str | None) -> Flow[Importances]:
    """The shares of single parameters."""
    answer = yield from _shares(caller, study, metric)
    found = [
        Importance(
            parameter=each.parameters[0],
            share=each.share,
            total_share=each.total_share,
            share_deviation=each.share_deviation,
            total_share_deviation=each.total_share_deviation,
        )
        for each in answer.importances
        if len(each.parameters) == 1
    ]
    return Importances(found, metric=_named(study, metric), result_count=answer.result_count)


def interactions(caller: Caller, study: StudyView, metric: str | None) -> Flow[Interactions]:
    """The shares of pairs. The server keeps its answer: asking for both costs the work of one."""
    answer = yield from _shares(caller, study, metric)
    found = [
        Interaction(
            parameters=(each.parameters[0], each.parameters[1]), share=each.share, share_deviation=each.share_deviation
        )
        for each in answer.importances
        if len(each.parameters) == 2
    ]
    return Interactions(found, metric=_named(study, metric), result_count=answer.result_count)


def _shares(caller: Caller, study: StudyView, metric: str | None) -> Flow[wire.GetImportancesResponse]:
    return caller(methods.GET_IMPORTANCES, wire.GetImportancesRequest(parent=study.name, metric=_given(metric)))


def predict(
    caller: Caller, study: StudyView, params: Iterable[Mapping[str, ParameterValue]], metric: str | None
) -> Flow[list[Prediction]]:
    """What the model believes about configurations, in their order."""
    request = wire.PredictOutcomesRequest(
        parent=study.name,
        configurations=[
            suggestion_service_pb2.Configuration(parameters=encode_configuration(each, f"params[{index}]"))
            for index, each in enumerate(params)
        ],
        metric=_given(metric),
    )
    answer = yield from caller(methods.PREDICT_OUTCOMES, request)
    return [decode_prediction(each) for each in answer.predictions]


def slice_of(
    caller: Caller,
    study: StudyView,
    parameters: tuple[str, ...],
    reference: Mapping[str, ParameterValue] | None,
    resolution: int | None,
    metric: str | None,
) -> Flow[Slice]:
    """What the model believes along parameters."""
    request = wire.GetSliceRequest(
        parent=study.name,
        parameters=[text(each, f"parameters[{index}]") for index, each in enumerate(parameters)],
        reference=encode_configuration(reference or {}, "reference"),
        resolution=0 if resolution is None else _not_default(resolution),
        metric=_given(metric),
    )
    answer = yield from caller(methods.GET_SLICE, request)
    order = list(study.space)
    return Slice(
        metric=_named(study, metric),
        parameters=parameters,
        points=[
            SlicePoint(
                params=decode_configuration(each.parameters, order), prediction=decode_prediction(each.prediction)
            )
            for each in answer.points
        ],
        reference=decode_configuration(answer.reference, order),
        result_count=answer.result_count,
    )


def _not_default(resolution: int) -> int:
    """On the wire 0 is the default, which nobody asked for who says 0."""
    return whole(resolution, "resolution") or -1


def cross_validate(caller: Caller, study: StudyView, metric: str | None) -> Flow[CrossValidation]:
    """How well the model foretells each result from all others."""
    request = wire.CrossValidateRequest(parent=study.name, metric=_given(metric))
    answer = yield from caller(methods.CROSS_VALIDATE, request)
    return CrossValidation(
        metric=_named(study, metric),
        rank_correlation=answer.rank_correlation,
        coverage_50=answer.coverage_50,
        coverage_95=answer.coverage_95,
        rmse=answer.rmse,
        results=[
            LeftOutResult(
                trial_number=each.trial,
                observed=each.observed,
                belief=Belief(mean=each.belief.mean, standard_deviation=each.belief.standard_deviation),
            )
            for each in answer.results
        ],
    )


def trade_offs(caller: Caller, study: StudyView) -> Flow[list[TradeOff]]:
    """The Pareto front, and what one objective costs in terms of another along it."""
    answer = yield from caller(methods.GET_TRADE_OFFS, wire.GetTradeOffsRequest(parent=study.name))
    order = [each.metric for each in study.objectives]
    return [
        TradeOff(
            trial_number=each.trial,
            values={name: each.values[name] for name in order if name in each.values},
            slopes={name: each.slopes[name] for name in order if name in each.slopes},
            hypervolume_share=each.hypervolume_share,
        )
        for each in answer.trade_offs
    ]


def health(caller: Caller, study: StudyView) -> Flow[Health]:
    """What is wrong with the study, and what further trials are expected to gain."""
    answer = yield from caller(methods.GET_HEALTH, wire.GetHealthRequest(parent=study.name))
    return Health(
        findings=[
            HealthFinding(
                kind=decode_enum(HealthKind, wire.HealthKind, each.kind, "HEALTH_KIND_"),
                severity=decode_enum(HealthSeverity, wire.HealthSeverity, each.severity, "HEALTH_SEVERITY_"),
                message=each.message,
                advice=each.advice,
                parameters=tuple(each.parameters),
                trials=tuple(each.trials),
                metrics=tuple(each.metrics),
            )
            for each in answer.findings
        ],
        expected_gains=[ExpectedGain(trials=each.trials, gain=each.gain) for each in answer.expected_gains],
        result_count=answer.result_count,
    )


def _given(metric: str | None) -> str:
    return "" if metric is None else text(metric, "metric")


def _named(study: StudyView, metric: str | None) -> str:
    """The metric that an answer is about: that of the first objective by default, as the server has it."""
    return study.objectives[0].metric if metric is None else metric
