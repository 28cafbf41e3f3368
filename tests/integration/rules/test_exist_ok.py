"""Create-or-open: the server decides whether the study that is there is the one that is wanted."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from asktell.v1 import search_space_pb2, study_pb2, study_service_pb2
from tests.support.rpc import Rpc, a_study, refused

SPACE = search_space_pb2.SearchSpace(
    parameters=[
        search_space_pb2.Parameter(name="x", float_domain=search_space_pb2.FloatDomain(min=0, max=1)),
        search_space_pb2.Parameter(name="n", int_domain=search_space_pb2.IntDomain(min=1, max=9)),
    ]
)
FULL: dict[str, Any] = {
    "search_space": SPACE,
    "seed": 7,
    "replicates": 2,
    "lease_policy": study_pb2.LeasePolicy(lease_duration=Duration(seconds=90), max_attempts=5),
    "stopping_rules": study_pb2.StoppingRules(max_trials=50),
    "max_staleness": 3,
    "max_running_trials": 4,
    "tracked_metrics": [study_pb2.TrackedMetric(metric="a"), study_pb2.TrackedMetric(metric="b")],
}


def ensure(rpc: Rpc, study_id: str, **fields: Any) -> study_pb2.Study:
    """CreateStudy with `exist_ok`."""
    request = study_service_pb2.CreateStudyRequest(study_id=study_id, study=a_study(**fields), exist_ok=True)
    return rpc.studies.CreateStudy(request)


@pytest.fixture
def stored(rpc: Rpc) -> str:
    """The id of a study that is there."""
    study_id = f"s-{secrets.token_hex(6)}"
    rpc.create(study_id, **FULL)
    return study_id


def test_it_creates_what_is_not_there(rpc: Rpc) -> None:
    study = ensure(rpc, f"s-{secrets.token_hex(6)}", **FULL)
    assert study.seed == 7
    assert rpc.studies.GetStudy(study_service_pb2.GetStudyRequest(name=study.name)).etag == study.etag


def test_the_same_study_is_opened_as_it_is(rpc: Rpc, stored: str) -> None:
    trial = rpc.studies.GetStudy(study_service_pb2.GetStudyRequest(name=stored))
    opened = ensure(rpc, stored, **FULL)
    assert (opened.etag, opened.create_time) == (trial.etag, trial.create_time)
    assert list(opened.warnings) == list(trial.warnings)


@pytest.mark.parametrize("unset", ["seed", "replicates", "lease_policy", "max_staleness"])
def test_what_is_left_to_the_server_is_no_difference(rpc: Rpc, stored: str, unset: str) -> None:
    fields = {name: value for name, value in FULL.items() if name != unset}
    assert not ensure(rpc, stored, **fields).warnings


def test_the_order_of_parameters_and_metrics_is_no_difference(rpc: Rpc, stored: str) -> None:
    turned = search_space_pb2.SearchSpace(parameters=reversed(SPACE.parameters))
    metrics = list(reversed(FULL["tracked_metrics"]))
    assert not ensure(rpc, stored, **{**FULL, "search_space": turned, "tracked_metrics": metrics}).warnings


def _other_space() -> search_space_pb2.SearchSpace:
    space = search_space_pb2.SearchSpace()
    space.CopyFrom(SPACE)
    space.parameters[1].int_domain.max = 10
    space.parameters.add(name="flag").bool_domain.SetInParent()
    return space


@pytest.mark.parametrize(
    ("field", "value", "differs", "said"),
    [
        ("search_space", _other_space(), "search_space (n, flag)", "space (n, flag)"),
        ("seed", 8, "seed", ""),
        ("replicates", 3, "replicates", ""),
        ("algorithm", study_pb2.Algorithm(sobol=study_pb2.SobolAlgorithm()), "algorithm", ""),
        ("objectives", [study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MAXIMIZE)], "objectives", ""),
        ("tracked_metrics", [study_pb2.TrackedMetric(metric="a")], "tracked_metrics", ""),
        ("lease_policy", study_pb2.LeasePolicy(max_attempts=6), "lease_policy.max_attempts", "lease.max_attempts"),
    ],
)
def test_another_study_of_that_name_is_refused_with_what_differs(
    rpc: Rpc, stored: str, field: str, value: Any, differs: str, said: str
) -> None:
    what = refused(lambda: ensure(rpc, stored, **{**FULL, field: value}))
    assert (what.code.name, what.reason) == ("ALREADY_EXISTS", "STUDY_EXISTS")
    assert what.metadata == {"name": f"projects/default/studies/{stored}", "differs": differs}
    assert f"exists with another {said or differs}:" in what.message


@pytest.mark.parametrize(
    ("field", "value", "differs"),
    [
        ("stopping_rules", study_pb2.StoppingRules(max_trials=60), ["stopping_rules.max_trials"]),
        (
            "stopping_rules",
            study_pb2.StoppingRules(max_trials=50, deadline=Timestamp(seconds=4_000_000_000)),
            ["stopping_rules.deadline"],
        ),
        ("max_running_trials", 5, ["max_running_trials"]),
        ("max_staleness", 0, ["max_staleness"]),
    ],
)
def test_what_an_update_could_change_is_a_warning(
    rpc: Rpc, stored: str, field: str, value: Any, differs: list[str]
) -> None:
    opened = ensure(rpc, stored, **{**FULL, field: value})
    kind = study_pb2.WARNING_KIND_DIFFERS_FROM_REQUEST
    assert [warning.field for warning in opened.warnings if warning.kind == kind] == differs
    assert opened.stopping_rules.max_trials == 50


def test_without_exist_ok_the_name_is_taken(rpc: Rpc, stored: str) -> None:
    what = refused(lambda: rpc.create(stored, **FULL))
    assert what.metadata == {"name": f"projects/default/studies/{stored}"}


def test_a_file_opens_the_study_that_it_has_made(rpc: Rpc) -> None:
    study_id = f"s-{secrets.token_hex(6)}"
    text = f"name: {study_id}\nobjectives: [{{metric: loss, goal: minimize}}]\nparameters:\n  x: {{type: float, min: 0, max: 1}}\n"
    first, second = (
        rpc.studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_file=text, exist_ok=True)) for _ in range(2)
    )
    assert (first.etag, first.seed) == (second.etag, second.seed)
