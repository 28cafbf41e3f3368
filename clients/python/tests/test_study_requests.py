"""Specifications on the wire, changes, and the comparison behind `exist_ok`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import asktell
from asktell import Bayesian, Bool, Categorical, Discrete, Float, Grid, Int, Maximize, Metric, Minimize, StudySpec
from asktell._core import spec_codec as codec
from asktell._core.study_requests import (
    changeable_differences,
    encode_study,
    fixed_differences,
    full_study_name,
    update_request,
)
from asktell.spec import ALGORITHMS
from asktell.v1 import study_pb2

SPACE: dict[str, asktell.Domain] = {
    "lr": Float(1e-5, 1e-3, log=True, default=1e-4),
    "momentum": Float(0.5, 0.999, reverse_log=True),
    "dropout": Float(0, 0.5, step=0.1),
    "rank": Discrete([4, 8, 16]),
    "scale": Discrete([0.5, 1, 2], default=1),
    "layers": Int(1, 8, step=2, default=3),
    "width": Int(16, 1024, log=True),
    "optimizer": Categorical(["adam", "sgd"], default="sgd"),
    "nesterov": Bool(default=False),
}


def wrong(value: object) -> Any:
    """A value that a type checker would refuse."""
    return value


def spec(**changes: Any) -> StudySpec:
    return StudySpec(**{"space": SPACE, "objectives": [Minimize("loss")], **changes})


def test_a_space_survives_the_wire() -> None:
    back = codec.decode_space(codec.encode_space(SPACE))
    assert back == SPACE
    assert list(back) == list(SPACE)


def test_ints_among_floats_become_floats() -> None:
    scale = Discrete([0.5, 1, 2], default=1)
    assert [type(value) for value in (*scale.values, scale.default)] == [float] * 4
    ranks = Discrete(np.array([4, 8]))  # type: ignore[arg-type] # NumPy's are welcome
    wire = codec.encode_space({"rank": ranks})
    assert [value.int_value for value in wire.parameters[0].discrete_domain.values] == [4, 8]


@pytest.mark.parametrize(
    ("space", "complaint"),
    [
        ({"lr": (0, 1)}, r"space\['lr'\] must be a Float"),
        ({"lr": Float(wrong("0"), 1)}, r"space\['lr'\].min must be a number"),
        ({"n": Int(0, wrong(1.5))}, r"space\['n'\].max must be a whole number"),
        ({"o": Categorical(["a", wrong(2)])}, r"space\['o'\].values\[1\] must be a string"),
        ({"d": Discrete([1, wrong("b")])}, r"space\['d'\].values\[1\] must be a number"),
        ([("lr", Float(0, 1))], "space must map names"),
        ({3: Bool()}, "the parameter name 3 must be a string"),
    ],
)
def test_wrong_types_are_refused_by_name(space: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        codec.encode_space(space)


def test_both_scales_at_once_are_refused() -> None:
    with pytest.raises(ValueError, match="one scale"):
        Float(0.1, 1, log=True, reverse_log=True)


def test_a_string_is_no_list_of_categories() -> None:
    with pytest.raises(TypeError, match="list of strings"):
        Categorical("adam")


@pytest.mark.parametrize(
    "algorithm",
    ["auto", "manual", "grid", "random", "sobol", "bayesian", Grid({"lr": 7}, default_levels=3), Bayesian(8)],
)
def test_algorithms_survive_the_wire(algorithm: Any) -> None:
    expected = type(ALGORITHMS[algorithm]()) if isinstance(algorithm, str) else type(algorithm)
    back = codec.decode_algorithm(codec.encode_algorithm(algorithm))
    assert type(back) is expected
    if not isinstance(algorithm, str):
        assert back == algorithm


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="one of auto, manual"):
        codec.encode_algorithm("genetic")


def test_objectives_and_metrics() -> None:
    wire = encode_study(spec(objectives=Maximize("acc", split="train"), metrics=["loss", Metric("test", split="test")]))
    assert codec.decode_objectives(wire.objectives) == [Maximize("acc", split="train")]
    assert codec.decode_metrics_declared(wire.tracked_metrics) == [Metric("loss"), Metric("test", "test")]
    with pytest.raises(TypeError, match=r"objectives\[0\]"):
        encode_study(spec(objectives=["loss"]))


def test_what_is_not_given_is_left_to_the_server() -> None:
    wire = encode_study(spec())
    assert not wire.HasField("lease_policy")
    assert not wire.HasField("seed")
    assert encode_study(spec(lease_s=0)).lease_policy.HasField("lease_duration")


def test_the_servers_defaults_are_no_difference() -> None:
    stored = encode_study(spec(seed=7))
    stored.lease_policy.lease_duration.FromSeconds(60)
    stored.lease_policy.max_attempts = 3
    stored.ClearField("algorithm")
    for parameter in stored.search_space.parameters:
        if parameter.WhichOneof("domain") == "int_domain" and not parameter.int_domain.HasField("step"):
            parameter.int_domain.step = 1
    assert fixed_differences(encode_study(spec()), stored) == []
    assert changeable_differences(encode_study(spec()), stored) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"space": {**SPACE, "lr": Float(1e-5, 1e-2, log=True)}}, "space (lr)"),
        ({"space": {"lr": SPACE["lr"]}}, "space (momentum, dropout, rank, scale, layers, …)"),
        ({"objectives": [Maximize("loss")]}, "objectives"),
        ({"metrics": ["acc"]}, "metrics"),
        ({"algorithm": "random"}, "algorithm"),
        ({"lease_s": 5}, "lease_s"),
        ({"max_attempts": 1}, "max_attempts"),
        ({"seed": 8}, "seed"),
    ],
)
def test_a_different_specification_is_found(change: dict[str, Any], found: str) -> None:
    assert fixed_differences(encode_study(spec(**change)), encode_study(spec(seed=7))) == [found]


def test_rules_that_can_be_changed_are_told_apart() -> None:
    wanted = encode_study(spec(max_trials=5, max_running=2))
    assert fixed_differences(wanted, encode_study(spec())) == []
    assert changeable_differences(wanted, encode_study(spec())) == ["max_trials", "max_running"]


def test_updates_name_what_they_change() -> None:
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    changes = asktell.StudyChanges(max_trials=None, target=0.5, deadline=deadline, labels={"a": "b"})
    request = update_request("n", changes, etag="e")
    assert list(request.update_mask.paths) == [
        "stopping_rules.max_trials",
        "stopping_rules.target_value",
        "stopping_rules.deadline",
        "labels",
    ]
    assert not request.study.stopping_rules.HasField("max_trials")
    assert request.study.stopping_rules.target_value == 0.5
    assert (request.study.etag, dict(request.study.labels)) == ("e", {"a": "b"})
    with pytest.raises(TypeError, match="seed cannot be changed"):
        update_request("n", {"seed": 1}, etag="")  # type: ignore[typeddict-unknown-key]


@pytest.mark.parametrize("name", ["lora", "studies/lora", "projects/p/studies/lora"])
def test_names(name: str) -> None:
    assert full_study_name("p", name) == "projects/p/studies/lora"


def test_states_newer_than_this_client_are_unspecified() -> None:
    from asktell._core.study_view import StudyView

    assert StudyView(study_pb2.Study(state=99)).state is asktell.StudyState.UNSPECIFIED  # type: ignore[arg-type]
