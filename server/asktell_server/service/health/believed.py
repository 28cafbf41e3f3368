"""Findings that rest on what the model of a study believes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from asktell_server.domain.algorithm import Grid
from asktell_server.domain.study import GAIN_TRIALS, StudyState
from asktell_server.service.health.evidence import Evidence
from asktell_server.service.health.finding import Finding, HealthKind, Severity, listed

LEAST_RESULTS = 20
RESULTS_PER_PARAMETER = 5
FORETOLD, UNFORETOLD = 0.7, 0.4
"""Rank correlations of what the model foretells and what was measured: from the one on it is believed, below the other one there may be
noise alone. Of 20 to 50 results of noise in 2 to 10 parameters 0.37 is seldom exceeded (the hyperparameters have seen all of them);
the functions and trainings of the benchmarks have 0.87 and more, whatever the search has made of their trials."""
WITHOUT_EFFECT = 0.01
STRONG = 0.1
STANDARD_DEVIATIONS = 2.0
LITTLE = 0.01
"""Of what the search has gained over the median trial: further gains below that are little."""
MUCH = 0.05
MISSED = 0.05
"""The same for what a grid has missed."""


def noise(evidence: Evidence) -> Iterator[Finding]:
    """The objective looks like noise: the model foretells nothing."""
    beliefs = evidence.beliefs
    known = beliefs.rank_correlation
    if known is None or beliefs.result_count < _needed(evidence) or known >= UNFORETOLD:
        return
    metric = evidence.objective.metric
    yield Finding(
        kind=HealthKind.NOISE,
        severity=Severity.WARNING,
        message=f"{metric} looks like noise: what the model foretells of each of {beliefs.result_count} results from all others "
        f"has a rank correlation of {known:.2f} with what was measured",
        advice="run one configuration several times (replicates) to see how much results differ by themselves; train longer, "
        "average over seeds or folds, or widen ranges that are too narrow to matter",
        metrics=(metric,),
    )


def parameter_without_effect(evidence: Evidence) -> Iterator[Finding]:
    """Parameters that have no effect."""
    if not _is_believed(evidence):
        return
    idle = [
        each for each in evidence.beliefs.effects if each.total + STANDARD_DEVIATIONS * each.deviation < WITHOUT_EFFECT
    ]
    for each in idle:
        value = None if evidence.best is None else evidence.best.parameters.get(each.parameter)
        at = (
            ""
            if value is None
            else f" at {f'{value:.4g}' if isinstance(value, float) else str(value)}, as in the best trial"
        )
        yield Finding(
            kind=HealthKind.PARAMETER_WITHOUT_EFFECT,
            severity=Severity.INFO,
            message=f"{each.parameter} explains {each.total:.1%} of how {evidence.objective.metric} varies, together with all others",
            advice=f"fix {each.parameter}{at}: the search has one parameter less",
            parameters=(each.parameter,),
            metrics=(evidence.objective.metric,),
        )


def strong_interaction(evidence: Evidence) -> Iterator[Finding]:
    """Pairs of parameters that must not be tuned one at a time."""
    if not _is_believed(evidence):
        return
    for each in evidence.beliefs.interactions:
        if each.share - STANDARD_DEVIATIONS * each.deviation < STRONG:
            continue
        one, other = each.parameters
        yield Finding(
            kind=HealthKind.STRONG_INTERACTION,
            severity=Severity.INFO,
            message=f"{one} and {other} interact strongly: {each.share:.0%} of how {evidence.objective.metric} varies comes from "
            "both together, beyond what each does alone",
            advice=f"do not tune {one} and {other} one at a time: the best value of one depends on the other",
            parameters=(one, other),
            metrics=(evidence.objective.metric,),
        )


def grid_misses_region(evidence: Evidence) -> Iterator[Finding]:
    """The model believes the optimum to lie between the grid's points."""
    optimum = evidence.beliefs.optimum
    if optimum is None or not isinstance(evidence.study.algorithm, Grid) or not _is_believed(evidence):
        return
    gain = evidence.objective.cost(optimum.best_mean) - evidence.objective.cost(optimum.mean)
    if gain <= STANDARD_DEVIATIONS * optimum.deviation or gain < MISSED * _won(evidence):
        return
    best = {} if evidence.best is None else evidence.best.parameters
    moved = [
        f"{name} = {value:.4g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in optimum.parameters.items()
        if value != best.get(name)
    ]
    metric = evidence.objective.metric
    yield Finding(
        kind=HealthKind.GRID_MISSES_REGION,
        severity=Severity.WARNING,
        message=f"the grid steps over the best region: the model expects {metric} {optimum.mean:.4g} at {listed(moved)}, and "
        f"{optimum.best_mean:.4g} at the best point of the grid",
        advice="search with algorithm auto, which is bound to no grid, or with more levels there; import these results",
        parameters=tuple(name for name, value in optimum.parameters.items() if value != best.get(name)),
        metrics=(metric,),
    )


def little_to_gain(evidence: Evidence) -> Iterator[Finding]:
    """Further trials are expected to gain next to nothing; or a lot, where the budget is nearly used up."""
    gain = evidence.beliefs.gains.get(GAIN_TRIALS)
    study = evidence.study
    if gain is None or study.state is StudyState.FINISHED or evidence.beliefs.result_count < LEAST_RESULTS:
        return
    metric, won = evidence.objective.metric, _won(evidence)
    budget = study.stopping.max_trials
    if gain <= LITTLE * won:
        yield Finding(
            kind=HealthKind.LITTLE_TO_GAIN,
            severity=Severity.INFO,
            message=f"another {GAIN_TRIALS} trials are expected to better {metric} by {gain:.2g}; the best trial is {won:.3g} better "
            "than the median one",
            advice="finish the study, or set min_expected_gain to have it end by itself",
            metrics=(metric,),
        )
    elif budget is not None and gain >= MUCH * won and budget - evidence.counted < GAIN_TRIALS:
        yield Finding(
            kind=HealthKind.BUDGET_TOO_SMALL,
            severity=Severity.WARNING,
            message=f"{evidence.counted} of {budget} trials have ended, and another {GAIN_TRIALS} are expected to better {metric} "
            f"by {gain:.2g}; the best trial is {won:.3g} better than the median one",
            advice=f"raise max_trials, now {budget}",
            metrics=(metric,),
        )


def _needed(evidence: Evidence) -> int:
    return max(LEAST_RESULTS, RESULTS_PER_PARAMETER * len(evidence.study.space.parameters))


def _is_believed(evidence: Evidence) -> bool:
    beliefs = evidence.beliefs
    known = beliefs.rank_correlation
    return known is not None and known >= FORETOLD and beliefs.result_count >= _needed(evidence)


def _won(evidence: Evidence) -> float:
    """How much better the best trial is than the median one, in the objective's unit."""
    costs = [rank[1] for rank, _ in evidence.ranked if not rank[0]]
    return float(np.median(costs) - min(costs)) if costs else 0.0
