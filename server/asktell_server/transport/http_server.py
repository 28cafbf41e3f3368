"""The HTTP door: one listening server for an ASGI application, on HTTP/1.1."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from asktell_server.transport.addresses import listener
from asktell_server.transport.http_protocol import limited
from asktell_server.transport.limits import DEFAULT_LIMITS, Limits
from asktell_server.transport.tls import Tls

STOP_GRACE_S = 1.0


class HttpServer:
    """Serves an application; the composition root decides when it starts and stops."""

    def __init__(self, application: ASGIApp, limits: Limits = DEFAULT_LIMITS) -> None:
        self._application = application
        self._limits = limits
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self, address: str, *, tls: Tls | None) -> int:
        """Binds `host:port` (port 0 = any free one) and serves; returns the port.

        Raises:
            OSError: the address cannot be bound.
        """
        bound = listener(address)
        self._server = _Server(_config(self._application, self._limits, tls))
        self._serving = asyncio.create_task(self._server.serve(sockets=[bound]), name="http server")
        port: int = bound.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Closes the port; calls in flight get a short while to end."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            await self._serving


class _Server(uvicorn.Server):
    """Leaves signals to the composition root."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(application: ASGIApp, limits: Limits, tls: Tls | None) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=limited(limits),  # type: ignore[arg-type]  # what makes a protocol, in place of its class
        timeout_keep_alive=limits.http_idle_s,  # type: ignore[arg-type]  # any number of seconds will do
        proxy_headers=False,  # a caller is who is connected, not who it says it is
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls.context,
        timeout_graceful_shutdown=math.ceil(STOP_GRACE_S),
    )
