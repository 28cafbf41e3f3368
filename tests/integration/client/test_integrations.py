"""The callbacks with the real frameworks, by the lines that docs/integrations.md shows."""

from __future__ import annotations

import importlib
import math
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import asktell
from tests.support.readme import blocks
from tests.support.server import ServerProcess
from tests.toolchains import skip_or_fail

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/integrations.md"
CREATE, *LOOPS = blocks(PAGE, "python")
LINES = {re.findall(r"import (\w+)Callback|$", block)[0] or "a loop": block for block in LOOPS}
FRAMEWORKS = ("Lightning", "Transformers", "XGBoost", "LightGBM", "Keras")
STOP = asktell.ThresholdStopping(max=0.0, min_steps=3)  # at step 3, whatever the loss

pytestmark = [
    # Theirs, at their import and in a training of so little.
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.timeout(900),
]


def framework(name: str) -> Any:
    """A framework; without it the test skips, or fails when ASKTELL_REQUIRE_ALL=1."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name.partition(".")[0]:
            raise
        skip_or_fail(f"{name} is not installed (make setup)")


def arrays() -> tuple[Any, Any]:
    """32 points of a line with noise."""
    random = np.random.default_rng(1)
    x = random.normal(size=(32, 2)).astype("float32")
    return x, (x @ np.array([[1.0], [-2.0]], dtype="float32") + random.normal(size=(32, 1))).astype("float32")


def _lightning(package: str = "lightning.pytorch") -> dict[str, Any]:
    pl = framework(package)
    torch = framework("torch")
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*map(torch.tensor, arrays())), batch_size=16)

    class Network(pl.LightningModule):  # type: ignore[name-defined]
        def __init__(self, lr: float, *, factor: float = 1.0) -> None:
            super().__init__()
            self.layer, self.lr, self.factor, self.epochs = torch.nn.Linear(2, 1), lr, factor, 0

        def training_step(self, batch: Any, _: int) -> Any:
            return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", 0.1 + self.factor * torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

        def on_train_epoch_start(self) -> None:
            self.epochs += 1

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.lr / 100)

    return {
        "lightning": sys.modules[package.partition(".")[0]],
        "Network": Network,
        "training": data,
        "validation": data,
    }


def _transformers() -> dict[str, Any]:
    transformers, torch = framework("transformers"), framework("torch")
    framework("accelerate")

    class Line(torch.nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 1)

        def forward(self, x: Any, labels: Any) -> Any:
            return {"loss": 0.1 + torch.nn.functional.mse_loss(self.layer(x), labels)}

    data = [{"x": torch.tensor(x), "labels": torch.tensor(y)} for x, y in zip(*arrays(), strict=True)]
    return {"transformers": transformers, "model": Line(), "training": data, "validation": data}


def _xgboost() -> dict[str, Any]:
    xgboost = framework("xgboost")
    data = xgboost.DMatrix(*arrays())
    return {"xgboost": xgboost, "training": data, "validation": data}


def _lightgbm() -> dict[str, Any]:
    lightgbm = framework("lightgbm")
    x, y = arrays()
    training = lightgbm.Dataset(x, y.ravel())
    return {"lightgbm": lightgbm, "training": training, "validation": training.create_valid(x, y.ravel())}


def _keras() -> dict[str, Any]:
    keras = framework("keras")
    x, y = arrays()
    return {"keras": keras, "model": keras.Sequential([keras.layers.Dense(1)]), "x": x, "y": y}


PRELUDES: dict[str, Callable[[], dict[str, Any]]] = {
    "Lightning": _lightning,
    "Transformers": _transformers,
    "XGBoost": _xgboost,
    "LightGBM": _lightgbm,
    "Keras": _keras,
    "a loop": lambda: {"train_an_epoch": lambda lr: 1.0 + lr},
}


@pytest.fixture
def client(server: ServerProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[asktell.Client]:
    """A client of a project of its own, in a directory where frameworks may write."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with asktell.Client(server.address, project=f"p{uuid.uuid4().hex[:12]}") as client:
        yield client


@pytest.fixture
def study(client: asktell.Client) -> asktell.Study:
    """The study of the page."""
    scope = {"asktell": asktell, "client": client}
    exec(CREATE, scope)
    study = scope["study"]
    assert isinstance(study, asktell.Study)
    study.update(early_stopping=None)
    return study


