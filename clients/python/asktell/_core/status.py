"""From a gRPC status to an error of `asktell.errors`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from asktell.errors import BY_CODE, BY_REASON, AsktellError

DOMAIN = "asktell"
_DETAILS = "grpc-status-details-bin"
_PUSHBACK = "grpc-retry-pushback-ms"


class FailedCall(Protocol):
    """What errors of `grpc` and of `grpc.aio` have in common."""

    def code(self) -> grpc.StatusCode: ...
    def details(self) -> str | None: ...
    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None: ...


def from_call(call: FailedCall) -> AsktellError:
    """The error that a call ended with; without a reason when it is not a server of ours that says so."""
    trailers = dict(call.trailing_metadata() or ())
    info, retry_after_s = _details(trailers.get(_DETAILS))
    pushback = trailers.get(_PUSHBACK)
    if isinstance(pushback, str) and pushback.isdecimal():
        retry_after_s = max(retry_after_s or 0.0, int(pushback) / 1000)
    code = call.code()
    by_code = BY_CODE.get(code, AsktellError)
    return BY_REASON.get(info.reason, by_code)(
        call.details() or code.name,
        reason=info.reason,
        metadata=dict(info.metadata),
        code=code,
        retry_after_s=retry_after_s,
    )


def _details(trailer: str | bytes | None) -> tuple[error_details_pb2.ErrorInfo, float | None]:
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    retry_after_s = None
    if isinstance(trailer, bytes):
        try:
            for detail in status_pb2.Status.FromString(trailer).details:
                if detail.Is(retry.DESCRIPTOR):
                    detail.Unpack(retry)
                    retry_after_s = retry.retry_delay.ToTimedelta().total_seconds()
                elif detail.Is(info.DESCRIPTOR):
                    found = error_details_pb2.ErrorInfo()
                    detail.Unpack(found)
                    if found.domain == DOMAIN:
                        info = found
        except DecodeError:
            pass  # a middlebox cut the trailer: the status itself still says what happened
    return info, retry_after_s
