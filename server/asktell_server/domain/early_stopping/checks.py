"""Which early-stopping rules a study may have, and which metric each of them judges."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping, Sequence

from asktell_server.domain.early_stopping import (
    AutoStopping,
    Hyperband,
    PatienceStopping,
    PercentileStopping,
    StoppingRule,
    SuccessiveHalving,
    ThresholdStopping,
    WilcoxonStopping,
)
from asktell_server.domain.early_stopping.forecast import MIN_FINISHED
from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Split, TrackedMetric

MAX_RULES = 8
_LEAST = {
    "grace_trials": 0,
    "min_steps": 0,
    "min_trials": 1,
    "interval_steps": 1,
    "patience_steps": 1,
    "reduction_factor": 2,
}
_LEAST_OF: Mapping[type[StoppingRule], Mapping[str, int]] = {
    SuccessiveHalving: {"min_steps": 1},
    Hyperband: {"min_steps": 1},
    AutoStopping: {"min_trials": MIN_FINISHED},
}


def validate_early_stopping(
    rules: Sequence[StoppingRule], goals: Goals, tracked: Collection[TrackedMetric], where: str
) -> None:
    """Checks the rules of a study; `where` is the path of the study.

    Raises:
        InvalidArgument: too many rules, a setting out of range, a metric that the study does not have or that is measured on
            test data, a metric without a goal.
    """
    where = f"{where}.early_stopping"
    if len(rules) > MAX_RULES:
        raise InvalidArgument(f"{where}.any.rules", f"must hold at most {MAX_RULES}, got {len(rules)}")
    for index, rule in enumerate(rules):
        of_rule = where if len(rules) == 1 else f"{where}.any.rules[{index}]"
        _validate_metric(rule, goals, tracked, of_rule)
        for name, problem in _problems(rule):
            settings = of_rule if name == "grace_trials" or name == "interval_steps" else f"{of_rule}.{rule.kind}"
            raise InvalidArgument(f"{settings}.{name}", problem)


def judged_metric(rule: StoppingRule, goals: Goals) -> tuple[str, Goal]:
    """The metric that a valid rule judges, and its goal; minimise where the rule does not need one."""
    metric = rule.metric or goals.objectives[0].metric
    return metric, rule.goal or _goal(metric, goals) or Goal.MINIMIZE


def _goal(metric: str, goals: Goals) -> Goal | None:
    return dict(zip(goals.metrics, goals.directions, strict=True)).get(metric)


def _validate_metric(rule: StoppingRule, goals: Goals, tracked: Collection[TrackedMetric], where: str) -> None:
    if not rule.metric and len(goals.objectives) > 1:
        raise InvalidArgument(f"{where}.metric", "is required with several objectives: name the metric that is judged")
    metric = rule.metric or goals.objectives[0].metric
    own = _goal(metric, goals)
    of_tracked = next((each for each in tracked if each.metric == metric), None)
    if own is None and of_tracked is None:
        known = ", ".join((*goals.metrics, *(each.metric for each in tracked)))
        raise InvalidArgument(
            f"{where}.metric",
            f"must be a metric of the study ({known[:500]}), got {metric[:128]!r}",
            reason=ErrorReason.UNKNOWN_METRIC,
            metadata={"metric": metric[:128]},
        )
    if of_tracked is not None and of_tracked.split is Split.TEST:
        raise InvalidArgument(
            f"{where}.metric",
            f"must not be measured on test data, {metric!r} is: what decides belongs on held-out validation data",
            reason=ErrorReason.TEST_SPLIT_OBJECTIVE,
            metadata={"metric": metric},
        )
    if own is not None and rule.goal not in (None, own):
        raise InvalidArgument(f"{where}.goal", f"must be that of the study's {metric!r}, {own.value}, or unset")
    if rule.needs_goal and own is None and rule.goal is None:
        raise InvalidArgument(f"{where}.goal", f"is required: {metric!r} is neither an objective nor constrained")


def _problems(rule: StoppingRule) -> Iterator[tuple[str, str]]:
    """The settings that are out of range, with what is allowed."""
    least = {**_LEAST, **_LEAST_OF.get(type(rule), {})}
    for setting in dataclasses.fields(rule):
        value = getattr(rule, setting.name)
        if setting.name in least and value < least[setting.name]:
            yield setting.name, f"must be at least {least[setting.name]}, got {value}"
    match rule:
        case PercentileStopping(percentile=percentile) if not 0 < percentile < 100:
            yield "percentile", f"must be above 0 and below 100, got {percentile:g}"
        case PatienceStopping(min_gain=gain) if not (math.isfinite(gain) and gain >= 0):
            yield "min_gain", f"must be finite and at least 0, got {gain:g}"
        case Hyperband(min_steps=first, max_steps=last) if last <= first:
            yield "max_steps", f"must be above min_steps, {first}, got {last}"
        case AutoStopping(probability=share) if not 0 < share < 1:
            yield "probability", f"must be above 0 and below 1, got {share:g}"
        case WilcoxonStopping(p=share) if not 0 < share < 1:
            yield "p", f"must be above 0 and below 1, got {share:g}"
        case ThresholdStopping(max=None, min=None):
            yield "max", "must be set, or min"
        case ThresholdStopping(max=high, min=low):
            for name, bound in (("max", high), ("min", low)):
                if bound is not None and not math.isfinite(bound):
                    yield name, f"must be finite, got {bound}"
            if high is not None and low is not None and low > high:
                yield "min", f"must be at most max, {high:g}, got {low:g}"
        case _:
            pass
