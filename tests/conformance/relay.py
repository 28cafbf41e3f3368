"""A TCP relay whose connections can be reset: the part of the fault proxy that makes broken connections real."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct

from tests.support.ports import free_port


class Relay:
    """Listens on a port of its own and carries bytes to and from `target`; with `tls` it ends TLS there."""

    def __init__(self, target: tuple[str, int], *, tls: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._tls = tls
        self._port = free_port()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it listens, the same after `stop` and `start`."""
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Begins to listen."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, ssl=self._tls)

    async def stop(self) -> None:
        """Listens no more, and resets what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def reset(self) -> None:
        """Resets all connections (RST, as a crashed peer's kernel does), both sides."""
        for writer in list(self._connections):
            connection = writer.get_extra_info("socket")
            if connection is not None:
                with contextlib.suppress(OSError):  # it has closed by itself
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._connections.add(writer)
        try:
            inner_reader, inner_writer = await asyncio.open_connection(*self._target)
            self._connections.add(inner_writer)
            try:
                await asyncio.gather(_carry(reader, inner_writer), _carry(inner_reader, writer))
            finally:
                self._connections.discard(inner_writer)
                inner_writer.transport.abort()
        except OSError:
            pass  # either side is gone, and so is the connection
        finally:
            self._connections.discard(writer)
            writer.transport.abort()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()  # TLS knows no half-closed connection
