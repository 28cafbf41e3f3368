"""What every method of asktell.v1 declares, and what a server answers with and without a store."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, cast

import pytest
from google.protobuf.message import Message

from asktell.v1 import analysis_service_pb2, study_service_pb2, suggestion_service_pb2, trial_service_pb2
from asktell_server.domain.errors import AsktellError, ErrorReason
from asktell_server.protocols.asktell_v1 import contract
from asktell_server.service.clock import utc_now
from asktell_server.service.use_cases import UseCases
from asktell_server.transport.calls import Call, Method, Permission, Principal, Service

NOBODY: Any = cast(Any, None)  # the tests call no use case
USE_CASES = UseCases(**dict.fromkeys((field.name for field in fields(UseCases)), NOBODY))
WITH_STORE = contract.services(NOBODY, USE_CASES, utc_now)
STATELESS = contract.services(NOBODY, None, utc_now)

DESCRIPTORS = {
    descriptor.full_name: descriptor
    for file in (analysis_service_pb2, study_service_pb2, suggestion_service_pb2, trial_service_pb2)
    for descriptor in file.DESCRIPTOR.services_by_name.values()
}
METHODS = {method.name: method for service in WITH_STORE for method in service.methods}

ANALYSIS = [method.name for method in DESCRIPTORS["asktell.v1.AnalysisService"].methods]
READ = {
    *("GetStudy", "ListStudies", "GetTrial", "ListTrials", "ListBestTrials", "WatchStudy"),
    *ANALYSIS,
}
WORK = {"Ask", "Tell", "Report", "ReleaseTrial", "Suggest"}
CANCELLABLE = READ | {"Ask", "Suggest"}
"""They change nothing, or (Ask) must not start trials for nobody."""

NAMED: dict[str, str] = {
    "CreateStudy": "parent",
    "ListStudies": "parent",
    "GetStudy": "name",
    "DeleteStudy": "name",
    "ReopenStudy": "name",
    "UpdateStudy": "study.name",
    "UpdateTrial": "trial.name",
    **dict.fromkeys(("Ask", "EnqueueTrials", "ImportTrials", "WatchStudy"), "study"),
    **dict.fromkeys(("ListTrials", "ListBestTrials"), "parent"),
    **dict.fromkeys(ANALYSIS, "parent"),
    **dict.fromkeys(("Tell", "Report", "ReleaseTrial", "GetTrial", "AmendTrial", "CancelTrial", "DeleteTrial"), "name"),
}
"""The field that names what a request concerns."""
OF_PROJECTS = {"CreateStudy", "ListStudies"}
"""Methods whose field names a project; that of the others names a study or a trial."""


@pytest.mark.parametrize("services", [WITH_STORE, STATELESS])
def test_every_service_and_method_of_the_contract_is_there(services: list[Service]) -> None:
    assert {service.name for service in services} == set(DESCRIPTORS)
    for service in services:
        assert [method.name for method in service.methods] == [each.name for each in DESCRIPTORS[service.name].methods]


@pytest.mark.parametrize("services", [WITH_STORE, STATELESS])
def test_every_method_declares_its_rules(services: list[Service]) -> None:
    rules = {method.name: method.rules for service in services for method in service.methods}
    assert {name for name, each in rules.items() if each.permission is Permission.READ} == READ
    assert {name for name, each in rules.items() if each.permission is Permission.WORK} == WORK
    assert {each.permission for each in rules.values()} == {Permission.READ, Permission.WORK, Permission.EDIT}
    assert {name for name, each in rules.items() if each.cancellable} == CANCELLABLE
    assert all(2**20 <= each.max_bytes <= 2**25 for each in rules.values())


def test_only_watching_streams() -> None:
    assert [method.name for method in METHODS.values() if method.streams] == ["WatchStudy"]


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("project", ["vision", "default"])
def test_a_request_concerns_the_project_of_the_name_in_it(name: str, project: str) -> None:
    method = METHODS[name]
    assert method.rules.project(_request(method, f"projects/{project}")) == project
    assert method.rules.project(_request(method, "")) == "default"


@pytest.mark.parametrize("name", NAMED)
def test_a_name_that_is_none_concerns_no_project(name: str) -> None:
    method = METHODS[name]
    request = method.request()
    _set(request, NAMED[name], "projects/NO!/studies/a/trials/1")
    assert method.rules.project(request) == ""


def test_every_method_has_its_project_looked_at() -> None:
    assert set(METHODS) - set(NAMED) == {"Suggest"}
    assert METHODS["Suggest"].rules.project(suggestion_service_pb2.SuggestRequest()) == ""


def test_what_serves() -> None:
    def serving(services: Any) -> set[str]:
        return {service.name for service in services if service.serves}

    assert serving(WITH_STORE) == set(DESCRIPTORS)
    assert serving(STATELESS) == {"asktell.v1.SuggestionService"}


@pytest.mark.parametrize("method", [method for each in STATELESS if not each.serves for method in each.methods])
async def test_without_a_store_everything_else_is_refused(method: Method) -> None:
    answer = method.handler(method.request(), _call_of(method))
    with pytest.raises(AsktellError) as caught:
        await (anext(answer) if method.streams else answer)
    assert caught.value.reason is ErrorReason.STATELESS_SERVER


def _call_of(method: Method) -> Call:
    caller = Principal(name="test")
    return Call(method=method, principal=caller, peer="", metadata={}, deadline_s=None, clock=lambda: 0.0)


def _request(method: Method, project: str) -> Message:
    """A request that names a study or trial of the project, or the project itself where the method wants that."""
    field = NAMED[method.name]
    parts = [project]
    if method.name not in OF_PROJECTS:
        parts.append("studies/lora")
        if method.service.endswith("TrialService") and field.endswith("name"):
            parts.append("trials/7")
    request = method.request()
    _set(request, field, "/".join(filter(None, parts)))
    return request


def _set(request: Message, field: str, name: str) -> None:
    *path, last = field.split(".")
    for part in path:
        request = getattr(request, part)
    setattr(request, last, name)
