"""Fine-tune the base model with LoRA: the objective that asktell tunes."""

import copy
import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Self

import torch

from examples.lora_finetune.data import Splits, evaluation_windows
from examples.lora_finetune.model import Transformer, add_lora
from examples.lora_finetune.optimize import Schedule, train_steps

BUDGET = 1536
"""Training examples (windows) that every run may see, whatever its batch size: a bigger batch means fewer
steps, so batch size is a real trade-off. About 100,000 characters, three seconds on one core."""

WARMUP_SCALE = 1000
"""Length of the run that `warmup_steps` is counted for. These runs last 24 to 192 steps, so `warmup_steps`
is scaled to them: 0..500 steps is the first 0..50 % of the run."""

REPORTS = 4
"""Evenly spaced evaluations in a run; the last one is its result."""

TEST_WINDOWS = 1024
"""The test split is measured for a finished choice only, so it can afford to be measured well."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """What the study tunes. The defaults are the baseline of the README, chosen before any tuning.

    They are the usual LoRA settings (batch 16, 10 % warm-up, rank 8) with the middle of the learning-rate range.
    """

    learning_rate: float = 3e-3
    batch_size: int = 16
    warmup_steps: int = 100
    lora_rank: int = 8

    @classmethod
    def from_params(cls, params: Mapping[str, float | str]) -> Self:
        """The configuration of a trial: `trial.params`."""
        return cls(
            learning_rate=float(params["learning_rate"]),
            batch_size=int(params["batch_size"]),
            warmup_steps=int(params["warmup_steps"]),
            lora_rank=int(params["lora_rank"]),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Validation perplexity per character after `examples` training examples.

    Examples, not optimiser steps, so that an early-stopping rule compares runs of different batch sizes fairly.
    """

    examples: int
    perplexity: float


class Diverged(ArithmeticError):
    """The loss is no longer a finite number."""


class FineTuning:
    """One run of the objective: iterate over it to train; deterministic for a seed on one machine."""

    def __init__(self, base: Transformer, text: Splits, params: Hyperparameters, *, seed: int = 0) -> None:
        """Adapt a copy of `base`; the caller's model stays as it is."""
        self.model = copy.deepcopy(base)
        self._text = text
        self._params = params
        self._seed = seed
        self._trained = add_lora(self.model, params.lora_rank, torch.Generator().manual_seed(seed))

    def __iter__(self) -> Iterator[Progress]:
        """Train, and stop to evaluate `REPORTS` times.

        Raises:
            Diverged: an evaluation gave infinity or NaN.
        """
        params = self._params
        schedule = Schedule(
            steps=BUDGET // params.batch_size,
            batch_size=params.batch_size,
            learning_rate=params.learning_rate,
            warmup=params.warmup_steps / WARMUP_SCALE,
            seed=self._seed,
        )
        evaluations = {round(schedule.steps * part / REPORTS) for part in range(1, REPORTS + 1)}
        for step in train_steps(self.model, self._trained, self._text.train, schedule):
            if step in evaluations:
                value = perplexity(self.model, self._text.validation)
                yield Progress(examples=step * params.batch_size, perplexity=value)

    def test_perplexity(self) -> float:
        """Perplexity of the trained model on the test split: for a finished choice, never for choosing."""
        return perplexity(self.model, self._text.test, windows=TEST_WINDOWS)


def finetune(base: Transformer, text: Splits, params: Hyperparameters, *, seed: int = 0) -> float:
    """Run `FineTuning` to its end and return its validation perplexity."""
    *_, last = FineTuning(base, text, params, seed=seed)
    return last.perplexity


def perplexity(model: Transformer, text: torch.Tensor, *, windows: int = 192) -> float:
    """Perplexity per character on `windows` fixed windows of `text`: 1 is perfect, 128 is a blind guess.

    Raises:
        Diverged: the loss is not a finite number, or its exponential is not.
    """
    with torch.no_grad():
        value = float(model.loss(evaluation_windows(text, windows)).exp())
    if not math.isfinite(value):
        raise Diverged(f"perplexity is {value}: the run diverged")
    return value