def test_the_page_shows_each_callback() -> None:
    assert set(LINES) == {*FRAMEWORKS, "a loop"}


@pytest.mark.parametrize("name", PRELUDES)
def test_the_lines_of_the_page_report_stop_and_tell(study: asktell.Study, name: str) -> None:
    scope = {"study": study, **PRELUDES[name]()}
    exec(LINES[name], scope)
    study.update(early_stopping=STOP)
    exec(LINES[name], {"study": study, **PRELUDES[name]()})

    whole, stopped = (study.trial(number) for number in (1, 2))
    assert (whole.state, stopped.state) == (asktell.TrialState.SUCCEEDED, asktell.TrialState.STOPPED)
    assert [each.step for each in whole.measurements] == list(range(1, 11))
    assert [each.step for each in stopped.measurements] == [1, 2, 3]
    for trial in (whole, stopped):
        assert trial.metrics == trial.measurements[-1].metrics
        assert trial.metrics["val_loss"] > 0


def boost(trial: asktell.Trial | None, *, rounds: int = 4, **options: Any) -> Any:
    """The quickest of the trainings; returns its callback."""
    from asktell.integrations import XGBoostCallback

    prelude = _xgboost()
    data = prelude["training"]
    callback = XGBoostCallback(trial, **{"metrics": {"val_loss": "v-rmse"}, **options})
    prelude["xgboost"].train({}, data, rounds, evals=[(data, "v")], callbacks=[callback], verbose_eval=False)
    return callback


def test_a_name_that_is_not_logged_is_named_beside_those_that_are(study: asktell.Study) -> None:
    with pytest.raises(
        ValueError, match=r"rmse is not among what was logged \(v-rmse\); metrics=\{'val_loss': …\} says"
    ):
        boost(study.ask(), metrics={"val_loss": "rmse"})
    with pytest.raises(ValueError, match=r"none of the study's metrics is among what was logged \(v-rmse\)"):
        boost(study.ask(), metrics=None)
    for wrong in ({}, [], {"val_loss": 1}, [""]):
        with pytest.raises(ValueError, match="metrics must name metrics"):
            boost(study.ask(), metrics=wrong)
    with pytest.raises(ValueError, match="every must be at least 1"):
        boost(study.ask(), every=0)
    with pytest.raises(TypeError, match=r"trial must come from study\.ask\(\)"):
        boost({"lr": 0.1})  # type: ignore[arg-type]
    assert not any(trial.measurement_count for trial in study.trials())


def test_a_value_that_is_not_finite_fails_the_trial(study: asktell.Study) -> None:
    from asktell.integrations import KerasCallback

    framework("keras")

    def diverge() -> None:
        with study.ask() as trial:
            callback = KerasCallback(trial)
            callback.on_epoch_end(0, {"loss": 1.0, "val_loss": 0.5})
            callback.on_epoch_end(1, {"loss": 1.0, "val_loss": math.nan})

    with pytest.raises(asktell.NotFinite):
        diverge()
    told = study.trial(1)
    assert told.state is asktell.TrialState.FAILED
    assert "val_loss" in told.reason
    assert [each.step for each in told.measurements] == [1]


def test_each_nth_evaluation_is_reported_and_the_last_one_is_told(study: asktell.Study) -> None:
    with study.ask() as trial:
        callback = boost(trial, rounds=5, every=2)
        callback.tell()
    told = study.trial(1)
    assert [each.step for each in told.measurements] == [2, 4]
    assert told.metrics == callback.latest
    assert told.metrics["val_loss"] < told.measurements[-1].metrics["val_loss"]


def test_another_value_may_be_told_and_optimize_takes_the_latest(study: asktell.Study) -> None:
    with study.ask() as trial:
        boost(trial).tell(val_loss=0.25)
    assert study.trial(1).metrics == {"val_loss": 0.25}
    study.update(early_stopping=STOP)
    study.optimize(lambda trial: boost(trial).latest, trials=1)
    assert study.trial(2).state is asktell.TrialState.STOPPED
    assert study.trial(2).metrics == study.trial(2).measurements[-1].metrics


