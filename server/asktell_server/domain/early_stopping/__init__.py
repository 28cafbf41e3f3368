"""Early stopping: the rules by which a running trial is told to stop.

A rule judges a trial when it reports, from its own curve and, with most rules, from how good the other trials were at the same
step, or how the trials that succeeded went on from there. Where trials are compared by their best values so far, equal values are never worse, and trials that run, have ended or were stopped
all count as others. A rule depends on nothing else, apart from the trial's number: the same curves give the same decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from asktell_server.domain.early_stopping.against_finished import AutoStopping, WilcoxonStopping
from asktell_server.domain.early_stopping.halving import Hyperband, SuccessiveHalving
from asktell_server.domain.early_stopping.rule import Others, Reports
from asktell_server.domain.early_stopping.running import (
    MedianStopping,
    PatienceStopping,
    PercentileStopping,
    ThresholdStopping,
)

__all__ = [
    "STOPPING_RULES",
    "AutoStopping",
    "Hyperband",
    "MedianStopping",
    "Others",
    "PatienceStopping",
    "PercentileStopping",
    "Reports",
    "StoppingRule",
    "SuccessiveHalving",
    "ThresholdStopping",
    "WilcoxonStopping",
]

StoppingRule = (
    MedianStopping
    | PercentileStopping
    | ThresholdStopping
    | PatienceStopping
    | SuccessiveHalving
    | Hyperband
    | AutoStopping
    | WilcoxonStopping
)

STOPPING_RULES: Mapping[str, type[StoppingRule]] = {rule.kind: rule for rule in get_args(StoppingRule)}
"""The settings of each kind of rule."""
