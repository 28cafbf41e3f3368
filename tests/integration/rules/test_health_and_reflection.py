"""grpc.health.v1 and server reflection."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from tests.support.rpc import Rpc
from tests.support.server import ServerProcess

SERVICES = {
    "asktell.v1.AnalysisService",
    "asktell.v1.StudyService",
    "asktell.v1.SuggestionService",
    "asktell.v1.TrialService",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
}
VERSIONS = ("v1", "v1alpha")
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize(
    "service",
    [
        "",
        "asktell.v1.StudyService",
        "asktell.v1.TrialService",
        "asktell.v1.SuggestionService",
        "asktell.v1.AnalysisService",
    ],
)
def test_the_server_and_its_services_are_healthy(rpc: Rpc, service: str) -> None:
    stub = _health(rpc)
    assert stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=60).status == SERVING


def test_a_service_that_is_not_there_is_unknown(rpc: Rpc) -> None:
    stub = _health(rpc)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="asktell.v1.OracleService"), timeout=60)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_health_can_be_watched(rpc: Rpc) -> None:
    watch = _health(rpc).Watch(health_pb2.HealthCheckRequest(), timeout=60)
    assert next(watch).status == SERVING
    watch.cancel()


def test_the_command_line_asks_for_health(server: ServerProcess) -> None:
    command = [sys.executable, "-m", "asktell_server.cli", "health", server.address]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stdout) == (0, "SERVING\n")


@pytest.mark.parametrize("version", VERSIONS)
def test_reflection_lists_the_services(rpc: Rpc, version: str) -> None:
    (answer,) = _reflect(rpc, version, list_services="")
    assert {service.name for service in answer.list_services_response.service} == SERVICES


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "symbol",
    ["asktell.v1.TrialService", "asktell.v1.Trial", "asktell.v1.SuggestRequest", "grpc.reflection.v1.ServerReflection"],
)
def test_reflection_describes_messages_and_services(rpc: Rpc, version: str, symbol: str) -> None:
    (answer,) = _reflect(rpc, version, file_containing_symbol=symbol)
    files = map(descriptor_pb2.FileDescriptorProto.FromString, answer.file_descriptor_response.file_descriptor_proto)
    names = {f"{file.package}.{name}" for file in files for name in _names(file)}
    assert symbol in names


def _names(file: descriptor_pb2.FileDescriptorProto) -> list[str]:
    return [message.name for message in file.message_type] + [service.name for service in file.service]


def _health(rpc: Rpc) -> Any:
    return health_pb2_grpc.HealthStub(rpc.channel)


def _reflect(rpc: Rpc, version: str, **request: Any) -> list[Any]:
    ask: Any = rpc.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return list(ask(iter([reflection_pb2.ServerReflectionRequest(**request)]), timeout=60))
