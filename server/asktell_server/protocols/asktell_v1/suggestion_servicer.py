"""asktell.v1.SuggestionService: the stateless door."""

from __future__ import annotations

from asktell.v1 import suggestion_service_pb2
from asktell_server.protocols.asktell_v1.conversion.suggestions import request_from, result_to
from asktell_server.protocols.asktell_v1.limits import BATCH_BYTES
from asktell_server.service.suggesting import MAX_OBSERVATIONS, MAX_PENDING, Suggesting
from asktell_server.transport.calls import Call, Permission, no_project, rpc


class SuggestionServicer:
    """Suggestions."""

    def __init__(self, suggesting: Suggesting) -> None:
        self._suggesting = suggesting

    @rpc(
        permission=Permission.WORK,
        project=no_project,
        cancellable=True,
        max_bytes=BATCH_BYTES,
        max_items={"observations": MAX_OBSERVATIONS, "pending": MAX_PENDING},
    )
    async def Suggest(  # noqa: N802  # the contract's name
        self,
        request: suggestion_service_pb2.SuggestRequest,
        call: Call,
    ) -> suggestion_service_pb2.SuggestResponse:
        read = request_from(request)
        return await result_to(read.problem.space, await self._suggesting.suggest(read))
