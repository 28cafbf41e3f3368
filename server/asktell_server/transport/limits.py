"""What one connection may cost a server: limits of both doors, beside those on calls (`gate.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of connections; times in seconds.

    Attributes:
        connections: open at once, at each door.
        handshake_s: from the opening of a gRPC connection to the end of its handshakes, TLS's and HTTP/2's.
        grpc_idle_s: how long a gRPC connection may be without a call. Clients open another one when they need it.
        ping_s: a gRPC connection that was silent so long is asked whether it is alive, and has as long to answer.
        head_s: from the opening of an HTTP connection, or the end of its last answer, to the end of a request's headers.
        http_idle_s: how long an HTTP connection may be without a byte of a request.
        stalled_s: how long a caller over HTTP may leave an answer in the server's buffer without reading on.
    """

    connections: int = 2048
    handshake_s: float = 20.0
    grpc_idle_s: float = 300.0
    ping_s: float = 60.0
    head_s: float = 15.0
    http_idle_s: float = 5.0
    stalled_s: float = 60.0


DEFAULT_LIMITS = Limits()
