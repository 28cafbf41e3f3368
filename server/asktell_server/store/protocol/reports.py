"""What workers report while a trial runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from asktell_server.domain.trial import TrialState

MAX_MEASUREMENTS = 10_000
"""Most measurements that a trial keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """Answer of `report`: whether the lease still holds, when it now ends (None = never), the trial's state.

    `stop_reason` is the decision kept with the trial that it is to stop; empty = there is none.
    """

    lease_valid: bool
    lease_expire_time: datetime | None
    trial_state: TrialState
    study_finished: bool
    stop_reason: str = ""


Point = tuple[int, float]
"""A step and the value of a metric that was reported for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePart:
    """Some of a trial's measurements: by metric, in order of arrival. Standard errors and times are left out."""

    number: int
    points: Mapping[str, Sequence[Point]]
