"""Services that are in the contract and not served here: every method refuses with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from asktell_server.domain.errors import AsktellError, ErrorReason, NotSupported


def not_yet(service: ServiceDescriptor) -> grpc.GenericRpcHandler:
    """A handler whose methods answer UNIMPLEMENTED, NOT_SUPPORTED."""
    return _refusing(service, NotSupported(service.full_name, "this service is not supported yet"))


def stateless(services: Sequence[ServiceDescriptor]) -> list[grpc.GenericRpcHandler]:
    """Handlers for a server without a store: UNIMPLEMENTED, STATELESS_SERVER."""
    error = AsktellError(
        "this server runs with --stateless and serves asktell.v1.SuggestionService alone",
        reason=ErrorReason.STATELESS_SERVER,
    )
    return [_refusing(service, error) for service in services]


def _refusing(service: ServiceDescriptor, error: AsktellError) -> grpc.GenericRpcHandler:
    async def refuse(_request: Message, _context: object) -> NoReturn:
        raise error

    handlers = {
        method.name: grpc.unary_unary_rpc_method_handler(
            refuse,
            request_deserializer=GetMessageClass(method.input_type).FromString,
            response_serializer=GetMessageClass(method.output_type).SerializeToString,
        )
        for method in service.methods
    }
    return grpc.method_handlers_generic_handler(service.full_name, handlers)
