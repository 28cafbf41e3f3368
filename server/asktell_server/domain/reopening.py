"""Data epochs: a study whose data has changed goes on, and what was found before counts less.

The first epoch is 1, and each reopening begins another. Epochs between which nothing was to lose weight (a reopening with a decay
of 1) form one group: their results count alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asktell_server.domain.errors import InvalidArgument

DEFAULT_DECAY = 0.5
MAX_REMEASURED = 100
MAX_REOPENINGS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopening:
    """The beginning of a data epoch.

    Attributes:
        decay: what all earlier results count from then on, as a part of what they counted before; 1 = as much.
        time: when it was.
        charged: how many trials counted toward the budget by then.
        remeasured: numbers of the trials whose configurations are measured again first.
    """

    decay: float
    time: datetime
    charged: int = 0
    remeasured: tuple[int, ...] = ()


def validate_decay(decay: float, where: str) -> None:
    """Raises InvalidArgument when it is out of range."""
    if not (math.isfinite(decay) and 0.0 < decay <= 1.0):
        raise InvalidArgument(where, f"must be above 0 and at most 1, got {decay}")


def group_count(reopenings: Sequence[Reopening]) -> int:
    """How many groups of epochs there are before the present one."""
    return sum(each.decay < 1.0 for each in reopenings)


def group_of(reopenings: Sequence[Reopening], epoch: int) -> int:
    """The group of an epoch, from 0 on; `group_count` is the present one."""
    return group_count(reopenings[: epoch - 1])


def weights(reopenings: Sequence[Reopening]) -> list[float]:
    """What a result of each group before the present one counts, where one of the present group counts 1."""
    decays = [each.decay for each in reopenings if each.decay < 1.0]
    return [math.prod(decays[group:]) for group in range(len(decays))]
