"""The workers of the polyglot study that need no build: what they train, and how they split the data."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asktell._core.space_codec import encode_space
from asktell_server.domain.algorithm import Sobol
from asktell_server.protocols.asktell_v1.conversion.spaces import space_from
from examples import digits_again, digits_architecture, digits_network, polyglot, python_digits
from tests.support.study_files import read
from tests.unit.engine.problems import problem_of, task_of

EXAMPLES = Path(python_digits.__file__).parent
GOOD = {"lr": 0.1, "l2": 1e-5, "batch_size": 32, "epochs": 3, "momentum": 0.8}


def _train_in_awk(**params: float) -> list[dict[str, float]]:
    environment = {f"ASKTELL_PARAM_{name.upper()}": str(value) for name, value in params.items()}
    output = subprocess.run(
        [EXAMPLES / "bash" / "train.sh"], env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in output.stdout.splitlines()]


def test_rows_are_split_as_in_every_language() -> None:
    training, validation = python_digits.read_digits(EXAMPLES / "data" / "digits.csv")
    assert (len(training.labels), len(validation.labels)) == (1078, 359)
    assert training.images.shape[1] == 65
    assert training.images.max() == 1.0


def test_the_network_learns_and_says_its_size() -> None:
    said = digits_network.run(pixels=4, width=8, lr=0.05, l2=1e-5, epochs=8)
    assert said["weights"] == 17 * 8 + 9 * 10
    assert said["val_error"] < 0.5


@pytest.mark.parametrize("name", ["digits_tradeoff", "digits_small", "digits_prior"])
def test_the_studies_of_the_network_have_what_it_takes_and_says(name: str) -> None:
    study = read(EXAMPLES / f"{name}.yaml")
    assert list(study.space) == ["pixels", "width", "lr", "l2", "epochs"]
    wanted = [objective.metric for objective in study.objectives]
    wanted += [constraint.metric for constraint in study.outcome_constraints]
    wanted += [metric.name for metric in study.metrics]
    assert sorted(wanted) == ["val_error", "val_loss", "weights"]


def test_what_is_believed_beforehand_is_a_good_network() -> None:
    space = space_from(encode_space(read(EXAMPLES / "digits_prior.yaml").space), "space")
    space.validate("space")
    (first,) = task_of(problem_of(space)).run().suggestions
    believed: dict[str, Any] = dict(first.parameters)
    assert digits_network.run(**believed)["val_error"] < 0.05


def test_any_network_of_the_architectures_trains() -> None:
    space = space_from(encode_space(read(EXAMPLES / "digits_architecture.yaml").space), "space")
    space.validate("space")
    suggestions = task_of(problem_of(space, algorithm=Sobol()), count=7).run().suggestions
    assert {int(each.parameters["blocks"]) for each in suggestions} == {1, 2, 3}
    for each in suggestions:
        assert digits_architecture.run(each.parameters, epochs=1)["weights"] >= 10
    good: dict[str, float | str] = {"blocks": 1, "operation_1": "dense", "width_1": 32, "activation_1": "relu"}
    good |= {"optimizer": "adam", "lr_adam": 0.01, "decay": 0.999}
    assert digits_architecture.run(good, epochs=3)["val_error"] < 0.1


def test_python_learns() -> None:
    training, validation = python_digits.read_digits(EXAMPLES / "data" / "digits.csv")
    *_, weights = python_digits.train(training, lr=0.1, l2=1e-5, batch_size=32, epochs=3, momentum=0.8)
    assert python_digits.evaluate(validation, weights)["val_accuracy"] > 0.9


def test_awk_reports_each_epoch_and_learns() -> None:
    *reports, result = _train_in_awk(**GOOD)
    assert [report["step"] for report in reports] == [1, 2]
    assert "step" not in result
    assert result["val_accuracy"] > 0.9


def test_awk_and_python_train_the_same_model() -> None:
    """With one batch of all rows their order does not matter, and only rounding is left."""
    params = {"lr": 0.5, "l2": 1e-2, "batch_size": 1078, "epochs": 4, "momentum": 0.5}
    *_, in_awk = _train_in_awk(**params)
    training, validation = python_digits.read_digits(EXAMPLES / "data" / "digits.csv")
    *_, weights = python_digits.train(training, lr=0.5, l2=1e-2, batch_size=1078, epochs=4, momentum=0.5)
    in_python = python_digits.evaluate(validation, weights)
    assert in_awk["val_loss"] == pytest.approx(in_python["val_loss"], rel=1e-9)
    assert in_awk["val_accuracy"] == in_python["val_accuracy"]


@pytest.mark.parametrize("corner", list(itertools.product((1e-4, 1.0), (1e-6, 1e-1), (0.0, 0.95))))
def test_no_corner_of_the_space_breaks_the_training(corner: tuple[float, float, float]) -> None:
    lr, l2, momentum = corner
    training, validation = python_digits.read_digits(EXAMPLES / "data" / "digits.csv")
    *_, weights = python_digits.train(training, lr=lr, l2=l2, batch_size=16, epochs=2, momentum=momentum)
    assert np.isfinite(python_digits.evaluate(validation, weights)["val_loss"])


def test_study_file_is_what_the_workers_expect() -> None:
    study = read(EXAMPLES / "digits.yaml")
    assert set(study.space) == set(GOOD)
    assert study.max_trials == 60


def test_every_language_has_a_worker() -> None:
    names = [language.name for language in polyglot.LANGUAGES]
    assert names == ["python", "go", "typescript", "java", "rust", "cpp", "bash"]


def test_the_network_is_the_same_epoch_by_epoch() -> None:
    data, _ = python_digits.read_digits(EXAMPLES / "data" / "digits.csv")
    whole, stepped = (digits_network.Network(data.images.shape[1], 4) for _ in range(2))
    whole.train(data, lr=0.05, l2=1e-5, epochs=2)
    assert list(stepped.epochs(data, lr=0.05, l2=1e-5, epochs=2)) == [1, 2]
    assert np.array_equal(whole.out, stepped.out)


def test_the_changed_digits_are_upside_down() -> None:
    _, validation = python_digits.read_digits(EXAMPLES / "data" / "digits.csv")
    changed = digits_again.changed(validation)
    assert (changed.images[1::2] == validation.images[1::2]).all()
    assert (changed.images[0, :64] == validation.images[0, 63::-1]).all()
    assert (digits_again.changed(changed).images == validation.images).all()
    assert len(digits_again.few(validation, 7).labels) == 7
