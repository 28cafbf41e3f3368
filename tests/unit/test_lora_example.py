"""The reference example: held-out splits, honest adapters, a base model that is made once."""

import concurrent.futures
import dataclasses
import json
import math
import multiprocessing
import pathlib

import pytest
import torch

import asktell
from examples import demo
from examples.lora_finetune import __main__ as command
from examples.lora_finetune.data import (
    CONTEXT,
    TEST,
    VALIDATION,
    VOCABULARY,
    Splits,
    evaluation_windows,
    finetuning_text,
    pretraining_text,
    training_batches,
)
from examples.lora_finetune.model import Shape, Transformer, add_lora
from examples.lora_finetune.optimize import Schedule
from examples.lora_finetune.plot import best_so_far, draw, read_points
from examples.lora_finetune.pretrain import Recipe, default_checkpoint, load_base, pretrain
from examples.lora_finetune.train import BUDGET, Diverged, FineTuning, Hyperparameters, finetune, perplexity
from tests.support.study_files import read

TINY = Shape(layers=1, heads=2, width=16)
QUICK = Recipe(shape=TINY, schedule=Schedule(steps=20, batch_size=16, learning_rate=4e-3, warmup=0.1, seed=0))


@pytest.fixture(scope="module")
def text() -> Splits:
    return finetuning_text()


@pytest.fixture(scope="module")
def base() -> Transformer:
    return pretrain(QUICK)


def test_the_texts_are_big_enough_and_deterministic(text: Splits) -> None:
    again = finetuning_text()
    for split in ("train", "validation", "test"):
        codes = getattr(text, split)
        assert len(codes) > 2000 * CONTEXT
        assert codes.min() >= 0
        assert codes.max() < VOCABULARY
        assert torch.equal(codes, getattr(again, split))
    assert torch.equal(pretraining_text(), pretraining_text())
    assert not {*VALIDATION} & {*TEST}


def test_held_out_passages_are_not_in_the_training_text(text: Splits) -> None:
    train = _characters(text.train)
    for held_out in (text.validation, text.test):
        passages = [_characters(window) for window in evaluation_windows(held_out, 1000)]
        assert sum(passage in train for passage in passages) <= 5  # idioms of 65 characters do repeat, files do not


def test_batches_follow_the_seed(text: Splits) -> None:
    first, again, other = (
        torch.stack(list(training_batches(text.train, batch_size=4, batches=3, seed=seed))) for seed in (1, 1, 2)
    )
    assert first.shape == (3, 4, CONTEXT + 1)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_lora_starts_as_the_base_model_and_trains_only_its_adapters(base: Transformer, text: Splits) -> None:
    windows = evaluation_windows(text.validation, 8)
    run = FineTuning(base, text, Hyperparameters(lora_rank=4))
    assert torch.equal(run.model(windows[:, :-1]), base(windows[:, :-1]))
    frozen = {name: weight.clone() for name, weight in run.model.named_parameters() if not weight.requires_grad}
    for _ in run:
        pass
    after = dict(run.model.named_parameters())
    assert all(torch.equal(after[name], weight) for name, weight in frozen.items())
    assert not torch.equal(run.model(windows[:, :-1]), base(windows[:, :-1]))


@pytest.mark.parametrize("rank", [4, 32])
def test_the_rank_sets_the_number_of_trained_weights(rank: int) -> None:
    trained = add_lora(Transformer(TINY), rank, torch.Generator())
    width = TINY.width
    in_plus_out = (width + 3 * width) + (width + width) + 2 * (width + 4 * width)
    assert sum(weight.numel() for weight in trained) == rank * in_plus_out


