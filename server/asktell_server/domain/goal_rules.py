"""What goals a study or problem may have, and which targets go with them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint, Split, validate_metric_name

MAX_OBJECTIVES = 6
MAX_OUTCOME_CONSTRAINTS = 16
MAX_OBJECTIVES_OF_VOLUME = 4
"""Of a target or a history of hypervolumes: with more, one volume of a long study takes up to a second."""


def validate_goals(goals: Goals, where: str) -> None:
    """Checks objectives and constraints; `where` is the path of the study or problem.

    Raises:
        InvalidArgument: no objective or too many, a bad name, a metric twice, the test split, a bound that is not finite
            or leaves nothing.
    """
    objectives, constraints = goals.objectives, goals.outcome_constraints
    if not 1 <= len(objectives) <= MAX_OBJECTIVES:
        raise InvalidArgument(f"{where}.objectives", f"must hold 1 to {MAX_OBJECTIVES}, got {len(objectives)}")
    for index, objective in enumerate(objectives):
        entry = f"{where}.objectives[{index}]"
        _validate_metric(objective, entry)
        if any(other.metric == objective.metric for other in objectives[:index]):
            raise InvalidArgument(
                f"{entry}.metric", f"must be another metric each time, got {objective.metric!r} again"
            )
        _validate_reference(objective, alone=len(objectives) == 1, where=f"{entry}.reference_value")
    if len(constraints) > MAX_OUTCOME_CONSTRAINTS:
        raise InvalidArgument(
            f"{where}.outcome_constraints", f"must hold at most {MAX_OUTCOME_CONSTRAINTS}, got {len(constraints)}"
        )
    if goals.cost_metric:
        validate_metric_name(goals.cost_metric, f"{where}.cost_metric")
    for index, constraint in enumerate(constraints):
        entry = f"{where}.outcome_constraints[{index}]"
        _validate_constraint(constraint, entry)
        for other in constraints[:index]:
            if other.metric == constraint.metric:
                _validate_pair(constraint, other, entry)


def _validate_reference(objective: Objective, *, alone: bool, where: str) -> None:
    if objective.reference is None:
        return
    if alone:
        raise InvalidArgument(where, "must be unset with one objective: there is no hypervolume")
    _require_finite(objective.reference, where)


def _validate_constraint(constraint: OutcomeConstraint, where: str) -> None:
    _validate_metric(constraint, where)
    if (constraint.max is None) == (constraint.min is None):
        raise InvalidArgument(where, "must have one bound, max or min")
    _require_finite(constraint.bound, f"{where}.{'min' if constraint.max is None else 'max'}")


def _validate_pair(one: OutcomeConstraint, other: OutcomeConstraint, where: str) -> None:
    """Two bounds on the same metric."""
    if one.goal is other.goal:
        raise InvalidArgument(where, f"must not repeat a bound: {one.metric!r} has one on that side already")
    upper, lower = (one, other) if one.goal is Goal.MINIMIZE else (other, one)
    if upper.limit is not None and lower.limit is not None and upper.limit < lower.limit:
        raise InvalidArgument(
            where, f"leaves nothing: {one.metric!r} must be at least {lower.limit:g} and at most {upper.limit:g}"
        )


def validate_targets(goals: Goals, value: float | None, values: Mapping[str, float], where: str) -> None:
    """Checks the target of a study: `value` of the objective or of the hypervolume, or `values` by objective.

    Raises:
        InvalidArgument: both, a metric that is no objective, a hypervolume without references, a target that no
            feasible trial can reach. `where` is the path of the study.
    """
    rules = f"{where}.stopping_rules"
    if value is not None and values:
        raise InvalidArgument(f"{rules}.target_values", "must be unset where target_value is set")
    if value is not None and len(goals.objectives) > 1:
        _validate_volume(goals, value, f"{rules}.target_value")
        return
    known = [objective.metric for objective in goals.objectives]
    for name, target in values.items():
        if name not in known:
            raise InvalidArgument(f"{rules}.target_values[{name[:128]}]", f"must be an objective: {', '.join(known)}")
        _require_finite(target, f"{rules}.target_values[{name}]")
    wanted = values if value is None else {known[0]: value}
    for index, constraint in enumerate(goals.outcome_constraints):
        for objective in goals.objectives:
            if objective.metric == constraint.metric and objective.metric in wanted:
                entry = f"{where}.outcome_constraints[{index}]"
                _validate_target(objective, constraint, wanted[objective.metric], entry)


def _validate_volume(goals: Goals, value: float, where: str) -> None:
    if len(goals.objectives) > MAX_OBJECTIVES_OF_VOLUME:
        raise InvalidArgument(
            where,
            f"is a hypervolume where there are several objectives, at most {MAX_OBJECTIVES_OF_VOLUME} of them; with more, set "
            "a target by objective",
        )
    if value <= 0:
        raise InvalidArgument(
            where, f"is a hypervolume where there are several objectives: must be above 0, got {value:g}"
        )
    unset = [objective.metric for objective in goals.objectives if objective.reference is None]
    if unset:
        raise InvalidArgument(
            where,
            "is a hypervolume where there are several objectives, and needs a reference for each of them; "
            f"{', '.join(unset)} has none. A target by objective needs none",
        )


def _validate_target(objective: Objective, constraint: OutcomeConstraint, target: float, where: str) -> None:
    limit = constraint.limit
    if limit is None or objective.goal is constraint.goal or objective.cost(target) >= objective.cost(limit):
        return
    raise InvalidArgument(
        where,
        f"contradicts the target {target:g} of {objective.metric!r}: no trial that reaches it keeps the bound {limit:g}",
    )


def _validate_metric(of: Objective | OutcomeConstraint, where: str) -> None:
    validate_metric_name(of.metric, f"{where}.metric")
    if of.split is Split.TEST:
        kind = "objective" if isinstance(of, Objective) else "constraint"
        raise InvalidArgument(
            f"{where}.split",
            "must not be the test split: hyperparameters chosen by test results leave nothing to test with; "
            f"measure the {kind} on validation data and log the test metric as a tracked metric",
            reason=ErrorReason.TEST_SPLIT_OBJECTIVE,
        )


def _require_finite(value: float, where: str) -> None:
    if not math.isfinite(value):
        raise InvalidArgument(where, f"must be finite, got {value}", reason=ErrorReason.NOT_FINITE)


def require_cost_metric(goals: Goals, where: str) -> None:
    """Raises InvalidArgument when somebody wants improvement per cost and no metric says what trials cost."""
    if not goals.cost_metric:
        raise InvalidArgument("cost_aware", f"needs a metric that says what trials cost, and {where} is unset")
