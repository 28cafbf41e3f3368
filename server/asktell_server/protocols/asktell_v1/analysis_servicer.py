"""asktell.v1.AnalysisService: what the results say about the parameters."""

from __future__ import annotations

from asktell.v1 import analysis_service_pb2
from asktell_server.domain.names import parse_study
from asktell_server.protocols.asktell_v1.conversion.analysis import (
    configurations_from,
    importances_to,
    predicted_to,
    slice_from,
    slice_to,
    trade_offs_to,
    validated_to,
)
from asktell_server.protocols.asktell_v1.conversion.health import health_to
from asktell_server.protocols.asktell_v1.limits import BATCH_BYTES
from asktell_server.protocols.asktell_v1.projects import by_study
from asktell_server.service.analysis.analysing import MAX_CONFIGURATIONS
from asktell_server.service.use_cases import UseCases
from asktell_server.transport.calls import Call, Permission, rpc


class AnalysisServicer:
    """Analysis."""

    def __init__(self, use_cases: UseCases) -> None:
        self._analysing = use_cases.analysing
        self._health = use_cases.health
        self._slicing = use_cases.slicing
        self._trading_off = use_cases.trading_off

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetImportances(  # noqa: N802  # the contract's name
        self, request: analysis_service_pb2.GetImportancesRequest, call: Call
    ) -> analysis_service_pb2.GetImportancesResponse:
        study = parse_study(request.parent, field="parent")
        return await importances_to(*await self._analysing.importances(study, metric=request.metric))

    @rpc(
        permission=Permission.READ,
        project=by_study("parent"),
        cancellable=True,
        max_bytes=BATCH_BYTES,
        max_items={"configurations": MAX_CONFIGURATIONS},
    )
    async def PredictOutcomes(  # noqa: N802
        self, request: analysis_service_pb2.PredictOutcomesRequest, call: Call
    ) -> analysis_service_pb2.PredictOutcomesResponse:
        study = parse_study(request.parent, field="parent")
        configurations = await configurations_from(request.configurations)
        return await predicted_to(await self._analysing.predict(study, configurations, metric=request.metric))

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetSlice(  # noqa: N802
        self, request: analysis_service_pb2.GetSliceRequest, call: Call
    ) -> analysis_service_pb2.GetSliceResponse:
        study = parse_study(request.parent, field="parent")
        return await slice_to(await self._slicing.slice(study, slice_from(request)))

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def CrossValidate(  # noqa: N802
        self, request: analysis_service_pb2.CrossValidateRequest, call: Call
    ) -> analysis_service_pb2.CrossValidateResponse:
        study = parse_study(request.parent, field="parent")
        return await validated_to(await self._analysing.cross_validate(study, metric=request.metric))

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetTradeOffs(  # noqa: N802
        self, request: analysis_service_pb2.GetTradeOffsRequest, call: Call
    ) -> analysis_service_pb2.GetTradeOffsResponse:
        study = parse_study(request.parent, field="parent")
        return await trade_offs_to(await self._trading_off.trade_offs(study))

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetHealth(  # noqa: N802
        self, request: analysis_service_pb2.GetHealthRequest, call: Call
    ) -> analysis_service_pb2.GetHealthResponse:
        return health_to(await self._health.check(parse_study(request.parent, field="parent")))
