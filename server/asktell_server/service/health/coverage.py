"""Findings about where trials were: a budget too small for the space, duplicates, the best one at a border."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from math import ceil

import numpy as np

from asktell_server.domain.space import FloatDomain, IntDomain, Parameter, Scale
from asktell_server.domain.warning import WarningKind
from asktell_server.engine.space.region import region_of
from asktell_server.engine.space.warp import Warp, scale_of
from asktell_server.service.health.believed import WITHOUT_EFFECT
from asktell_server.service.health.evidence import Evidence
from asktell_server.service.health.finding import Finding, HealthKind, Severity, some

LEAST_DUPLICATES = 5
MANY_DUPLICATES = 0.2
ALIKE_DIGITS = 3
"""Decimals of a place along a parameter's range, from 0 to 1, to which near duplicates are the same."""
LEAST_MEASURED = 10
AT_BORDER, NEAR_BORDER = 0.01, 0.1
"""Shares of a range next to its end: where the best trial is, and where most of the best ones are."""
WIDER = 1.0 / 3.0
"""By what share of a range, on its own scale, it should be wider."""
MOST_DECADES = 1.0
_BUDGETS = {WarningKind.BUDGET_TOO_SMALL, WarningKind.GRID_EXCEEDS_BUDGET}


def budget_too_small(evidence: Evidence) -> Iterator[Finding]:
    """The budget is too small for the space, or for the grid."""
    study = evidence.study
    for warning in study.algorithm.warnings(study.space, study.stopping.max_trials):
        if warning.kind in _BUDGETS:
            yield Finding(
                kind=HealthKind.BUDGET_TOO_SMALL,
                severity=Severity.WARNING,
                message=warning.message,
                advice="raise max_trials, or vary fewer parameters",
            )


def duplicates(evidence: Evidence) -> Iterator[Finding]:
    """Many trials repeat a configuration, or nearly, beyond the replicates that are wanted."""
    study, trials = evidence.study, evidence.trials
    if not trials:
        return
    encoding = region_of(study.space).encoding
    points = np.round(encoding.encode([trial.parameters for trial in trials]), ALIKE_DIGITS) + 0.0
    seen: Counter[bytes] = Counter()
    again = []
    for trial, point in zip(trials, points, strict=True):
        seen[point.tobytes()] += 1
        if seen[point.tobytes()] > study.replicates:
            again.append(trial.number)
    share = len(again) / len(trials)
    if len(again) < LEAST_DUPLICATES or share < MANY_DUPLICATES:
        return
    yield Finding(
        kind=HealthKind.DUPLICATES,
        severity=Severity.WARNING,
        message=f"{len(again)} of {len(trials)} trials repeat a configuration, or nearly: {len(seen)} different ones were tried",
        advice="enqueue and import each configuration once; where repeats are wanted because results are noisy, say so by "
        "replicates",
        trials=some(again),
    )


def best_at_border(evidence: Evidence) -> Iterator[Finding]:
    """The best trials are at the end of a range that could be wider."""
    ranked = evidence.ranked
    if len(evidence.goals.objectives) > 1 or len(ranked) < LEAST_MEASURED or ranked[0][0][0]:
        return
    top = [trial for _, trial in ranked[: max(3, ceil(len(ranked) / 10))]]
    idle = {each.parameter for each in evidence.beliefs.effects if each.total < WITHOUT_EFFECT}
    for parameter in evidence.study.space.parameters:
        domain, name = parameter.domain, parameter.name
        if not isinstance(domain, FloatDomain | IntDomain) or name in idle:
            continue
        if parameter.context or parameter.fidelity is not None:  # nobody's choice
            continue
        places = [_place(domain, trial.parameters[name]) for trial in top if name in trial.parameters]
        if len(places) < len(top) or (domain.cardinality is not None and domain.cardinality <= 3):
            continue
        for upper in (False, True):
            distances = [1.0 - place if upper else place for place in places]
            at_end = distances[0] <= AT_BORDER and float(np.median(distances)) <= NEAR_BORDER
            if not at_end or _natural(domain, upper=upper):
                continue
            end, beyond = (
                (domain.max, _beyond(parameter, upper=True)) if upper else (domain.min, _beyond(parameter, upper=False))
            )
            word = "max" if upper else "min"
            yield Finding(
                kind=HealthKind.BEST_AT_BORDER,
                severity=Severity.WARNING,
                message=f"the best trial has {name} = {top[0].parameters[name]:.4g}, at the {word} of its range ({end:.4g}), and "
                f"most of the {len(top)} best are next to it",
                advice=f"widen the range of {name}: {word} {beyond:.4g} instead of {end:.4g}, in a new study that names this one among its parents",
                parameters=(name,),
                trials=some(trial.number for trial in top),
            )


def _place(domain: FloatDomain | IntDomain, value: object) -> float:
    """Where a value lies in the range, from 0 to 1 on the parameter's own scale."""
    warp = Warp(scale_of(domain), float(domain.min), float(domain.max))
    low, high, at = warp.apply(np.array([domain.min, domain.max, value], dtype=np.float64)).tolist()
    return float((at - low) / (high - low))


def _natural(domain: FloatDomain | IntDomain, *, upper: bool) -> bool:
    """Ends that mostly cannot move: 0 from above, a count's 1, the 1 of a share."""
    if upper:
        return domain.min >= 0 and domain.max == 1
    return domain.min == 0 or (isinstance(domain, IntDomain) and domain.min == 1)


def _beyond(parameter: Parameter, *, upper: bool) -> float:
    """A better end of the range, a third of its width further out, to two digits; on a log scale a decade at most."""
    domain = parameter.domain
    assert isinstance(domain, FloatDomain | IntDomain)
    low, high = float(domain.min), float(domain.max)
    if scale_of(domain) is Scale.LOG:
        step = 10.0 ** min(MOST_DECADES, WIDER * math.log10(high / low))
        moved = high * step if upper else low / step
    elif scale_of(domain) is Scale.REVERSE_LOG and upper:
        # The distance to the end is on a log scale: it ends `low` before high + (what is left there).
        moved = high + low * (1.0 - 10.0 ** -min(MOST_DECADES, WIDER * math.log10(high / low)))
    else:
        moved = high + WIDER * (high - low) if upper else low - WIDER * (high - low)
        if not upper and low > 0:
            moved = max(moved, low / 10.0)
    rounded = float(f"{moved:.2g}")
    return float(round(rounded)) if isinstance(domain, IntDomain) else rounded
