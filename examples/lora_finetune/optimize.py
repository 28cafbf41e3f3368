"""The training loop that pre-training and fine-tuning share."""

import dataclasses
import math
from collections.abc import Iterable, Iterator

import torch
from torch import nn

from examples.lora_finetune.data import training_batches
from examples.lora_finetune.model import Transformer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A run of `steps` batches: linear warm-up to `learning_rate`, then a cosine fall to zero.

    `warmup` is a fraction of the run, below 1, so that it means the same at every batch size.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup: float
    seed: int

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of step 1 … `steps`."""
        progress = (step - 1) / self.steps
        if progress < self.warmup:
            return self.learning_rate * (step / self.steps) / (self.warmup + 1 / self.steps)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * (progress - self.warmup) / (1 - self.warmup)))


def train_steps(
    model: Transformer, weights: Iterable[nn.Parameter], text: torch.Tensor, schedule: Schedule
) -> Iterator[int]:
    """Train `weights` of `model` on random windows of `text` with AdamW; yield the number of each step done."""
    optimizer = torch.optim.AdamW(weights, weight_decay=0.0)
    batches = training_batches(text, batch_size=schedule.batch_size, batches=schedule.steps, seed=schedule.seed)
    for step, windows in enumerate(batches, start=1):
        for group in optimizer.param_groups:
            group["lr"] = schedule.learning_rate_at(step)
        optimizer.zero_grad()
        model.loss(windows).backward()
        optimizer.step()
        yield step
