"""A client of grpc.health.v1, for container health checks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc


def probe(
    address: str,
    *,
    timeout_s: float,
    tls_ca: Path | None = None,
    certificate: Path | None = None,
    private_key: Path | None = None,
) -> str:
    """The health status of the server at `host:port`: SERVING, NOT_SERVING, or UNREACHABLE with the reason.

    `tls_ca`: PEM file of the authorities to trust, None = without TLS. `certificate` and `private_key`: PEM files of the
    caller, for a server that wants some.
    """
    with _channel(address, tls_ca, certificate, private_key) as channel:
        try:
            stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods are not in the type stubs
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            return f"UNREACHABLE ({error.code().name})"
    return health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)


def _channel(address: str, tls_ca: Path | None, certificate: Path | None, private_key: Path | None) -> grpc.Channel:
    if tls_ca is None:
        return grpc.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(
        tls_ca.read_bytes(),
        private_key.read_bytes() if private_key else None,
        certificate.read_bytes() if certificate else None,
    )
    return grpc.secure_channel(address, credentials)
