"""asktell.v1.SuggestionService: the stateless door."""

from __future__ import annotations

from asktell.v1 import suggestion_service_pb2, suggestion_service_pb2_grpc
from asktell_server.service.suggesting import Suggesting
from asktell_server.transport.context import Context
from asktell_server.transport.conversion.suggestions import request_from, result_to


class SuggestionServicer(suggestion_service_pb2_grpc.SuggestionServiceServicer):
    """Suggestions over gRPC."""

    def __init__(self, suggesting: Suggesting) -> None:
        self._suggesting = suggesting

    async def Suggest(  # noqa: N802  # gRPC's name
        self,
        request: suggestion_service_pb2.SuggestRequest,
        context: Context,
    ) -> suggestion_service_pb2.SuggestResponse:
        return result_to(await self._suggesting.suggest(request_from(request)))
