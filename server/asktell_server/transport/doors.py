"""The ports of a server: gRPC always, HTTP where it is wanted."""

from __future__ import annotations

import asyncio
import errno
import logging

from asktell_server.transport.addresses import listener
from asktell_server.transport.grpc_server import GrpcServer
from asktell_server.transport.http_server import HttpServer
from asktell_server.transport.tls import Tls

log = logging.getLogger(__name__)


class DoorError(Exception):
    """Why a port could not be opened, in words for people."""


def check_free(listen: str, listen_http: str | None) -> None:
    """Looks whether somebody has a port, before anything is started that takes long.

    Raises:
        DoorError: somebody has.
    """
    for address in filter(None, (listen, listen_http)):
        try:
            listener(address).close()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:  # anything else is said when the port is opened
                raise DoorError(f"cannot listen on {address}: another program does") from None


class Doors:
    """Opens and closes the ports together. `http` None = there is no HTTP."""

    def __init__(self, grpc: GrpcServer, http: HttpServer | None) -> None:
        self._grpc = grpc
        self._http = http

    async def open(self, listen: str, listen_http: str | None, *, tls: Tls | None) -> str:
        """Listens on `host:port` (port 0 = any free one); returns the address of gRPC. Health says NOT_SERVING as yet.

        Raises:
            DoorError: an address cannot be used.
        """
        try:
            port = await self._grpc.start(listen, tls=tls)
        except RuntimeError as error:
            raise DoorError(f"cannot listen on {listen}: the address is in use or not of this machine") from error
        if self._http is not None and listen_http is not None:
            try:
                http_port = await self._http.start(listen_http, tls=tls)
            except OSError as error:
                await self._grpc.stop()  # it serves already, on a loop that is about to be closed
                raise DoorError(f"cannot listen on {listen_http}: {error.strerror or error}") from error
            log.info("HTTP/JSON on %s", _at_port(listen_http, http_port))
        return _at_port(listen, port)

    async def set_serving(self, serving: bool) -> None:
        """Sets what health checks over gRPC see."""
        await self._grpc.set_serving(serving)

    async def announce_stop(self) -> None:
        """Health says NOT_SERVING for good: load balancers send nothing new."""
        await self._grpc.announce_stop()

    async def close(self) -> None:
        """Closes the ports and ends what is left."""
        await asyncio.gather(self._grpc.stop(), *([self._http.stop()] if self._http else []))


def _at_port(address: str, port: int) -> str:
    return f"{address.rpartition(':')[0]}:{port}"
