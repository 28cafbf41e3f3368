"""Overfitting to the validation data: the better a trial looks there, the less of it is left on the test data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from asktell_server.domain.metrics import Split
from asktell_server.engine.analysis.validation import rank_correlation
from asktell_server.service.health.evidence import Evidence
from asktell_server.service.health.finding import Finding, HealthKind, Severity

LEAST_PAIRS = 12
"""Trials with both metrics."""
LEAST_GAP = 0.1
"""By how much wider the gap of the best trials is than that of the others, as a share of the objective's interquartile range."""
STANDARD_ERRORS = 2.0
TOP = 0.2
UNRELATED = 0.3
"""Rank correlation of validation and test among the better half, below which the choice between them is luck."""
_SPLITS = re.compile(r"(?<![a-z])(val|valid|validation|dev|eval|test|holdout)(?![a-z])")

Vector = npt.NDArray[np.float64]


def overfitting_to_validation(evidence: Evidence) -> Iterator[Finding]:
    """The validation metric is much better than the tracked test metric, and most so in the best trials."""
    objective = evidence.objective
    for tracked in evidence.study.tracked_metrics:
        if tracked.split is not Split.TEST or _stem(tracked.metric) != _stem(objective.metric):
            continue
        pairs = [
            (objective.cost(trial.metrics[objective.metric].value), objective.cost(trial.metrics[tracked.metric].value))
            for _, trial in evidence.ranked
            if tracked.metric in trial.metrics
        ]
        if len(pairs) < LEAST_PAIRS:
            continue
        yield from _finding(evidence, tracked.metric, np.array(pairs))


def _finding(evidence: Evidence, test: str, pairs: Vector) -> Iterator[Finding]:
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    gaps = pairs[:, 1] - pairs[:, 0]
    count = max(3, round(TOP * len(pairs)))
    top, others = gaps[:count], gaps[count:]
    wider = float(top.mean() - others.mean())
    error = float(np.sqrt(top.var(ddof=1) / len(top) + others.var(ddof=1) / len(others)))
    low, high = np.quantile(pairs[:, 0], [0.25, 0.75])
    if top.mean() <= 0 or wider <= STANDARD_ERRORS * error or wider < LEAST_GAP * (high - low):
        return
    better = rank_correlation(*pairs[: len(pairs) // 2].T)
    overall = rank_correlation(*pairs.T)
    if better >= UNRELATED:
        return
    objective = evidence.objective
    best = evidence.objective.cost(float(pairs[0, 0])), evidence.objective.cost(float(pairs[0, 1]))
    yield Finding(
        kind=HealthKind.OVERFITTING_TO_VALIDATION,
        severity=Severity.WARNING,
        message=f"{objective.metric} of the best trial is {best[0]:.4g} and its {test} {best[1]:.4g}: the best {count} trials are "
        f"{top.mean():.3g} worse there on average, the others {others.mean():.3g}; among the better half their ranks correlate by "
        f"{better:.2f} (all {len(pairs)}: {overall:.2f})",
        advice="choose by more validation data: average over folds or seeds, or take a fresh validation set, and end the search "
        "sooner (patience, min_expected_gain)",
        metrics=(objective.metric, test),
    )


def _stem(metric: str) -> str:
    """A metric's name without the part of the data: `val_loss` and `test_loss` are the same loss."""
    return re.sub(r"[^a-z0-9]+", "_", _SPLITS.sub("", metric.lower().replace("_", " "))).strip("_")