def test_a_trial_that_was_called_off_ends_its_training_and_is_not_told(
    study: asktell.Study, caplog: pytest.LogCaptureFixture
) -> None:
    with study.ask() as trial:
        study.trial(1).cancel("enough")
        callback = boost(trial)
        assert callback.stopped
        callback.tell()
    assert study.trial(1).state is asktell.TrialState.CANCELLED
    assert "trial 1 is not told" in caplog.text


def test_a_process_without_a_trial_reports_and_tells_nothing(study: asktell.Study) -> None:
    callback = boost(None)
    callback.tell()
    assert (callback.stopped, callback.latest, study.trials()) == (False, {}, [])


def test_of_several_data_sets_the_one_that_has_the_metrics_is_taken(study: asktell.Study) -> None:
    framework("transformers")
    framework("accelerate")
    from asktell.integrations import TransformersCallback

    args = SimpleNamespace(eval_strategy="steps", world_size=1)
    state = SimpleNamespace(global_step=10, epoch=0.5, is_world_process_zero=True)
    control = SimpleNamespace(should_training_stop=False)

    def evaluate(callback: Any, **metrics: float) -> None:
        callback.on_evaluate(args, state, control, metrics=metrics)

    callback = TransformersCallback(study.ask(), {"val_loss": "eval_b_loss"})
    evaluate(callback, eval_b_loss=9.0, eval_b_runtime=1.0)  # the user's own, before the training
    callback.on_train_begin(args, state, control)
    evaluate(callback, eval_a_loss=1.0, eval_a_runtime=1.0)
    evaluate(callback, eval_b_loss=0.5, eval_b_runtime=1.0)
    callback.on_train_end(args, state, control)
    assert [(each.step, each.metrics) for each in study.trial(1).measurements] == [(10, {"val_loss": 0.5})]

    callback = TransformersCallback(study.ask(), {"val_loss": "eval_c_loss"})
    callback.on_train_begin(args, state, control)
    evaluate(callback, eval_a_loss=1.0, eval_a_runtime=1.0)
    evaluate(callback, eval_b_loss=0.5, eval_b_runtime=1.0)
    state.global_step = 20
    with pytest.raises(ValueError, match=r"eval_c_loss is not among what was logged \(eval_a_loss, .*eval_b_loss"):
        evaluate(callback, eval_a_loss=1.0, eval_a_runtime=1.0)


def test_pytorch_lightning_takes_the_same_callback(study: asktell.Study) -> None:
    study.update(early_stopping=STOP)
    prelude = _lightning("pytorch_lightning")
    exec(LINES["Lightning"], {"study": study, **prelude, "lightning": SimpleNamespace(pytorch=prelude["lightning"])})
    assert [each.step for each in study.trial(1).measurements] == [1, 2, 3]
    assert study.trial(1).state is asktell.TrialState.STOPPED


def test_all_processes_stop_when_the_first_one_is_told_to(
    study: asktell.Study, server: ServerProcess, tmp_path: Path
) -> None:
    names = ("lightning", "transformers", "xgboost")
    for name in (*names, "accelerate"):
        framework(name)
    study.update(early_stopping=STOP)
    _, project, *_ = study.name.split("/")
    command = [sys.executable, "-m", "tests.support.training_ranks"]
    ranks = [
        subprocess.Popen([*command, rank, tmp_path / "meeting", server.address, project], stdout=subprocess.PIPE,
                         stderr=(tmp_path / f"log{rank}").open("wb"), text=True, cwd=ROOT,
                         env={**os.environ, "GLOO_SOCKET_IFNAME": "lo"})
        for rank in ("0", "1")
    ]  # fmt: skip
    try:
        for rank in ranks:
            said, _ = rank.communicate(timeout=800)
            logs = "\n".join((tmp_path / f"log{each}").read_text()[-3000:] for each in (0, 1))
            assert re.findall(r"^by_.*", said, re.MULTILINE) == [f"by_{each} 3" for each in names], logs
    finally:
        for rank in ranks:
            rank.kill()
            rank.wait()
    assert [trial.state for trial in study.trials()] == [asktell.TrialState.STOPPED] * 3
    assert [len(study.trial(number).measurements) for number in (1, 2, 3)] == [3, 3, 3]
