"""What a call decides when its time is up, played without a server."""

from __future__ import annotations

from typing import Any

import grpc

from asktell._core import methods
from asktell._core.flow import Sleep, Unary, Unreachable, call
from asktell.errors import AsktellError, DeadlineExceeded, Unavailable
from asktell.v1 import study_service_pb2


class Failed(grpc.RpcError):
    """A call that ended with a status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code)
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return f"for a test: {self._code.name}"

    def trailing_metadata(self) -> tuple[Any, ...]:
        return ()


def play(*codes: grpc.StatusCode, timeout_s: float, unreachable: str | None = None) -> AsktellError:
    """The error that a call ends with whose tries end with `codes`."""
    flow: Any = call(methods.GET_STUDY, study_service_pb2.GetStudyRequest(name="s"), timeout_s=timeout_s)
    tries = iter(codes)
    effect = next(flow)
    try:
        while True:
            match effect:
                case Unary():
                    effect = flow.throw(Failed(next(tries)))
                case Sleep():
                    effect = flow.send(None)
                case Unreachable():
                    effect = flow.send(unreachable)
    except AsktellError as error:
        assert next(tries, None) is None
        return error


UNAVAILABLE, TOO_LATE = grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_try_without_an_answer_is_a_deadline_that_passed() -> None:
    assert isinstance(play(TOO_LATE, timeout_s=30), DeadlineExceeded)
    assert isinstance(play(UNAVAILABLE, TOO_LATE, timeout_s=30), DeadlineExceeded)


def test_a_last_try_that_had_no_time_says_what_the_one_before_was_told() -> None:
    error = play(UNAVAILABLE, TOO_LATE, timeout_s=0.9)
    assert isinstance(error, Unavailable)
    assert error.message == "for a test: UNAVAILABLE"


def test_no_connection_is_unavailable() -> None:
    error = play(TOO_LATE, timeout_s=30, unreachable="no server answers")
    assert isinstance(error, Unavailable)
    assert error.message == "no server answers"
