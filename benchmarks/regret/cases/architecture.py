"""What a small network is built of: the search space and the real training of examples/digits_architecture.py."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from asktell import Categorical, Discrete, Domain, Float, Int
from benchmarks.regret.case import DISCRETE_FLOOR, LOSS, Case, Space
from benchmarks.regret.cases.training import trained
from benchmarks.regret.score import Metrics
from examples import digits_architecture

BLOCKS = (1, 2, 3)
GUESSING = math.log(10)


def _space() -> Space:
    """That of the example; its decay as what it lacks to 1, for a scale that every method knows."""
    space: dict[str, Domain] = {"blocks": Discrete(BLOCKS)}
    for number in BLOCKS:
        there = None if number == 1 else {"blocks": list(BLOCKS[number - 1 :])}
        dense, dropout = ({f"operation_{number}": [operation]} for operation in ("dense", "dropout"))
        space[f"operation_{number}"] = Categorical(["dense", "dropout"], when=there)
        space[f"width_{number}"] = Int(4, 128, log=True, when=dense)
        space[f"activation_{number}"] = Categorical(["relu", "tanh"], when=dense)
        space[f"rate_{number}"] = Float(0.0, 0.8, when=dropout)
    space["optimizer"] = Categorical(["sgd", "adam"])
    space["lr_sgd"] = Float(1e-3, 1.0, log=True, when={"optimizer": ["sgd"]})
    space["momentum"] = Float(0.0, 0.99, when={"optimizer": ["sgd"]})
    space["lr_adam"] = Float(1e-4, 0.1, log=True, when={"optimizer": ["adam"]})
    space["one_minus_decay"] = Float(1e-4, 0.1, log=True, when={"optimizer": ["adam"]})
    return space


def _train(values: dict[str, Any]) -> Metrics:
    """Where it diverges it is as bad as guessing."""
    loss = digits_architecture.run({**values, "decay": 1.0 - values.get("one_minus_decay", 0.1)})["val_loss"]
    return {LOSS: min(loss, GUESSING) if math.isfinite(loss) else GUESSING}


ARCHITECTURE = Case(
    name="digits-architecture",
    make=partial(trained, _train, _space()),
    floor=DISCRETE_FLOOR,
    module="joblib",
    scale_draws=100,
)
