"""HTTP/1.1 on one connection, with limits that uvicorn has not: time for headers, for reading answers, and their number."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from asktell_server.domain.errors import ResourceExhausted
from asktell_server.transport.addresses import caller_of
from asktell_server.transport.connect import REASON_HEADER
from asktell_server.transport.counter import Counter
from asktell_server.transport.limits import Limits

log = logging.getLogger(__name__)


class LimitedProtocol(H11Protocol):
    """One connection. It is closed without a word where its caller lets it wait, and with 429 where there are too many."""

    def __init__(self, *arguments: Any, limits: Limits, connections: Counter, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._limits = limits
        self._connections = connections
        self._caller: str | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Counts the connection in, or refuses it."""
        super().connection_made(transport)
        caller = "" if self.client is None else caller_of(f"{self.client[0]}:{self.client[1]}")
        try:
            self._connections.require(caller)
        except ResourceExhausted as error:
            transport.write(_refusal(error))
            transport.close()
            return
        self._connections.add(caller)
        self._caller = caller
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Counts the connection out."""
        _cancel(self._head_timer)
        _cancel(self._stall_timer)
        if self._caller is not None:
            self._connections.take(self._caller)
            self._caller = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Reads on, unless the connection is being closed."""
        if not self.transport.is_closing():
            super().data_received(data)

    def on_response_complete(self) -> None:
        """The next request may come, and has to in time."""
        self._await_head()  # first: the next one may have been received already
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The caller reads more slowly than it is sent to."""
        super().pause_writing()
        _cancel(self._stall_timer)
        self._stall_timer = self.loop.call_later(self._limits.stalled_s, self._give_up, "reads no answer")

    def resume_writing(self) -> None:
        """The caller has read on."""
        _cancel(self._stall_timer)
        super().resume_writing()

    def _await_head(self) -> None:
        _cancel(self._head_timer)
        self._head_timer = self.loop.call_later(self._limits.head_s, self._require_request)

    def _require_request(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's annotation leaves out that there may be none
        if cycle is None or cycle.response_complete:
            self._give_up("sends no request")

    def _give_up(self, why: str) -> None:
        if not self.transport.is_closing() or self.transport.get_write_buffer_size():
            log.debug("closing a connection: its caller %s", why)
            self.transport.abort()


def limited(limits: Limits) -> Callable[..., LimitedProtocol]:
    """Makes the protocols of the connections of one server."""
    connections = Counter("connections open", limits.connections)

    def make(*arguments: Any, **more: Any) -> LimitedProtocol:
        return LimitedProtocol(*arguments, limits=limits, connections=connections, **more)

    return make


def _refusal(error: ResourceExhausted) -> bytes:
    body = json.dumps({"code": "resource_exhausted", "message": error.message}).encode()
    head = (
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\nconnection: close\r\n"
        f"content-length: {len(body)}\r\n{REASON_HEADER}: {error.reason.value}\r\n"
        f"retry-after: {math.ceil(error.retry_after_s or 1)}\r\n\r\n"
    )
    return head.encode() + body


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
