"""Errors on the wire: the catalogue, the table, the details, their size."""

from __future__ import annotations

import urllib.parse

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from asktell.v1 import error_reason_pb2
from asktell_server.domain import errors
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
from asktell_server.transport.errors import CODES, PUSHBACK_TRAILER, REASON_CODES, status_code, status_proto, to_status

MAX_TRAILERS_BYTES = 5000
PREFIX = "ERROR_REASON_"


def test_the_catalogue_and_the_domain_have_the_same_reasons() -> None:
    wire = {name.removeprefix(PREFIX) for name in error_reason_pb2.ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118
    assert {reason.value for reason in ErrorReason} == wire
    assert all(reason.name == reason.value for reason in ErrorReason)


def test_the_table_has_every_class_of_error() -> None:
    classes = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AsktellError)}
    assert set(CODES) == classes - {AsktellError}


CODE_RANGES = [
    (range(1, 20), "INVALID_ARGUMENT"),
    (range(20, 30), "UNIMPLEMENTED"),
    (range(30, 40), "NOT_FOUND"),
    (range(40, 50), "ALREADY_EXISTS"),
    (range(50, 60), "FAILED_PRECONDITION"),
    (range(60, 70), "ABORTED"),
    (range(70, 80), "RESOURCE_EXHAUSTED"),
    (range(80, 82), "UNAVAILABLE"),
    (range(82, 83), "UNIMPLEMENTED"),
]
"""The catalogue numbers its reasons by code."""

EXAMPLES: list[AsktellError] = [
    InvalidArgument("name", "is wrong"),
    InvalidArgument("value", "is NaN", reason=ErrorReason.NOT_FINITE),
    NotSupported("study.early_stopping", "not yet"),
    NotFound("no such study", reason=ErrorReason.STUDY_NOT_FOUND),
    AlreadyExists("another result", reason=ErrorReason.RESULT_CONFLICT),
    FailedPrecondition("complete", reason=ErrorReason.STUDY_COMPLETE),
    Aborted("lost", reason=ErrorReason.CONTENTION),
    ResourceExhausted("full", reason=ErrorReason.OVERLOADED, retry_after_s=0.25),
    Unavailable("away", reason=ErrorReason.STORE_UNAVAILABLE),
    AsktellError("only suggestions here", reason=ErrorReason.STATELESS_SERVER),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.reason.value)
def test_codes_agree_with_the_catalogue(error: AsktellError) -> None:
    number = error_reason_pb2.ErrorReason.Value(PREFIX + error.reason.value)
    (expected,) = [code for numbers, code in CODE_RANGES if number in numbers]
    assert status_code(error).name == expected


def test_a_subclass_has_the_code_of_its_class() -> None:
    class Special(NotFound):
        pass

    assert status_code(Special("gone", reason=ErrorReason.TRIAL_NOT_FOUND)) is grpc.StatusCode.NOT_FOUND
    assert status_code(AsktellError("?", reason=ErrorReason.CONTENTION)) is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize("reason", REASON_CODES)
def test_reasons_of_the_edge_come_before_the_class(reason: ErrorReason) -> None:
    assert status_code(AsktellError("edge", reason=reason)) is REASON_CODES[reason]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.reason.value)
def test_details_decode(error: AsktellError) -> None:
    status = status_proto(error)
    assert status.code == status_code(error).value[0]
    assert status.message == error.message
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.domain, info.reason, dict(info.metadata)) == ("asktell", error.reason.value, error.metadata)


def test_a_bad_field_is_named_in_a_bad_request() -> None:
    status = status_proto(InvalidArgument("study.objectives[0].goal", "must be set"))
    detail = error_details_pb2.BadRequest()
    assert _unpacked(status, detail)
    (violation,) = detail.field_violations
    assert (violation.field, violation.description) == ("study.objectives[0].goal", "must be set")


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (ResourceExhausted("full", reason=ErrorReason.OVERLOADED, retry_after_s=0.25), 0.25),
        (Unavailable("away", reason=ErrorReason.STORE_UNAVAILABLE), 0.5),
        (Unavailable("away", reason=ErrorReason.SERVER_DRAINING, retry_after_s=2.0), 2.0),
        (ResourceExhausted("for good", reason=ErrorReason.LIMIT_EXCEEDED), None),
        (Aborted("lost", reason=ErrorReason.CONTENTION), None),
    ],
)
def test_retry_info_and_push_back_say_the_same(error: AsktellError, seconds: float | None) -> None:
    detail = error_details_pb2.RetryInfo()
    found = _unpacked(status_proto(error), detail)
    trailers = dict(to_status(error).trailing_metadata)
    if seconds is None:
        assert not found
        assert PUSHBACK_TRAILER not in trailers
    else:
        assert detail.retry_delay.ToTimedelta().total_seconds() == seconds
        assert trailers[PUSHBACK_TRAILER] == str(round(seconds * 1000))


NASTY = [
    "",
    "x" * 100_000,
    "%" * 10_000,
    "\n" * 10_000,
    "\0" * 10_000,
    "é" * 10_000,
    "損" * 10_000,
    "🔥" * 10_000,
    'quote " and \\ backslash ' * 500,
]


@pytest.mark.parametrize("text", NASTY, ids=lambda text: repr(text[:2]))
def test_trailers_stay_small_whatever_the_text(text: str) -> None:
    _assert_small(InvalidArgument(text, text, metadata={"parameter": text, "metric": text, "more": text}))
    _assert_small(Unavailable(text, reason=ErrorReason.STORE_UNAVAILABLE, metadata={"name": text}, retry_after_s=3600))


@given(st.text(st.characters(codec="utf-8")))
def test_trailers_stay_small_and_decode_for_any_text(text: str) -> None:
    _assert_small(InvalidArgument(text * 50, text * 50, metadata={"parameter": text * 50}))


def _assert_small(error: AsktellError) -> None:
    status = to_status(error)
    size = len(urllib.parse.quote(status.details.encode(), safe="")) + len("grpc-message")
    for key, value in status.trailing_metadata:
        binary = isinstance(value, bytes)
        size += len(key) + (-(-len(value) // 3) * 4 if binary else len(value))
        if binary:
            status_pb2.Status.FromString(value)
    assert size < MAX_TRAILERS_BYTES


def _unpacked(status: status_pb2.Status, into: error_details_pb2.BadRequest | error_details_pb2.RetryInfo) -> bool:
    details: list[any_pb2.Any] = list(status.details)
    return any(detail.Unpack(into) for detail in details)
