"""Services that are in the contract and not served here: every method refuses with a reason."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, NoReturn

from google.protobuf.descriptor import ServiceDescriptor

from asktell_server.domain.errors import AsktellError, ErrorReason, NotSupported
from asktell_server.transport.methods import Service


def not_yet(service: ServiceDescriptor) -> Service:
    """A service whose methods answer UNIMPLEMENTED, NOT_SUPPORTED."""
    error = NotSupported(service.full_name, "this service is not supported yet")
    return Service(descriptor=service, servicer=_Refusing(service, error))


def stateless(service: ServiceDescriptor) -> Service:
    """A service of a server without a store: UNIMPLEMENTED, STATELESS_SERVER."""
    error = AsktellError(
        "this server runs with --stateless and serves asktell.v1.SuggestionService alone",
        reason=ErrorReason.STATELESS_SERVER,
    )
    return Service(descriptor=service, servicer=_Refusing(service, error))


class _Refusing:
    """Has every method of a service."""

    def __init__(self, service: ServiceDescriptor, error: AsktellError) -> None:
        self._streams = {method.name: method.server_streaming for method in service.methods}
        self._error = error

    def __getattr__(self, name: str) -> Callable[[Any, Any], Any]:
        if name not in self._streams:
            raise AttributeError(name)
        return self._refuse_stream if self._streams[name] else self._refuse

    async def _refuse(self, _request: object, _context: object) -> NoReturn:
        raise self._error

    def _refuse_stream(self, _request: object, _context: object) -> AsyncGenerator[NoReturn, None]:
        async def refused() -> AsyncGenerator[NoReturn, None]:
            for error in (self._error,):  # a loop, so that the `yield` behind it makes this a generator
                raise error
            yield  # type: ignore[misc]

        return refused()
