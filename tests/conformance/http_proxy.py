"""HTTP in, HTTP out: the fault proxy for clients that speak the Connect protocol (JSON over HTTP/1.1).

One request to a connection: every answer closes it. Upstream is asked by HTTP/1.0, so that a stream comes unchunked.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from google.protobuf import json_format

from asktell.v1 import analysis_service_pb2, study_service_pb2, suggestion_service_pb2, trial_service_pb2
from tests.conformance.faults import FaultPlan
from tests.conformance.grpc_proxy import INJECTED, STREAMS, error_details

_ENVELOPE = 5  # flags and length in front of each message of a stream
_STATUS = {
    "ABORTED": HTTPStatus.CONFLICT,
    "DEADLINE_EXCEEDED": HTTPStatus.GATEWAY_TIMEOUT,
    "INTERNAL": HTTPStatus.INTERNAL_SERVER_ERROR,
    "INVALID_ARGUMENT": HTTPStatus.BAD_REQUEST,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "RESOURCE_EXHAUSTED": HTTPStatus.TOO_MANY_REQUESTS,
    "UNAVAILABLE": HTTPStatus.SERVICE_UNAVAILABLE,
    "UNIMPLEMENTED": HTTPStatus.NOT_IMPLEMENTED,
    "UNKNOWN": HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""What the Connect protocol makes of a code."""


class HttpProxy:
    """Forwards to the server at `target`; `reset` breaks the connections of its clients."""

    def __init__(self, target: str, plan: FaultPlan, reset: Callable[[], None]) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._plan = plan
        self._reset = reset
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Begins to serve; returns the port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Ends everything."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # either side is gone
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        except asyncio.IncompleteReadError:
            return  # a connection that was opened and not used
        start, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = start.split(" ")[1]
        method = path.rpartition("/")[2]
        fault = self._plan.meet(method, _as_protobuf(method, body))
        kind = None if fault is None else fault.WhichOneof("kind")
        match kind:
            case "answer":
                await _answer(fault.answer, method, writer)  # type: ignore[union-attr] # it has a kind
                return
            case "cut_request":
                self._reset()
                return
            case "hang":
                await reader.read()  # until the client gives up
                return
        upstream, request = await asyncio.open_connection(*self._target)
        try:
            kept = {name: value for name, value in headers.items() if name not in {"connection", "host"}}
            lines = [f"POST {path} HTTP/1.0", *(f"{name}: {value}" for name, value in kept.items())]
            request.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body)
            if kind is None or kind == "cut_stream_after":
                await _carry(upstream, writer, reader, None if fault is None else fault.cut_stream_after)
                if fault is not None:
                    self._reset()
                return
            await upstream.read()
            if kind == "replace_reply":
                await _answer(fault.replace_reply, method, writer)  # type: ignore[union-attr] # as above
            else:
                self._reset()
        finally:
            request.close()


async def _carry(
    upstream: asyncio.StreamReader, writer: asyncio.StreamWriter, client: asyncio.StreamReader, messages: int | None
) -> None:
    """Passes the answer on as it comes, or so many messages of a stream, until the next one comes."""
    if messages is None:
        gone = asyncio.create_task(client.read())  # ends when the client does: nobody wants the rest of the stream
        try:
            while True:
                more = asyncio.create_task(upstream.read(65536))
                await asyncio.wait({more, gone}, return_when=asyncio.FIRST_COMPLETED)
                if not more.done():
                    more.cancel()
                    return
                if not (data := more.result()):
                    return
                writer.write(data)
                await writer.drain()
        finally:
            gone.cancel()
    writer.write(await upstream.readuntil(b"\r\n\r\n"))
    for _ in range(messages):
        envelope = await upstream.readexactly(_ENVELOPE)
        writer.write(envelope + await upstream.readexactly(int.from_bytes(envelope[1:], "big")))
        await writer.drain()
    await upstream.readexactly(_ENVELOPE)


async def _answer(status: Any, method: str, writer: asyncio.StreamWriter) -> None:
    error: dict[str, Any] = {"code": status.code.lower(), "message": INJECTED}
    headers = []
    if status.reason:
        headers.append(f"asktell-error-reason: {status.reason}")
        error["details"] = [
            {"type": each.type_url.rpartition("/")[2], "value": base64.b64encode(each.value).decode().rstrip("=")}
            for each in error_details(status)
        ]
    if status.retry_after_ms:
        headers.append(f"retry-after: {-(-status.retry_after_ms // 1000)}")
    if method in STREAMS:  # an error of a stream is its last message
        body = json.dumps({"error": error}).encode()
        body = b"\x02" + len(body).to_bytes(4, "big") + body
        first, kind = HTTPStatus.OK, "application/connect+json"
    else:
        body, first, kind = json.dumps(error).encode(), _STATUS[status.code], "application/json"
    headers = [f"HTTP/1.1 {first.value} {first.phrase}", f"content-type: {kind}", "connection: close", *headers]
    writer.write(("\r\n".join([*headers, f"content-length: {len(body)}"]) + "\r\n\r\n").encode() + body)
    await writer.drain()


def _as_protobuf(method: str, body: bytes) -> bytes:
    """The request as the gRPC proxy would have seen it, so that cases can look into it."""
    for module in (trial_service_pb2, study_service_pb2, suggestion_service_pb2, analysis_service_pb2):
        kind = getattr(module, f"{method}Request", None)
        if kind is not None and method not in STREAMS:
            request: bytes = json_format.Parse(body, kind()).SerializeToString()
            return request
    return body
