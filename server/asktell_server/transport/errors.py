"""Domain errors to gRPC statuses: one table, one builder."""

from __future__ import annotations

import math
from collections.abc import Mapping

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from asktell_server.domain.errors import (
    Aborted,
    AlreadyExists,
    AsktellError,
    ErrorReason,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    NotSupported,
    ResourceExhausted,
    Unavailable,
)

DOMAIN = "asktell"
PUSHBACK_TRAILER = "grpc-retry-pushback-ms"
DEFAULT_RETRY_AFTER_S = 0.5
"""Sent with UNAVAILABLE when the error itself names no time."""

# All trailers together stay under 5 kB: larger ones lose the status code in Java and C++. Details are base64 on the
# wire (4/3), and the message goes twice (grpc-message, percent-encoded, and inside the details).
MAX_MESSAGE_CHARS = 400
MAX_METADATA_CHARS = 300
MAX_METADATA_KEYS = 5

CODES: Mapping[type[AsktellError], grpc.StatusCode] = {
    InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    NotSupported: grpc.StatusCode.UNIMPLEMENTED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    Aborted: grpc.StatusCode.ABORTED,
    ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Unavailable: grpc.StatusCode.UNAVAILABLE,
}

REASON_CODES: Mapping[ErrorReason, grpc.StatusCode] = {
    ErrorReason.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorReason.INTERNAL: grpc.StatusCode.INTERNAL,
    ErrorReason.DEADLINE: grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorReason.STATELESS_SERVER: grpc.StatusCode.UNIMPLEMENTED,
}
"""Reasons that only the edge itself gives; they come before the table of types."""

_NUMBERS: Mapping[grpc.StatusCode, int] = {code: code.value[0] for code in grpc.StatusCode}


def status_code(error: AsktellError) -> grpc.StatusCode:
    """The status code of an error."""
    if error.reason in REASON_CODES:
        return REASON_CODES[error.reason]
    for kind in type(error).__mro__:
        if kind in CODES:
            return CODES[kind]
    return grpc.StatusCode.INTERNAL


def status_proto(error: AsktellError) -> status_pb2.Status:
    """The google.rpc.Status of an error, with ErrorInfo and what goes with its code."""
    code = status_code(error)
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=error.reason.value,
            domain=DOMAIN,
            metadata={
                key: _cut(value, MAX_METADATA_CHARS) for key, value in list(error.metadata.items())[:MAX_METADATA_KEYS]
            },
        )
    ]
    if isinstance(error, InvalidArgument):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_cut(error.field, MAX_METADATA_CHARS), description=_cut(error.description, MAX_MESSAGE_CHARS)
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    retry_after_s = retry_after(error)
    if retry_after_s is not None:
        delay = Duration()
        delay.FromMilliseconds(math.ceil(retry_after_s * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    packed = []
    for detail in details:
        wrapped = any_pb2.Any()
        wrapped.Pack(detail)
        packed.append(wrapped)
    return status_pb2.Status(code=_NUMBERS[code], message=_cut(error.message, MAX_MESSAGE_CHARS), details=packed)


def retry_after(error: AsktellError) -> float | None:
    """Seconds after which the call may be tried again; None when the error promises nothing."""
    if error.retry_after_s is not None:
        return error.retry_after_s
    return DEFAULT_RETRY_AFTER_S if status_code(error) is grpc.StatusCode.UNAVAILABLE else None


def to_status(error: AsktellError) -> grpc.Status:
    """An error as gRPC sends it."""
    status = rpc_status.to_status(status_proto(error))
    retry_after_s = retry_after(error)
    if retry_after_s is None:
        return status
    trailers = (*status.trailing_metadata, (PUSHBACK_TRAILER, str(math.ceil(retry_after_s * 1000))))
    return _Status(code=status.code, details=status.details, trailing_metadata=trailers)


class _Status(grpc.Status):
    """A status with trailers of our own."""

    def __init__(
        self, *, code: grpc.StatusCode, details: str, trailing_metadata: tuple[tuple[str, str | bytes], ...]
    ) -> None:
        self.code = code
        self.details = details
        self.trailing_metadata = trailing_metadata


def _cut(text: str, most: int) -> str:
    # Non-ASCII characters take up to 12 bytes each once percent-encoded: those count for four.
    budget = most
    for index, character in enumerate(text):
        budget -= 1 if character.isascii() else 4
        if budget < 0:
            return text[:index] + "..."
    return text
