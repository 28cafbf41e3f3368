"""Methods and services from descriptors and what their functions declare."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from grpc_health.v1 import health_pb2

from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.transport.calls import MIB, Permission, refused, rpc, service_of

HEALTH: Any = health_pb2.DESCRIPTOR.services_by_name["Health"]
NO_CALL: Any = None


def _project(request: Any) -> str:
    return str(request.service)


class Servicer:
    @rpc(permission=Permission.WORK, project=_project, cancellable=True, max_bytes=10)
    async def Check(self, request: Any, call: Any) -> Any:  # noqa: N802
        return health_pb2.HealthCheckResponse()

    @rpc(permission=Permission.READ, project=_project)
    async def List(self, request: Any, call: Any) -> Any:  # noqa: N802
        return Empty()

    @rpc(permission=Permission.READ, project=_project)
    async def Watch(self, request: Any, call: Any) -> Any:  # noqa: N802
        yield health_pb2.HealthCheckResponse()


async def test_a_service_is_made_of_its_descriptor_and_its_functions() -> None:
    service = service_of(HEALTH, Servicer())
    assert (service.name, service.serves) == ("grpc.health.v1.Health", True)
    methods = {method.name: method for method in service.methods}
    assert set(methods) == {method.name for method in HEALTH.methods}
    check, watch = methods["Check"], methods["Watch"]
    assert check.path == "/grpc.health.v1.Health/Check"
    assert (check.request, check.response) == (health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse)
    assert (check.streams, watch.streams) == (False, True)
    assert (check.rules.permission, check.rules.cancellable, check.rules.max_bytes) == (Permission.WORK, True, 10)
    assert (watch.rules.permission, watch.rules.cancellable, watch.rules.max_bytes) == (Permission.READ, False, 2 * MIB)
    assert check.rules.project(health_pb2.HealthCheckRequest(service="vision")) == "vision"
    assert await check.handler(Empty(), NO_CALL) == health_pb2.HealthCheckResponse()


def test_a_method_must_declare_its_rules() -> None:
    class Undeclared(Servicer):
        async def Check(self, request: Any, call: Any) -> Any:  # noqa: N802
            return health_pb2.HealthCheckResponse()

    with pytest.raises(AttributeError, match="rules"):
        service_of(HEALTH, Undeclared())


async def test_a_service_that_is_refused_keeps_what_its_methods_declare() -> None:
    service = refused(HEALTH, Servicer, lambda: AsktellError("no store", reason=ErrorReason.STATELESS_SERVER))
    assert not service.serves
    assert [method.rules for method in service.methods] == [
        method.rules for method in service_of(HEALTH, Servicer()).methods
    ]
    errors = []
    for method in [*service.methods, *service.methods]:
        answer = method.handler(Empty(), NO_CALL)
        with pytest.raises(AsktellError, match="no store") as caught:
            await (anext(answer) if method.streams else answer)
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == len(errors), "one that is raised again and again keeps every call"
