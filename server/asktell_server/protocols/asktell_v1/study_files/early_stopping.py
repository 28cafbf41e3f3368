"""What a study file says of early stopping: for each rule its keys, the fields of EarlyStopping, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from asktell_server.protocols.asktell_v1.study_files.goals import read_goal
from asktell_server.protocols.asktell_v1.study_files.nodes import Node

Setting = tuple[str, str, Callable[[Node], Any]]

_OF_ALL: tuple[Setting, ...] = (
    ("metric", "metric", Node.text),
    ("goal", "goal", read_goal),
    ("grace_trials", "grace_trials", Node.integer),
)
_PERIODIC: tuple[Setting, ...] = (("interval_steps", "interval_steps", Node.integer), *_OF_ALL)


def _own(rule: str, **settings: Callable[[Node], Any]) -> tuple[Setting, ...]:
    return tuple((key, f"{rule}.{key}", read) for key, read in settings.items())


EARLY_STOPPING: Mapping[str, tuple[Setting, ...]] = {
    "median": (*_own("median", min_steps=Node.integer, min_trials=Node.integer), *_PERIODIC),
    "percentile": (
        *_own("percentile", percentile=Node.real, min_steps=Node.integer, min_trials=Node.integer),
        *_PERIODIC,
    ),
    "threshold": (*_own("threshold", max=Node.real, min=Node.real, min_steps=Node.integer), *_PERIODIC),
    "patience": (
        *_own("patience", patience_steps=Node.integer, min_gain=Node.real, min_steps=Node.integer),
        *_OF_ALL,
    ),
    "successive_halving": (
        *_own("successive_halving", min_steps=Node.integer, reduction_factor=Node.integer),
        *_OF_ALL,
    ),
    "hyperband": (
        *_own("hyperband", min_steps=Node.integer, max_steps=Node.integer, reduction_factor=Node.integer),
        *_OF_ALL,
    ),
    "auto": (*_own("auto", probability=Node.real, min_steps=Node.integer, min_trials=Node.integer), *_PERIODIC),
    "wilcoxon": (*_own("wilcoxon", p=Node.real, min_steps=Node.integer), *_PERIODIC),
}
