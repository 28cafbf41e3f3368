"""A client without a server: the engine of the package asktell-server, called in this process."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf.message import Message

from asktell._core import methods
from asktell._core.flow import Effect, Refused, Unary
from asktell._core.settings import Settings, make_settings
from asktell._core.words import in_callers_words
from asktell._sync.client import Client
from asktell._sync.session import Session
from asktell._sync.transport import FlowRunner
from asktell.errors import BY_REASON, AsktellError, NotSupported


class InProcessTransport(FlowRunner):
    """Answers Suggest itself, one call at a time, and refuses everything else."""

    def __init__(self, _: Settings) -> None:
        """Raises ModuleNotFoundError: the package asktell-server is not installed."""
        super().__init__()
        try:
            self._door: Any = importlib.import_module("asktell_server.protocols.asktell_v1.in_process")
            self._errors: Any = importlib.import_module("asktell_server.domain.errors")
        except ModuleNotFoundError as error:
            if error.name != "asktell_server":
                raise
            raise ModuleNotFoundError(
                "to suggest without a server the package asktell-server is needed, and it is not installed: "
                "pip install asktell-server, or give the address of a server",
                name=error.name,
            ) from None
        # A thread of its own: the caller's may have a running event loop, as in a notebook.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="asktell-engine")

    def close(self) -> None:
        """See FlowRunner."""
        super().close()
        self._thread.shutdown()

    def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Refused):
            return False
        if not isinstance(effect, Unary) or effect.method is not methods.SUGGEST:
            raise NotSupported(
                "this client has no server: it only suggests",
                reason="NOT_SUPPORTED",
                code=grpc.StatusCode.UNIMPLEMENTED,
            )
        return self._thread.submit(self._suggest, effect.request).result()

    def _suggest(self, request: Message) -> Any:
        try:
            return self._door.suggest(request)
        except self._errors.AsktellError as error:
            refused = BY_REASON.get(error.reason, AsktellError)(
                str(error), reason=str(error.reason), metadata=error.metadata
            )
            raise in_callers_words(refused, request) from None


class InProcessClient(Client):
    """A client whose `suggest` computes in this process; everything else raises NotSupported. Needs the package asktell-server."""

    def __init__(self) -> None:
        """Loads the engine; the model's libraries are loaded when they are first needed.

        Raises:
            ModuleNotFoundError: the package asktell-server is not installed.
        """
        self._session = Session(make_settings(None), InProcessTransport)
