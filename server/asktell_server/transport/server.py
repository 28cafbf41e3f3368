"""The gRPC server: our services, health and reflection on one port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from asktell.v1 import (
    analysis_service_pb2,
    study_service_pb2,
    study_service_pb2_grpc,
    suggestion_service_pb2,
    suggestion_service_pb2_grpc,
    trial_service_pb2,
    trial_service_pb2_grpc,
)
from asktell_server.service.suggesting import Suggesting
from asktell_server.transport import refusing
from asktell_server.transport.gate import Gate
from asktell_server.transport.interceptor import EdgeInterceptor
from asktell_server.transport.study_servicer import StudyServicer
from asktell_server.transport.suggestion_servicer import SuggestionServicer
from asktell_server.transport.trial_servicer import TrialServicer

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""20,000 observations of a large space fit."""

STOP_GRACE_S = 1.0
"""For what is left after the drain, such as open health watches."""

SERVICES: Sequence[ServiceDescriptor] = (
    study_service_pb2.DESCRIPTOR.services_by_name["StudyService"],
    trial_service_pb2.DESCRIPTOR.services_by_name["TrialService"],
    suggestion_service_pb2.DESCRIPTOR.services_by_name["SuggestionService"],
    analysis_service_pb2.DESCRIPTOR.services_by_name["AnalysisService"],
)
_STORED = SERVICES[:2]
_ANALYSIS = SERVICES[3]

_OPTIONS: Sequence[tuple[str, int]] = (
    # On by default, and a second server would silently share the port.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    # Clients ping every 30 s while they watch; without these the server would end their connection.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate chain and private key, PEM."""

    certificate: bytes
    private_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The servicers that need a store."""

    studies: StudyServicer
    trials: TrialServicer


class GrpcServer:
    """One listening server. `stored` None = stateless: SuggestionService alone."""

    def __init__(self, *, gate: Gate, suggesting: Suggesting, stored: Stored | None, token: str | None) -> None:
        self._gate = gate
        self._server = grpc.aio.server(interceptors=[EdgeInterceptor(gate, token=token)], options=_OPTIONS)
        self._health = health.aio.HealthServicer()
        suggestion_service_pb2_grpc.add_SuggestionServiceServicer_to_server(
            SuggestionServicer(suggesting), self._server
        )
        if stored is None:
            self._server.add_generic_rpc_handlers(refusing.stateless((*_STORED, _ANALYSIS)))
            self._served = [SERVICES[2].full_name]
        else:
            study_service_pb2_grpc.add_StudyServiceServicer_to_server(stored.studies, self._server)
            trial_service_pb2_grpc.add_TrialServiceServicer_to_server(stored.trials, self._server)
            self._server.add_generic_rpc_handlers([refusing.not_yet(_ANALYSIS)])
            self._served = [service.full_name for service in SERVICES[:3]]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            [
                *(service.full_name for service in SERVICES),
                health_pb2.DESCRIPTOR.services_by_name["Health"].full_name,
                reflection.SERVICE_NAME,
            ],
            self._server,
        )

    async def start(self, address: str, *, tls: Tls | None) -> int:
        """Binds `host:port` (port 0 = any free one) and serves; returns the port.

        Raises:
            RuntimeError: the address cannot be bound.
        """
        if tls is None:
            port = self._server.add_insecure_port(address)
        else:
            credentials = grpc.ssl_server_credentials([(tls.private_key, tls.certificate)])
            port = self._server.add_secure_port(address, credentials)
        if not port:
            raise RuntimeError(f"cannot listen on {address}")
        await self.set_serving(False)
        await self._server.start()
        return port

    async def set_serving(self, serving: bool) -> None:
        """Sets what health checks see, for the server ("") and each of its services."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *self._served):
            await self._health.set(service, status)

    async def drain(self, *, timeout_s: float) -> bool:
        """Stops in order: health first, then new calls, then wait for those in flight; False when some were cut off."""
        await self._health.enter_graceful_shutdown()
        clean = await self._gate.drain(timeout_s=timeout_s)
        await self._server.stop(STOP_GRACE_S)
        return clean
