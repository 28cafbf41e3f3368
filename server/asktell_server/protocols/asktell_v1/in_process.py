"""The stateless door of a program that imports the server: the contract's messages, without gRPC, workers or a store."""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar

from asktell.v1 import suggestion_service_pb2
from asktell_server.engine.task import Answer, Task
from asktell_server.protocols.asktell_v1.conversion.suggestions import request_from, result_to
from asktell_server.service.suggesting import Suggesting

A = TypeVar("A", bound=Answer)

log = logging.getLogger(__name__)


class EngineHere:
    """Answers in the thread that calls, with the task's fallback where the model fails."""

    async def answer(self, task: Task[A]) -> A:
        """See Engine. Raises NoAnswer: the model failed, and the task has no fallback."""
        try:
            return task.run()
        except Exception as error:
            if not task.needs_model():
                raise
            log.warning("the model failed", exc_info=True)
            return task.fallback(f"{type(error).__name__}: {error}")


def suggest(request: suggestion_service_pb2.SuggestRequest) -> suggestion_service_pb2.SuggestResponse:
    """Answers SuggestionService.Suggest. Must not be called in a thread with a running event loop.

    Raises:
        AsktellError: as `Suggesting.suggest`.
    """

    async def answer() -> suggestion_service_pb2.SuggestResponse:
        read = request_from(request)
        return await result_to(read.problem.space, await Suggesting(EngineHere()).suggest(read))

    return asyncio.run(answer())
