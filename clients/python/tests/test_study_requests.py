"""Specifications on the wire, study files, and changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import asktell
from asktell import (
    AtLeast,
    AtMost,
    Bayesian,
    Bool,
    Categorical,
    Derived,
    Discrete,
    Float,
    Grid,
    Int,
    Maximize,
    Metric,
    Minimize,
    StudyOptions,
)
from asktell._core import spec_codec as codec
from asktell._core.space_codec import encode_space
from asktell._core.study_requests import create_request, file_request, full_study_name, update_request
from asktell._core.study_view import StudyView, encode_study
from asktell.spec import ALGORITHMS
from asktell.v1 import study_pb2

SPACE: dict[str, asktell.Domain | asktell.Derived] = {
    "lr": Float(1e-5, 1e-3, log=True, default=1e-4),
    "momentum": Float(0.5, 0.999, reverse_log=True),
    "dropout": Float(0, 0.5, step=0.1),
    "rank": Discrete([4, 8, 16]),
    "dataset": Categorical(["a", "b"], context=True),
    "tokens": Int(1, 9, context=True),
    "scale": Discrete([0.5, 1, 2], default=1),
    "layers": Int(1, 8, step=2, default=3),
    "width": Int(16, 1024, log=True),
    "optimizer": Categorical(["adam", "sgd"], default="sgd"),
    "nesterov": Bool(default=False, prior=asktell.WeightsPrior([1, 3])),
    "decay": Float(1e-6, 1e-1, log=True, prior=asktell.NormalPrior(1e-3, 0.2)),
    "heads": Int(1, 8, default=2, prior=asktell.NormalPrior(4, 0.5)),
    "patch": Discrete([4, 8, 16], prior=asktell.WeightsPrior([0, 1, 2])),
    "norm": Categorical(["layer", "batch"], prior=asktell.WeightsPrior((1, 0))),
    "capacity": Derived("rank * width"),
}


def wrong(value: object) -> Any:
    """A value that a type checker would refuse."""
    return value


def spec(**changes: Any) -> StudyOptions:
    options: Any = {"space": SPACE, "objectives": [Minimize("loss")], **changes}
    return options


def test_a_space_survives_the_wire() -> None:
    back = StudyView(encode_study(spec())).space
    assert back == SPACE
    assert list(back) == list(SPACE)
    assert list(StudyView(encode_study(spec())).domains) == list(SPACE)[:-1]


def test_priors_are_of_their_kind() -> None:
    for prior, complaint in (
        ({"mean": 1}, r"space\['x'\].prior must be a NormalPrior or a WeightsPrior"),
        (asktell.NormalPrior(wrong("1"), 0.1), r"space\['x'\].prior.mean"),
        (asktell.WeightsPrior(wrong([1, None])), r"space\['x'\].prior.weights\[1\]"),
    ):
        with pytest.raises(TypeError, match=complaint):
            encode_space({"x": Float(0, 1, prior=wrong(prior))})


def test_ints_among_floats_become_floats() -> None:
    scale = Discrete([0.5, 1, 2], default=1)
    assert [type(value) for value in (*scale.values, scale.default)] == [float] * 4
    ranks = Discrete(np.array([4, 8]))  # type: ignore[arg-type] # NumPy's are welcome
    wire = encode_space({"rank": ranks})
    assert [value.int_value for value in wire.parameters[0].discrete_domain.values] == [4, 8]


@pytest.mark.parametrize(
    ("space", "complaint"),
    [
        ({"lr": Derived(wrong(2))}, r"space\['lr'\].expression must be a str"),
        ({"lr": (0, 1)}, r"space\['lr'\] must be a Float"),
        ({"lr": Float(wrong("0"), 1)}, r"space\['lr'\].min must be a number"),
        ({"n": Int(0, wrong(1.5))}, r"space\['n'\].max must be a whole number"),
        ({"o": Categorical(["a", wrong(2)])}, r"space\['o'\]: the categories of Categorical are strings"),
        ({"d": Discrete([1, wrong("b")])}, r"space\['d'\].values\[1\] must be a number"),
        ([("lr", Float(0, 1))], "space must map names"),
        ({3: Bool()}, "the parameter name 3 must be a string"),
    ],
)
def test_wrong_types_are_refused_by_name(space: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        encode_space(space)


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
    back = StudyView(encode_study(spec(algorithm=algorithm))).algorithm
    assert type(back) is expected
    if not isinstance(algorithm, str):
        assert back == algorithm


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([16, 32], "got 16, 32: Discrete([…]) takes numbers"),
        ([True, False], "got True, False: Bool() is true or false"),
        (["adam", None], 'got None: a category such as "none" stands for None'),
        ([16, 32, None], 'got 16, 32, None: Discrete([…]) takes numbers, a category such as "none" stands for None'),
    ],
)
def test_other_categories_than_strings_are_pointed_to_their_domain(values: Any, complaint: str) -> None:
    with pytest.raises(TypeError) as caught:
        encode_space({"size": Categorical(values)})
    assert str(caught.value) == f"space['size']: the categories of Categorical are strings, {complaint}"


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="one of auto, manual"):
        codec.encode_algorithm("genetic")


def test_objectives_and_metrics() -> None:
    wire = encode_study(spec(objectives=Maximize("acc", split="train"), metrics=["loss", Metric("test", split="test")]))
    assert StudyView(wire).objectives == [Maximize("acc", split="train")]
    assert StudyView(wire).metrics == [Metric("loss"), Metric("test", "test")]
    with pytest.raises(TypeError, match=r"objectives\[0\]"):
        encode_study(spec(objectives=["loss"]))


def test_several_objectives_their_references_and_a_target_by_objective() -> None:
    objectives = [Minimize("loss", reference=0.5), Maximize("acc", reference=0.0), Minimize("size")]
    view = StudyView(encode_study(spec(objectives=objectives, target={"loss": 0.25, "acc": 0.9}, max_trials=3)))
    assert view.objectives == objectives
    assert view.target == view.stopping.target == {"loss": 0.25, "acc": 0.9}
    assert view.max_trials == 3


def test_constraints_of_other_types_are_refused_by_name() -> None:
    assert StudyView(encode_study(spec(outcome_constraints=AtMost("ms", 5)))).outcome_constraints == [AtMost("ms", 5.0)]
    with pytest.raises(TypeError, match=r"outcome_constraints\[1\] must be AtMost"):
        encode_study(spec(outcome_constraints=[AtMost("ms", 5), "ms <= 5"]))
    with pytest.raises(TypeError, match=r"outcome_constraints\[0\].max must be a number"):
        encode_study(spec(outcome_constraints=[AtMost("ms", wrong("5"))]))


def test_what_is_not_given_is_left_to_the_server() -> None:
    wire = encode_study(spec())
    assert not wire.HasField("lease_policy")
    assert not wire.HasField("seed")
    assert encode_study(spec(lease_s=0)).lease_policy.HasField("lease_duration")


def test_every_option_survives_the_wire() -> None:
    options = spec(
        outcome_constraints=[AtMost("ms", 50), AtLeast("recall", 0.9, of_baseline=True, split="train")],
        metrics=["acc"],
        cost="seconds",
        early_stopping=asktell.MedianStopping(min_steps=3),
        parameter_constraints=["layers <= width"],
        algorithm=Bayesian(8),
        baseline_trial=3,
        max_trials=50,
        target=0.5,
        patience=20,
        min_expected_gain=0.001,
        deadline=datetime(2030, 1, 1, tzinfo=UTC),
        lease_s=90,
        max_attempts=5,
        max_running=4,
        replicates=2,
        parents=["net-last-month"],
        max_staleness=0,
        seed=7,
        display_name="a title",
        labels={"team": "nlp"},
        annotations={"run": "17"},
        note="a guess",
    )
    assert options.keys() == StudyOptions.__annotations__.keys()
    view = StudyView(create_request("p", "lora", options, exist_ok=True).study)
    expected = {**options, "metrics": [Metric("acc")], "lease_s": 90.0}
    assert {name: getattr(view, name) for name in options} == expected


def test_none_leaves_an_option_to_the_server() -> None:
    optional = [name for name, kind in StudyOptions.__annotations__.items() if "None" in str(kind)]
    assert len(optional) == 19
    assert encode_study(spec(**dict.fromkeys(optional))) == encode_study(spec())


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"space": SPACE}, "create_study\\(\\) needs objectives"),
        (spec(max_trails=5), "create_study\\(\\) knows no max_trails; it takes display_name, space"),
        (spec(max_trials=2.5), "max_trials must be a whole number"),
        (spec(labels={"a": 1}), r"labels\['a'\] must be a string"),
    ],
)
def test_wrong_options_are_refused_by_name(options: Any, complaint: str) -> None:
    with pytest.raises(TypeError, match=complaint):
        encode_study(options)


def test_the_text_of_a_study_file_goes_to_the_server(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("name: größe\n", encoding="utf-8")
    request = file_request("p", path, study_id="other", exist_ok=True)
    assert (request.parent, request.study_id, request.study_file) == ("projects/p", "other", "name: größe\n")
    assert request.exist_ok
    assert request.request_id
    assert not file_request("p", path, check=True).request_id


def test_study_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_request("p", tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    with pytest.raises(ValueError, match=r"latin\.yaml: is not UTF-8 text"):
        file_request("p", tmp_path / "latin.yaml")
    (tmp_path / "empty.yaml").write_bytes(b"")
    assert file_request("p", tmp_path / "empty.yaml").study_file  # "" would mean that there is no file


def test_a_mistake_in_a_file_begins_with_its_path() -> None:
    error = asktell.InvalidStudyFile(
        "4:9: x: is missing", reason="INVALID_STUDY_FILE", metadata={"line": "4", "column": "9"}
    )
    placed = error.at("study.yaml:")
    assert str(placed) == "study.yaml:4:9: x: is missing"
    assert (type(placed), placed.line, placed.column, placed.reason) == (type(error), 4, 9, error.reason)


def test_updates_name_what_they_change() -> None:
    deadline = datetime(2030, 1, 1, tzinfo=UTC)
    changes = asktell.StudyChanges(max_trials=None, target=0.5, deadline=deadline, labels={"a": "b"})
    request = update_request("n", changes, etag="e")
    assert list(request.update_mask.paths) == [
        "stopping_rules.max_trials",
        "stopping_rules.target_value",
        "stopping_rules.target_values",
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
    assert StudyView(study_pb2.Study(state=99)).state is asktell.StudyState.UNSPECIFIED  # type: ignore[arg-type]
