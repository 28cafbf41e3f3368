"""A real gRPC server that answers as a test tells it to, for what no well-behaved server would do on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from asktell._core import methods

Reply = Message | Exception | Callable[[Any, grpc.ServicerContext], Any]


def refusal(
    code: grpc.StatusCode,
    reason: str = "",
    message: str = "no",
    *,
    retry_s: float | None = None,
    pushback_ms: int | None = None,
    **metadata: str,
) -> Callable[[Any, grpc.ServicerContext], Any]:
    """A reply that ends the call with an error as the server makes them."""

    def reply(request: Any, context: grpc.ServicerContext) -> Any:
        context.set_trailing_metadata(trailers(code, reason, message, retry_s, pushback_ms, metadata))
        context.abort(code, message)

    return reply


def trailers(
    code: grpc.StatusCode,
    reason: str,
    message: str,
    retry_s: float | None = None,
    pushback_ms: int | None = None,
    metadata: dict[str, str] | None = None,
) -> tuple[tuple[str, str | bytes], ...]:
    """The trailing metadata of an error."""
    status = status_pb2.Status(code=code.value[0], message=message)
    details: list[Message] = []
    if reason:
        details.append(error_details_pb2.ErrorInfo(domain="asktell", reason=reason, metadata=metadata or {}))
    if retry_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(retry_s * 1000))
        details.append(retry)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    found: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", status.SerializeToString())]
    if pushback_ms is not None:
        found.append(("grpc-retry-pushback-ms", str(pushback_ms)))
    return tuple(found)


class Failed(grpc.RpcError):
    """The end of a call, as gRPC hands it out."""

    def __init__(self, code: grpc.StatusCode, message: str = "no", metadata: tuple[tuple[str, str | bytes], ...] = ()):
        super().__init__()
        self._parts = code, message, metadata

    def code(self) -> grpc.StatusCode:
        return self._parts[0]

    def details(self) -> str:
        return self._parts[1]

    def trailing_metadata(self) -> Any:
        return self._parts[2]


@dataclass
class Call:
    """A call that arrived."""

    method: str
    request: Any
    metadata: dict[str, str | bytes]
    time_left_s: float | None


@dataclass
class ScriptedServer(grpc.GenericRpcHandler):
    """Answers each method with its replies in turn; the last one is repeated."""

    replies: dict[str, list[Reply]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    address: str = ""

    def answer(self, method: str, *replies: Reply) -> None:
        """Sets the replies of a method, e.g. `TrialService/Ask`."""
        self.replies[f"/asktell.v1.{method}"] = list(replies)

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        method = handler_call_details.method
        if method not in self.replies:
            return None
        known = {each.path: each for each in vars(methods).values() if isinstance(each, methods.Method)}[method]

        def handle(request: Any, context: grpc.ServicerContext) -> Any:
            metadata = dict(context.invocation_metadata())
            self.calls.append(Call(method, request, metadata, context.time_remaining()))
            queue = self.replies[method]
            reply = queue.pop(0) if len(queue) > 1 else queue[0]
            return reply(request, context) if callable(reply) else reply

        stream = method.endswith("WatchStudy")
        make = grpc.unary_stream_rpc_method_handler if stream else grpc.unary_unary_rpc_method_handler
        return make(
            handle,
            request_deserializer=known.request.FromString,
            response_serializer=known.response.SerializeToString,
        )
