"""asktell.v1.AnalysisService, which is in the contract and not served yet."""

from __future__ import annotations

from typing import NoReturn

from asktell.v1 import analysis_service_pb2
from asktell_server.domain.errors import NotSupported
from asktell_server.protocols.asktell_v1.limits import BATCH_BYTES
from asktell_server.protocols.asktell_v1.projects import by_study
from asktell_server.transport.calls import Call, Permission, rpc


class AnalysisServicer:
    """Refuses every call."""

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetImportances(  # noqa: N802  # the contract's name
        self, request: analysis_service_pb2.GetImportancesRequest, call: Call
    ) -> NoReturn:
        raise _not_yet(call)

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True, max_bytes=BATCH_BYTES)
    async def PredictOutcomes(  # noqa: N802
        self, request: analysis_service_pb2.PredictOutcomesRequest, call: Call
    ) -> NoReturn:
        raise _not_yet(call)

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetSlice(  # noqa: N802
        self, request: analysis_service_pb2.GetSliceRequest, call: Call
    ) -> NoReturn:
        raise _not_yet(call)

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def CrossValidate(  # noqa: N802
        self, request: analysis_service_pb2.CrossValidateRequest, call: Call
    ) -> NoReturn:
        raise _not_yet(call)

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetTradeOffs(  # noqa: N802
        self, request: analysis_service_pb2.GetTradeOffsRequest, call: Call
    ) -> NoReturn:
        raise _not_yet(call)

    @rpc(permission=Permission.READ, project=by_study("parent"), cancellable=True)
    async def GetHealth(  # noqa: N802
        self, request: analysis_service_pb2.GetHealthRequest, call: Call
    ) -> NoReturn:
        raise _not_yet(call)


def _not_yet(call: Call) -> NotSupported:
    return NotSupported(call.method.service, "this service is not supported yet")
