"""How much a trial that has ended tells that its prediction did not."""

from __future__ import annotations

import math

from asktell_server.domain.metrics import Objective
from asktell_server.domain.trial import Trial, TrialState

RESULT = 1000
"""What a trial counts that ended as nobody predicted: news is counted in thousandths of a result, in whole numbers."""
EXPECTED_WITHIN = 1.0
"""A value so many standard deviations from its prediction is as much news as one without any (docs/engine.md)."""


def news(trial: Trial, objective: Objective) -> int:
    """0 to RESULT: in proportion to how far the objective's value lies from what the model predicted.

    A suggestion made while the trial ran believed in the predicted value (kriging believer), so it lacks no more than
    this. A trial without a prediction or without a value is all news; one that has not ended is none.
    """
    if trial.state.is_open:
        return 0
    metric = trial.metrics.get(objective.metric)
    if trial.prediction is None or metric is None or trial.state not in (TrialState.SUCCEEDED, TrialState.STOPPED):
        return RESULT
    off = abs(metric.value - trial.prediction.mean)
    expected = EXPECTED_WITHIN * math.hypot(trial.prediction.standard_deviation, metric.standard_error or 0.0)
    return RESULT if off >= expected else round(RESULT * (off / expected))
