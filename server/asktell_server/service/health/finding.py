"""Findings: what is wrong with a study or could be better, and what to do about it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_TRIALS = 20
"""Numbers of trials that a finding names."""


class HealthKind(enum.StrEnum):
    """What a finding is about."""

    BUDGET_TOO_SMALL = "BUDGET_TOO_SMALL"
    GRID_MISSES_REGION = "GRID_MISSES_REGION"
    BEST_AT_BORDER = "BEST_AT_BORDER"
    PARAMETER_WITHOUT_EFFECT = "PARAMETER_WITHOUT_EFFECT"
    NOISE = "NOISE"
    DUPLICATES = "DUPLICATES"
    FAILURES_CLUSTER = "FAILURES_CLUSTER"
    OVERFITTING_TO_VALIDATION = "OVERFITTING_TO_VALIDATION"
    STRONG_INTERACTION = "STRONG_INTERACTION"
    MANY_FAILURES = "MANY_FAILURES"
    NOTHING_FEASIBLE = "NOTHING_FEASIBLE"
    LITTLE_TO_GAIN = "LITTLE_TO_GAIN"


class Severity(enum.IntEnum):
    """How bad a finding is: good to know, something is likely to be lost, the search cannot work like this."""

    INFO = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that the owner of a study should know.

    Attributes:
        message: a sentence or two with numbers: what was seen.
        advice: a sentence: what to do about it, in words that people type.
        parameters, trials, metrics: what it is about; trials by number, at most `MOST_TRIALS`.
    """

    kind: HealthKind
    severity: Severity
    message: str
    advice: str
    parameters: Sequence[str] = ()
    trials: Sequence[int] = ()
    metrics: Sequence[str] = ()


def some(numbers: Iterable[int]) -> tuple[int, ...]:
    """As many of the numbers as a finding names, rising."""
    return tuple(sorted(numbers)[:MOST_TRIALS])


def listed(words: Sequence[str], most: int = 3) -> str:
    """`a, b and c`, or `a, b, c and 4 more`."""
    if len(words) > most:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
