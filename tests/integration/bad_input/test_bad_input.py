"""Every RPC with every kind of bad request: the right code and reason, the field named, nothing changed."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message

from asktell.v1 import (
    analysis_service_pb2,
    study_service_pb2,
    suggestion_service_pb2,
    trial_service_pb2,
)
from asktell_server.protocols.asktell_v1.limits import BATCH_BYTES
from tests.integration.bad_input import analysis_cases, other_cases, study_cases, trial_cases
from tests.integration.bad_input.cases import PROJECT, Case, World
from tests.support.rpc import Rpc, float_parameter, refused, space
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("bad_input")

CASES = [*study_cases.CASES, *trial_cases.CASES, *other_cases.CASES, *analysis_cases.CASES]

SERVICES = {
    service.name: service
    for file in (study_service_pb2, trial_service_pb2, suggestion_service_pb2, analysis_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
}
METHODS = [f"{service.name}.{method.name}" for service in SERVICES.values() for method in service.methods]

MAX_MESSAGE_BYTES = BATCH_BYTES


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on its embedded store."""
    with ServerProcess(tmp_path_factory.mktemp("bad-input")) as server:
        yield server


@pytest.fixture(scope="module")
def world(server: ServerProcess) -> Iterator[World]:
    """Two studies; bad requests must leave them as they are."""
    with Rpc(server.address) as rpc:
        study = rpc.create(
            "study", search_space=space(float_parameter("x")), lease_policy={"lease_duration": {"seconds": 0}}
        )
        told, running = study.ask(2)
        study.tell(told, 0.5)
        (queued,) = study.enqueue({"x": 0.5})
        yield World(study=study, other=rpc.create("other"), running=running, told=told, queued=queued)


@pytest.fixture
def unchanged(world: World) -> Iterator[None]:
    """The test leaves everything as it was: both studies with their counts and cursors, and the lists of studies."""
    before = _snapshot(world)
    yield
    assert _snapshot(world) == before


def _snapshot(world: World) -> list[Message]:
    studies = world.study.rpc.studies
    return [
        world.study.get(),
        world.other.get(),
        studies.ListStudies(study_service_pb2.ListStudiesRequest()),
        studies.ListStudies(study_service_pb2.ListStudiesRequest(parent=PROJECT)),
    ]


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_bad_request_is_refused_by_field_and_changes_nothing(world: World, case: Case) -> None:
    service, method = case.method.split(".")
    request = case.request(world)
    what = refused(lambda: world.study.rpc.call(service, method, request))
    assert (what.code.name, what.reason) == (case.code, case.reason), what.message
    assert what.metadata.get("field") == case.field
    assert list(what.fields) == ([case.field] if case.code == "INVALID_ARGUMENT" else [])


def test_the_table_has_every_rpc_of_the_contract() -> None:
    assert {case.method for case in CASES} == set(METHODS)


def test_no_case_is_in_the_table_twice() -> None:
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("method", METHODS)
def test_an_empty_request_is_refused_or_read(world: World, method: str) -> None:
    """Whatever is required is missing at once: never an internal error."""
    service, name = method.split(".")
    request = _request_type(method)()
    if method == "StudyService.ListStudies":  # the one that requires nothing
        world.study.rpc.call(service, name, request)
        return
    what = refused(lambda: world.study.rpc.call(service, name, request))
    assert what.code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNIMPLEMENTED), what


UNREADABLE = {
    "garbage": b"\xff\xff\xff\xff",
    "half a message": b"\x0a\x7fabc",
    "text that is not UTF-8": b"\x0a\x02\xc3\x28",
    "a message nested without end": b"\x1a\x04" * 200,
}


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("what", UNREADABLE)
@pytest.mark.parametrize("method", METHODS)
def test_bytes_that_are_no_message_are_refused(world: World, method: str, what: str) -> None:
    service, name = method.split(".")
    descriptor = SERVICES[service].methods_by_name[name]
    channel = world.study.rpc.channel
    make: Any = channel.unary_stream if descriptor.server_streaming else channel.unary_unary
    call = make(f"/{SERVICES[service].full_name}/{name}", request_serializer=bytes, response_deserializer=bytes)
    answer = refused(lambda: list(call(UNREADABLE[what], timeout=60)))
    assert (answer.code.name, answer.reason, answer.fields) == ("INVALID_ARGUMENT", "INVALID_FIELD", ["request"])


@pytest.mark.usefixtures("unchanged")
def test_an_oversize_message_is_refused_before_it_is_read(world: World) -> None:
    request = suggestion_service_pb2.SuggestRequest(warm_start=b"x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(grpc.RpcError) as caught:
        world.study.rpc.suggestions.Suggest(request)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.usefixtures("unchanged")
def test_an_unknown_method_is_unimplemented(world: World) -> None:
    call: Any = world.study.rpc.channel.unary_unary("/asktell.v1.TrialService/Guess")
    with pytest.raises(grpc.RpcError) as caught:
        call(b"", timeout=60)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_after_all_that_the_study_goes_on(world: World, server: ServerProcess) -> None:
    study = world.study.rpc.create(f"s-{secrets.token_hex(4)}")
    study.tell(study.ask_one(), 0.5)
    assert "Traceback" not in server.log()
    assert "incident" not in server.log()


def _request_type(method: str) -> Any:
    service, name = method.split(".")
    files = (study_service_pb2, trial_service_pb2, suggestion_service_pb2, analysis_service_pb2)
    input_type = SERVICES[service].methods_by_name[name].input_type.name
    return next(getattr(file, input_type) for file in files if hasattr(file, input_type))
