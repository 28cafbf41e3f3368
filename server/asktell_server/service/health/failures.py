"""Findings about trials that came to nothing: many of them, together in one region, none that keeps the outcome constraints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.domain.space import BoolDomain, CategoricalDomain, Parameter
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.service.health.evidence import FAILED, Evidence
from asktell_server.service.health.finding import Finding, HealthKind, Severity, listed, some

LEAST_FAILURES = 3
MANY, MOST = 0.2, 0.5
"""Shares of trials that failed: something is likely to be lost, the search cannot work like this."""
LEAST_CLUSTERED = 5
CHANCE = 0.01
"""Of a region that failures would single out by mere luck, over all regions that are looked at."""
CUTS = 12
"""Places along a numeric parameter where a region may begin or end."""
DEPTH = 2
LEAST_MEASURED = 5
HOPELESS = 20
"""Results of which none is feasible, from which on the search cannot work like this."""
_REASON = 80

_CLUSTERED = FAILED | {TrialState.INFEASIBLE}


def many_failures(evidence: Evidence) -> Iterator[Finding]:
    """Many trials failed, or lost their workers."""
    failed = [trial for trial in evidence.trials if trial.state in FAILED]
    share = len(failed) / max(1, len(evidence.trials))
    if len(failed) < LEAST_FAILURES or share < MANY:
        return
    reasons = Counter(first_line(trial.reason) for trial in failed if trial.reason)
    often = ""
    if reasons:
        reason, count = reasons.most_common(1)[0]
        often = f"; most often ({count} times): {reason}"
    yield Finding(
        kind=HealthKind.MANY_FAILURES,
        severity=Severity.ERROR if share >= MOST else Severity.WARNING,
        message=f"{len(failed)} of {len(evidence.trials)} trials failed ({share:.0%}){often}",
        advice="look at the reasons in the table of trials and mend the program, or narrow the ranges to what it can run",
        trials=some(trial.number for trial in failed),
    )


def first_line(reason: str) -> str:
    """A reason in a few words."""
    line = reason.strip().splitlines()[0] if reason.strip() else ""
    return line if len(line) <= _REASON else f"{line[: _REASON - 1]}…"


@dataclass(frozen=True, slots=True)
class _Side:
    """A part of a parameter's values, in words, and which trials (n) have one of them."""

    parameter: str
    words: str
    inside: npt.NDArray[np.bool_]


def failures_cluster(evidence: Evidence) -> Iterator[Finding]:
    """Failures lie together in one part of the space: a shallow tree whose splits pass Fisher's exact test."""
    everything = evidence.trials
    failed = np.array([trial.state in _CLUSTERED for trial in everything], dtype=bool)
    if failed.sum() < LEAST_CLUSTERED:
        return
    places = np.arange(len(everything))
    region: list[_Side] = []
    while len(region) < DEPTH:
        side = _split(evidence.study.space.parameters, [everything[place] for place in places.tolist()], failed[places])
        if side is None:
            break
        region.append(side)
        places = places[side.inside]
    if not region:
        return
    bad, size = int(failed[places].sum()), len(places)
    words = " and ".join(side.words for side in region)
    yield Finding(
        kind=HealthKind.FAILURES_CLUSTER,
        severity=Severity.WARNING,
        message=f"{bad} of the {size} trials with {words} failed, and {int(failed.sum()) - bad} of the "
        f"{len(everything) - size} others",
        advice=f"keep out of {words}: narrow the range, or add a parameter constraint, in a new study that names this one among its parents",
        parameters=tuple(dict.fromkeys(side.parameter for side in region)),
        trials=some(everything[place].number for place in places[failed[places]].tolist()),
    )


def _split(parameters: Sequence[Parameter], trials: Sequence[Trial], failed: npt.NDArray[np.bool_]) -> _Side | None:
    """The side that has most of the failures beyond what chance would give it; None where chance explains all."""
    sides = [side for parameter in parameters for side in _sides(parameter, trials)]
    if not sides or failed.all():
        return None
    from scipy.stats import hypergeom  # takes long to import

    inside = np.stack([side.inside for side in sides])
    sizes, bad = inside.sum(axis=1), (inside & failed).sum(axis=1)
    # Fisher's exact test: the chance of so many failures or more, of all there are, among the trials inside.
    chances = hypergeom.sf(bad - 1, len(trials), int(failed.sum()), sizes) * len(sides)
    chances[(bad < LEAST_CLUSTERED) | (sizes == len(trials))] = np.inf
    best = int(np.argmin(chances))
    return sides[best] if chances[best] < CHANCE else None


def _sides(parameter: Parameter, trials: Sequence[Trial]) -> Iterator[_Side]:
    """A parameter's values up to and from some places on, or one category each. A trial without the parameter is on neither side."""
    name = parameter.name
    values = [trial.parameters.get(name) for trial in trials]
    if isinstance(parameter.domain, CategoricalDomain | BoolDomain):
        for level in parameter.domain.levels():
            word = str(level).lower() if isinstance(level, bool) else level
            yield _Side(name, f"{name} = {word}", np.array([value == level for value in values], dtype=bool))
        return
    column = np.array([np.nan if value is None else float(value) for value in values])
    known = np.unique(column[~np.isnan(column)])
    for end in np.unique(known[len(known) * np.arange(1, CUTS + 1) // (CUTS + 1)]).tolist() if len(known) > 1 else ():
        if end > known[0]:
            yield _Side(name, f"{name} >= {end:.4g}", column >= end)
        if end < known[-1]:
            yield _Side(name, f"{name} <= {end:.4g}", column <= end)


def nothing_feasible(evidence: Evidence) -> Iterator[Finding]:
    """No trial keeps the outcome constraints."""
    ranked = evidence.ranked
    if not evidence.goals.outcome_constraints or len(ranked) < LEAST_MEASURED or not ranked[0][0][0]:
        return
    closest = ranked[0][1]
    missed = [each for each in evidence.goals.outcome_constraints if each.violation(closest.metrics[each.metric].value)]
    words = [
        f"{each.metric} {closest.metrics[each.metric].value:.4g} where "
        f"{'at most' if each.min is None else 'at least'} {each.limit:.4g} is allowed"
        for each in missed
    ]
    yield Finding(
        kind=HealthKind.NOTHING_FEASIBLE,
        severity=Severity.ERROR if len(ranked) >= HOPELESS else Severity.WARNING,
        message=f"none of {len(ranked)} results keeps the outcome constraints; trial {closest.number} comes closest, with "
        f"{listed(words)}",
        advice="check the unit of the bound, loosen it, or widen the ranges to where it can be kept",
        trials=(closest.number,),
        metrics=tuple(dict.fromkeys(each.metric for each in missed)),
    )