@pytest.mark.parametrize("batch_size", [8, 64])
def test_every_run_sees_the_same_number_of_examples(base: Transformer, text: Splits, batch_size: int) -> None:
    progress = list(FineTuning(base, text, Hyperparameters(batch_size=batch_size)))
    assert [point.examples for point in progress] == [BUDGET // 4, BUDGET // 2, 3 * BUDGET // 4, BUDGET]
    assert progress[-1].perplexity < perplexity(base, text.validation)


def test_a_run_is_deterministic_and_leaves_the_base_alone(base: Transformer, text: Splits) -> None:
    before = perplexity(base, text.validation)
    params = Hyperparameters(learning_rate=1e-2)
    assert finetune(base, text, params) == finetune(base, text, params)
    assert finetune(base, text, params) != finetune(base, text, dataclasses.replace(params, warmup_steps=500))
    assert perplexity(base, text.validation) == before


def test_divergence_is_an_error_not_a_number(base: Transformer, text: Splits) -> None:
    with pytest.raises(Diverged, match="diverged"):
        finetune(base, text, Hyperparameters(learning_rate=1e6, warmup_steps=0))


def test_the_checkpoint_name_follows_the_recipe() -> None:
    assert default_checkpoint(QUICK) == default_checkpoint(dataclasses.replace(QUICK))
    longer = dataclasses.replace(QUICK.schedule, steps=21)
    assert default_checkpoint(QUICK) != default_checkpoint(dataclasses.replace(QUICK, schedule=longer))


@pytest.mark.parametrize("warmup", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("steps", [24, 192])
def test_the_learning_rate_rises_to_its_peak_and_falls_to_zero(warmup: float, steps: int) -> None:
    schedule = Schedule(steps=steps, batch_size=1, learning_rate=2.0, warmup=warmup, seed=0)
    rates = [schedule.learning_rate_at(step) for step in range(1, steps + 1)]
    peak = rates.index(max(rates))
    assert abs(peak - warmup * steps) <= 1
    assert max(rates) == pytest.approx(2.0, rel=0.01)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[0] > 0
    assert 0 < rates[-1] < 0.05


def test_workers_that_start_together_train_the_base_once(tmp_path: pathlib.Path) -> None:
    checkpoint = tmp_path / "cache" / "base.pt"
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as workers:
        losses = list(workers.map(_quick_base_loss, [checkpoint] * 2))
    assert losses[0] == losses[1]
    written = checkpoint.stat().st_mtime_ns
    assert _quick_base_loss(checkpoint) == losses[0]
    assert checkpoint.stat().st_mtime_ns == written
    assert {file.name for file in checkpoint.parent.iterdir()} == {"base.pt", "base.pt.lock"}


def test_the_command_prints_reports_and_then_the_result(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = tmp_path / "base.pt"
    torch.save(Transformer(Shape()).state_dict(), checkpoint)
    flags = ["--checkpoint", str(checkpoint), "--learning-rate", "1e-2", "--batch-size", "64", "--test"]
    assert command.main(flags) == 0
    *reports, result = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [report["step"] for report in reports] == [384, 768, 1152, 1536]
    assert result["perplexity"] == reports[-1]["perplexity"]
    assert set(result) == {"perplexity", "test_perplexity"}


def test_the_picture_is_drawn_from_the_trials_of_the_command_line(tmp_path: pathlib.Path) -> None:
    trials = [
        {"number": 2, "state": "SUCCEEDED", "metrics": {"perplexity": 8.0}, "origin": "START"},
        {"number": 1, "state": "FAILED", "metrics": {}, "origin": "START"},
        {"number": 3, "state": "SUCCEEDED", "metrics": {"perplexity": 7.0}, "origin": "MODEL"},
        {"number": 4, "state": "RUNNING", "metrics": {}, "origin": "MODEL"},
        {"number": 5, "state": "SUCCEEDED", "metrics": {"perplexity": 7.5}, "origin": "MODEL"},
    ]
    points = read_points(trials)
    assert [point.number for point in points] == [1, 2, 3, 4, 5]
    assert best_so_far(points) == [math.inf, 8.0, 7.0, 7.0, 7.0]
    picture = tmp_path / "best.png"
    draw(points, default=8.0).savefig(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_study_file_and_the_demo_tune_the_same_space() -> None:
    file = pathlib.Path(demo.__file__).with_name("lora_finetune") / "study.yaml"
    study = read(file)
    assert study.space == demo.SPACE
    assert study.objectives == [asktell.Minimize("perplexity")]


def _characters(codes: torch.Tensor) -> bytes:
    return bytes(codes.to(torch.uint8).tolist())


def _quick_base_loss(checkpoint: pathlib.Path) -> float:
    torch.set_num_threads(1)
    return perplexity(load_base(checkpoint, QUICK), pretraining_text())
