"""Study files: all that they may say, and complaints that name the line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asktell import Bayesian, Bool, Categorical, Discrete, Float, Grid, Int, Metric, Minimize, Random, StudySpec
from asktell.study_file import StudyFileError, load_study_file

WHOLE = """\
name: lora
display_name: LoRA fine-tuning
objectives:
  - {metric: perplexity, goal: minimize, split: validation}
metrics:
  - {metric: test_perplexity, split: test}
  - seconds
parameters:
  learning_rate: {type: float, min: 1e-5, max: 1.0e-3, scale: log, default: 1e-4}
  momentum: {type: float, min: .5, max: 0.999, scale: reverse_log}
  batch_size: {type: discrete, values: [8, 16, 32, 64]}
  optimizer: {type: categorical, values: [adam, sgd, on, "1"], default: sgd}
  nesterov: {type: bool, default: no}
  warmup_steps: {type: int, min: 0, max: 500, step: 50}
algorithm: {grid: {default_levels: 3, levels: {learning_rate: 7}}}
stopping: {max_trials: 50, target: 1.5, patience: 20, deadline: 2030-12-01T12:00:00Z}
lease: {duration_s: 60, max_attempts: 3}
max_running: 8
seed: 1
labels: {team: nlp}
annotations: {run: "17"}
max_staleness: 0
"""
SMALL = """\
name: s
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
"""


def load(tmp_path: Path, text: str) -> StudySpec:
    path = tmp_path / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return load_study_file(path).spec


def test_everything_a_file_may_say(tmp_path: Path) -> None:
    assert load(tmp_path, WHOLE) == StudySpec(
        space={
            "learning_rate": Float(1e-5, 1e-3, log=True, default=1e-4),
            "momentum": Float(0.5, 0.999, reverse_log=True),
            "batch_size": Discrete([8, 16, 32, 64]),
            "optimizer": Categorical(["adam", "sgd", "on", "1"], default="sgd"),
            "nesterov": Bool(default=False),
            "warmup_steps": Int(0, 500, step=50),
        },
        objectives=[Minimize("perplexity")],
        metrics=[Metric("test_perplexity", "test"), Metric("seconds")],
        algorithm=Grid({"learning_rate": 7}, 3),
        max_trials=50,
        target=1.5,
        patience=20,
        deadline=datetime(2030, 12, 1, 12, tzinfo=UTC),
        lease_s=60,
        max_attempts=3,
        max_running=8,
        max_staleness=0,
        seed=1,
        display_name="LoRA fine-tuning",
        labels={"team": "nlp"},
        annotations={"run": "17"},
    )


def test_the_least_a_file_must_say(tmp_path: Path) -> None:
    assert load(tmp_path, SMALL) == StudySpec(space={"x": Float(0, 1)}, objectives=[Minimize("loss")])


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [("auto", None), ("random", Random()), ("{random: {}}", Random()), ("{bayesian: {start_trials: 8}}", Bayesian(8))],
)
def test_algorithms(tmp_path: Path, text: str, algorithm: object) -> None:
    found = load(tmp_path, f"{SMALL}algorithm: {text}\n").algorithm
    assert found == algorithm or (algorithm is None and type(found).__name__ == "Auto")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("name: lora", "nmae: lora", "1:1: unknown key 'nmae', did you mean 'name'?"),
        ("name: lora\n", "", "1:1: name is missing"),
        ("goal: minimize", "gaol: minimize", "4:26: objectives[0]: unknown key 'gaol', did you mean 'goal'?"),
        (
            "goal: minimize",
            "goal: minimise",
            "4:32: objectives[0].goal: must be one of minimize, maximize, got 'minimise'",
        ),
        ("split: validation", "split: tset", "4:49: objectives[0].split: must be one of validation, train, test"),
        ("type: float, min: 1e-5", "type: floot, min: 1e-5", "9:25: parameters.learning_rate.type: must be one of"),
        ("min: 1e-5", "mni: 1e-5", "9:32: parameters.learning_rate: unknown key 'mni', did you mean 'min'?"),
        ("min: 1e-5, ", "", "9:18: parameters.learning_rate: min is missing"),
        ("min: 1e-5", 'min: "1e-5"', "9:37: parameters.learning_rate.min: must be a number, got '1e-5'"),
        ("min: 1e-5", "min:", "9:36: parameters.learning_rate.min: must be a number, got nothing"),
        ("min: 0, max: 500", "min: 0.5, max: 500", "14:34: parameters.warmup_steps.min: must be a whole number"),
        ("values: [8, 16, 32, 64]", "values: 8", "11:40: parameters.batch_size.values: must be a list"),
        ("[8, 16, 32, 64]", "[8, x, 32]", "11:44: parameters.batch_size.values[1]: must be a number, got 'x'"),
        ("[adam, sgd, on", "[adam, 2, on", "12:49: parameters.optimizer.values[1]: must be a string, got the number 2"),
        (
            "type: bool, default: no",
            "type: bool, default: maybe",
            "13:35: parameters.nesterov.default: must be true or",
        ),
        ("type: bool, ", "type: bool, step: 1, ", "13:26: parameters.nesterov: unknown key 'step'"),
        ("scale: log", "scale: lgo", "9:63: parameters.learning_rate.scale: must be one of linear, log, reverse_log"),
        ("  learning_rate:", "  momentum:", "10:3: parameters.momentum: stands here twice"),
        ("{grid:", "{gird:", "15:13: algorithm: unknown key 'gird', did you mean 'grid'?"),
        ("max_trials: 50", "max_trials: many", "16:24: stopping.max_trials: must be a whole number, got 'many'"),
        ("12:00:00Z", "12:00:00", "16:65: stopping.deadline: needs a time zone"),
        ("2030-12-01T12:00:00Z", "soon", "16:65: stopping.deadline: must be a time as in"),
        ("labels: {team: nlp}", "labels: [nlp]", "20:9: labels: must be a mapping"),
        ("seed: 1", "seed: [1", "20:7: expected ',' or ']'"),
    ],
)
def test_complaints_name_the_line(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert WHOLE.count(old) >= 1
    with pytest.raises(StudyFileError) as caught:
        load(tmp_path, WHOLE.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path / 'study.yaml'}:{complaint}")


@pytest.mark.parametrize(
    ("text", "complaint"), [("", "is empty"), ("- a\n- b\n", ":1:1: must be a mapping"), ("%x", "yaml")]
)
def test_files_that_are_no_studies(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(StudyFileError, match=complaint):
        load(tmp_path, text)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StudyFileError, match=r"nowhere\.yaml: No such file"):
        load_study_file(tmp_path / "nowhere.yaml")
    (tmp_path / "latin.yaml").write_bytes("name: caf\xe9".encode("latin-1"))
    with pytest.raises(StudyFileError, match="is not UTF-8"):
        load_study_file(tmp_path / "latin.yaml")


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("study.search_space.parameters[0].float_domain.min", ":9:37: parameters.learning_rate.min"),
        ("study.search_space.parameters[2].discrete_domain.values[3]", ":11:40: parameters.batch_size.values"),
        ("study.search_space.parameters[1].name", ":10:13: parameters.momentum"),
        ("study.objectives[0].split", ":4:49: objectives[0].split"),
        ("study.stopping_rules.max_trials", ":16:24: stopping.max_trials"),
        ("study.lease_policy.lease_duration", ":17:21: lease.duration_s"),
        ("study_id", ":1:7: name"),
        ("study.outcome_constraints", ":1:1"),
    ],
)
def test_what_the_server_refuses_is_found_in_the_file(tmp_path: Path, field: str, place: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(WHOLE, encoding="utf-8")
    assert load_study_file(path).locate(field) == f"{path}{place}"


def test_the_readmes_example_reads(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    assert len(load(tmp_path, found[1]).space) == 5
