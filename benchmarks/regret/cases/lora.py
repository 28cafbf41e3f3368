"""A made-up loss surface of fine-tuning with LoRA, in the parameters of examples/, with the noise of a training run."""

from __future__ import annotations

import itertools
import math

import numpy as np

from asktell import Discrete, Float, Int
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance, Space

BATCHES = (8, 16, 32, 64)
RANKS = (4, 8, 16, 32)
MAX_WARM_UP = 500
NOISE = 0.005


def _instance(seed: int) -> Instance:
    """The best learning rate grows with the batch and falls with the rank; too high a one costs more than too low."""
    generator = np.random.default_rng(seed)
    rate = generator.uniform(-4.5, -3.6)
    best_rank, best_batch, best_warm_up = generator.uniform((2.5, 3.5, 0.1), (4.5, 5.5, 0.9))

    def apart(batch: float, rank: float, warm_up: float) -> float:
        return float(
            1.1
            + 0.03 * (math.log2(rank) - best_rank) ** 2
            + 0.02 * (math.log2(batch) - best_batch) ** 2
            + 0.05 * (warm_up / MAX_WARM_UP - best_warm_up) ** 2
        )

    def best_rate(batch: float, rank: float, warm_up: float) -> float:
        return float(rate + 0.5 * math.log10(batch / 16) - 0.25 * math.log10(rank / 8) + 0.1 * warm_up / MAX_WARM_UP)

    def objective(configuration: Configuration) -> float:
        lr, batch, rank, warm_up = (float(configuration[key]) for key in ("lr", "batch_size", "rank", "warmup_steps"))
        off = math.log10(lr) - best_rate(batch, rank, warm_up)
        return apart(batch, rank, warm_up) + (0.5 if off > 0 else 0.12) * off**2

    def noise(value: float, generator: np.random.Generator) -> float:
        return value + NOISE * float(generator.standard_normal())

    # The best learning rate lies inside its range for every batch, rank and warm-up.
    batch, rank, warm_up = min(itertools.product(BATCHES, RANKS, range(MAX_WARM_UP + 1)), key=lambda each: apart(*each))
    minimiser = {
        "lr": 10 ** best_rate(batch, rank, warm_up),
        "batch_size": batch,
        "rank": rank,
        "warmup_steps": warm_up,
    }
    space: Space = {
        "lr": Float(1e-5, 1e-3, log=True),
        "batch_size": Discrete(BATCHES),
        "warmup_steps": Int(0, MAX_WARM_UP),
        "rank": Discrete(RANKS),
    }
    return Instance.of_loss(
        space=space, objective=objective, optimum=apart(batch, rank, warm_up), minimiser=minimiser, noise=noise
    )


LORA = Case(name="lora", make=_instance, floor=DISCRETE_FLOOR)
