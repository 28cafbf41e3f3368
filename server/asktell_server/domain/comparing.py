"""Whether a study that is there is the one that somebody wants to create."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from asktell_server.domain.metrics import TrackedMetric
from asktell_server.domain.space import DerivedParameter, Parameter, SearchSpace
from asktell_server.domain.study import StoppingRules, Study

MAX_NAMED = 5
"""The most parameters that are named as different."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedStudy:
    """A study as somebody wants to create it.

    `unset` are the fields, by their path in Study, that the caller left to the server (`seed`, `replicates`,
    `max_staleness`, `lease.duration_s`, `lease.max_attempts`): they differ from nothing. An unset seed is drawn when the
    study is created, whatever `study` has.
    """

    study: Study
    unset: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """Fields of the contract in which two studies differ: those that can never be changed, and those that can."""

    fixed: tuple[str, ...]
    changeable: tuple[str, ...]


def differences(wanted: WantedStudy, stored: Study) -> Differences:
    """How the stored study differs from the wanted one. Titles, labels, annotations and notes do not count."""
    return Differences(fixed=tuple(_fixed(wanted, stored)), changeable=tuple(_changeable(wanted, stored)))


def _fixed(wanted: WantedStudy, stored: Study) -> Iterator[str]:
    study, unset = wanted.study, wanted.unset
    if names := _which(study.space, stored.space):
        yield f"search_space ({', '.join(names[:MAX_NAMED])}{', ...' if len(names) > MAX_NAMED else ''})"
    if study.goals.objectives != stored.goals.objectives:
        yield "objectives"
    if frozenset(study.goals.outcome_constraints) != frozenset(stored.goals.outcome_constraints):
        yield "outcome_constraints"
    if study.goals.cost_metric != stored.goals.cost_metric:
        yield "cost_metric"
    if _unordered(study.tracked_metrics) != _unordered(stored.tracked_metrics):
        yield "tracked_metrics"
    if study.algorithm != stored.algorithm:
        yield "algorithm"
    if "lease.duration_s" not in unset and study.lease.duration_s != stored.lease.duration_s:
        yield "lease_policy.lease_duration"
    if "lease.max_attempts" not in unset and study.lease.max_attempts != stored.lease.max_attempts:
        yield "lease_policy.max_attempts"
    if "replicates" not in unset and study.replicates != stored.replicates:
        yield "replicates"
    if [parent.name for parent in study.parents] != [parent.name for parent in stored.parents]:
        yield "parents"
    if "seed" not in unset and study.seed != stored.seed:
        yield "seed"


def _changeable(wanted: WantedStudy, stored: Study) -> Iterator[str]:
    study = wanted.study
    for rule in fields(StoppingRules):
        if getattr(study.stopping, rule.name) != getattr(stored.stopping, rule.name):
            yield f"stopping_rules.{rule.name}"
    if study.max_running_trials != stored.max_running_trials:
        yield "max_running_trials"
    if study.baseline_trial != stored.baseline_trial:
        yield "baseline_trial"
    if study.early_stopping != stored.early_stopping:
        yield "early_stopping"
    if "max_staleness" not in wanted.unset and study.max_staleness != stored.max_staleness:
        yield "max_staleness"


def _unordered(metrics: tuple[TrackedMetric, ...]) -> frozenset[TrackedMetric]:
    return frozenset(metrics)


def _which(wanted: SearchSpace, stored: SearchSpace) -> list[str]:
    """The names of the parameters that differ, derived ones among them; their order is no difference."""
    mine, theirs = _by_name(wanted), _by_name(stored)
    return [name for name in dict.fromkeys([*mine, *theirs]) if mine.get(name) != theirs.get(name)]


def _by_name(space: SearchSpace) -> dict[str, Parameter | DerivedParameter]:
    return {
        **{parameter.name: parameter for parameter in space.parameters},
        **{derived.name: derived for derived in space.derived},
    }
