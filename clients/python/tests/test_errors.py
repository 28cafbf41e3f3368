"""Statuses to errors, by reason."""

from __future__ import annotations

import pickle

import grpc
import pytest

import asktell
from asktell import errors
from asktell._core.status import from_call
from asktell.v1 import error_reason_pb2
from tests.support.scripted_server import Failed, trailers


def ended(code: grpc.StatusCode, reason: str, **metadata: str) -> asktell.AsktellError:
    return from_call(Failed(code, "words", trailers(code, reason, "words", 1.5, None, metadata)))


def test_every_reason_has_a_class() -> None:
    names = {name.removeprefix("ERROR_REASON_") for name in dict(error_reason_pb2.ErrorReason.items())} - {
        "UNSPECIFIED"
    }
    assert errors.BY_REASON.keys() == names


def test_the_tree_is_drawn_in_full() -> None:
    assert errors.__doc__ is not None
    words = set(errors.__doc__.replace("├──", "").replace("└──", "").replace("│", "").split())
    assert set(errors.__all__) <= words


def test_a_refused_field_is_named() -> None:
    error = ended(
        grpc.StatusCode.INVALID_ARGUMENT, "VALUE_OUTSIDE_SPACE", field="trials[0].parameters[lr]", parameter="lr"
    )
    assert isinstance(error, asktell.ValueOutsideSpace)
    assert isinstance(error, asktell.InvalidArgument)
    assert (error.field, error.parameter, error.message) == ("trials[0].parameters[lr]", "lr", "words")


def test_complete_says_so_in_every_clients_words() -> None:
    error = ended(grpc.StatusCode.FAILED_PRECONDITION, "STUDY_COMPLETE", name="n", finish_reason="MAX_TRIALS")
    assert str(error) == "study is complete: its budget of trials is used up; study.update(max_trials=…) goes on"
    assert isinstance(error, asktell.StudyComplete)
    assert error.finish_reason == "MAX_TRIALS"


def test_conflict_carries_what_is_stored() -> None:
    error = ended(
        grpc.StatusCode.ALREADY_EXISTS, "RESULT_CONFLICT", name="n", state="SUCCEEDED", metrics='{"loss": 0.27}'
    )
    assert isinstance(error, asktell.ResultConflict)
    assert error.stored == {"loss": 0.27}


def test_retry_after_is_the_longer_of_detail_and_pushback() -> None:
    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    error = from_call(Failed(code, "no", trailers(code, "NO_TRIAL_AVAILABLE", "no", 1.5, 2500)))
    assert isinstance(error, asktell.NoTrialAvailable)
    assert error.retry_after_s == 2.5


@pytest.mark.parametrize("code", list(errors.BY_CODE))
def test_a_status_without_reason_goes_by_its_code(code: grpc.StatusCode) -> None:
    error = from_call(Failed(code))
    assert type(error) is errors.BY_CODE[code]
    assert error.reason == ""


def test_a_reason_newer_than_this_client_goes_by_its_code() -> None:
    error = ended(grpc.StatusCode.NOT_FOUND, "TEAM_NOT_FOUND", name="x")
    assert type(error) is asktell.NotFound
    assert error.reason == "TEAM_NOT_FOUND"


def test_a_foreign_domain_is_not_ours() -> None:
    code = grpc.StatusCode.NOT_FOUND
    broken = (("grpc-status-details-bin", b"\xff\xff"),)
    assert type(from_call(Failed(code, "no", broken))) is asktell.NotFound


def test_errors_travel_between_processes() -> None:
    error = ended(grpc.StatusCode.FAILED_PRECONDITION, "STUDY_COMPLETE", name="n", finish_reason="TARGET")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is asktell.StudyComplete
    assert (str(copy), copy.metadata, copy.code) == (str(error), error.metadata, error.code)
