"""A trial's surprise: how far its result lies from what the model predicted."""

from __future__ import annotations

import math

from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Metric
from asktell_server.domain.trial import Belief, Trial

WHOLE_SURPRISE = 1000
"""The surprise of a result that nobody predicted. Surprises are whole numbers, in thousandths of it."""
EXPECTED_WITHIN = 1.0
"""A value that lies this many standard deviations from its prediction is a whole surprise (docs/engine.md)."""


def surprise(trial: Trial, goals: Goals) -> int:
    """0 to WHOLE_SURPRISE: in proportion to how far a value lies from its predicted mean; of several metrics the largest counts.

    A suggestion that was made while the trial ran took the predicted mean for the result (kriging believer), so it
    lacks no more than this. A trial without a prediction or without a value is a whole surprise; a trial that has not
    ended is none.
    """
    if trial.state.is_open:
        return 0
    measured = goals.measured(trial.lesson)
    if trial.prediction is None or measured is None:
        return WHOLE_SURPRISE
    return max(
        _surprise(trial.prediction.belief(name), metric) for name, metric in zip(goals.metrics, measured, strict=True)
    )


def _surprise(belief: Belief | None, metric: Metric) -> int:
    if belief is None:
        return WHOLE_SURPRISE
    off = abs(metric.value - belief.mean)
    expected = EXPECTED_WITHIN * math.hypot(belief.standard_deviation, metric.standard_error or 0.0)
    return WHOLE_SURPRISE if off >= expected else round(WHOLE_SURPRISE * (off / expected))
