"""Server reflection under both of its names: newer tools ask for v1 alone, older ones for v1alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from grpc_reflection.v1alpha import reflection, reflection_pb2

OLD, NEW = "grpc.reflection.v1alpha", "grpc.reflection.v1"
_NEW_FILE = "grpc/reflection/v1/reflection.proto"
_METHOD = "ServerReflectionInfo"


def add_reflection(server: grpc.aio.Server, names: Sequence[str]) -> None:
    """Lets clients ask the server about the services of these names.

    The library has v1alpha alone. Its messages are the same as v1's, byte for byte; only the package has another name.
    """
    _describe_new()
    served = [*names, reflection.SERVICE_NAME, f"{NEW}.ServerReflection"]
    reflection.enable_server_reflection(served, server)
    servicer: Any = reflection.aio.ReflectionServicer(served)
    handler: Any = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(f"{NEW}.ServerReflection", {_METHOD: handler}),)
    )


def _describe_new() -> None:
    """Adds v1 to what can be asked about, unless some library has done it."""
    pool = descriptor_pool.Default()
    try:
        pool.FindFileByName(_NEW_FILE)
    except KeyError:
        renamed = descriptor_pb2.FileDescriptorProto()
        reflection_pb2.DESCRIPTOR.CopyToProto(renamed)
        renamed.name, renamed.package = _NEW_FILE, NEW
        for message in renamed.message_type:
            for field in message.field:
                if field.type_name:
                    field.type_name = field.type_name.replace(f".{OLD}.", f".{NEW}.")
        for service in renamed.service:
            for method in service.method:
                method.input_type = method.input_type.replace(f".{OLD}.", f".{NEW}.")
                method.output_type = method.output_type.replace(f".{OLD}.", f".{NEW}.")
        pool.AddSerializedFile(renamed.SerializeToString())
