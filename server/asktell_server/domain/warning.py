"""A warning about a study: the set-up is allowed and usually a mistake."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class WarningKind(enum.StrEnum):
    """What a warning is about."""

    GRID_EXCEEDS_BUDGET = "GRID_EXCEEDS_BUDGET"
    BUDGET_TOO_SMALL = "BUDGET_TOO_SMALL"
    TEST_METRIC_NAME = "TEST_METRIC_NAME"
    WIDE_LINEAR_RANGE = "WIDE_LINEAR_RANGE"
    COARSE_GRID = "COARSE_GRID"
    DIFFERS_FROM_REQUEST = "DIFFERS_FROM_REQUEST"
    PARENT_DIFFERS = "PARENT_DIFFERS"
    PARENT_UNUSED = "PARENT_UNUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyWarning:
    """One warning: its kind, the field as a path from the study, and a sentence for people."""

    kind: WarningKind
    field: str
    message: str
