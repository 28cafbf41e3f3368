"""Goals: what a study or problem wants of its results. Nothing else knows how results compare."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import fsum, inf

import numpy as np
import numpy.typing as npt

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.metrics import Goal, Metric, Metrics, Objective, OutcomeConstraint
from asktell_server.domain.trial import Result, TrialState

Rank = tuple[float, ...]
"""Violation of the outcome constraints, then the objectives' costs. Of two results of one objective the better has the lower."""

_MEASURED_STATES = frozenset({TrialState.SUCCEEDED, TrialState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """The objectives and outcome constraints of a study or problem, and what they say about results.

    A constraint that is relative to a baseline has no say until `relative_to` has put the baseline's value in.

    Attributes:
        cost_metric: a metric that says what a trial cost, which a result may hold; "" = none.
        metrics: the metrics that a successful result must hold, each once: the columns of what the engine learns from.
        directions: for each of them the side that is wanted: the objective's goal, or that of the first bound.
    """

    objectives: tuple[Objective, ...]
    outcome_constraints: tuple[OutcomeConstraint, ...] = ()
    cost_metric: str = ""
    metrics: tuple[str, ...] = field(init=False, repr=False, compare=False)
    directions: tuple[Goal, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        directions = {objective.metric: objective.goal for objective in self.objectives}
        for constraint in self.outcome_constraints:
            directions.setdefault(constraint.metric, constraint.goal)
        object.__setattr__(self, "metrics", tuple(directions))
        object.__setattr__(self, "directions", tuple(directions.values()))

    @property
    def width(self) -> int:
        """How many numbers the engine learns from one result: its `metrics`, and behind them its expense."""
        return len(self.metrics) + bool(self.cost_metric)

    def expense(self, result: Result) -> Metric | None:
        """What the trial cost; None where the result does not say."""
        return result.metrics.get(self.cost_metric) if self.cost_metric else None

    @property
    def is_relative(self) -> bool:
        """Whether a constraint is relative to a baseline and does not know its value."""
        return any(constraint.of_baseline for constraint in self.outcome_constraints)

    def relative_to(self, baseline: Metrics) -> Goals:
        """The same goals with the baseline's values put into the constraints that are relative to it."""
        return dataclasses.replace(
            self,
            outcome_constraints=tuple(
                constraint.of(baseline[constraint.metric].value) if constraint.metric in baseline else constraint
                for constraint in self.outcome_constraints
            ),
        )

    def missing(self, metrics: Metrics) -> str | None:
        """The first required metric that is not among `metrics`."""
        return next((name for name in self.metrics if name not in metrics), None)

    def require(self, result: Result, *, field: str) -> None:
        """Raises InvalidArgument (MISSING_OBJECTIVE) when a successful result lacks a metric."""
        if result.state is TrialState.SUCCEEDED and (name := self.missing(result.metrics)) is not None:
            of = "its objective" if name in {each.metric for each in self.objectives} else "the constrained metric"
            raise InvalidArgument(
                field,
                f"a successful trial must tell {of} {name!r}",
                reason=ErrorReason.MISSING_OBJECTIVE,
                metadata={"metric": name},
            )

    def measured(self, result: Result) -> tuple[Metric, ...] | None:
        """The result's values of `metrics`, in their order; None when it did not succeed or lacks one.

        A stopped trial counts like one that succeeded.
        """
        if result.state not in _MEASURED_STATES or self.missing(result.metrics) is not None:
            return None
        return tuple(result.metrics[name] for name in self.metrics)

    def violation(self, result: Result) -> float | None:
        """By how much the result misses the constraints, each as a share of its limit, in all; 0 = it keeps them.

        None when it was not measured, or where there are no constraints.
        """
        return None if not self.outcome_constraints or self.measured(result) is None else self._violation(result)

    def violations(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """`violation` of rows of values (n x metrics, or more columns): (n); NaN where a row has no value for a constraint."""
        total = np.zeros(len(values))
        for constraint in self.outcome_constraints:
            total += constraint.violations(values[:, self.metrics.index(constraint.metric)])
        return total

    def _violation(self, result: Result) -> float:
        return fsum(each.violation(result.metrics[each.metric].value) for each in self.outcome_constraints)

    def rank(self, result: Result) -> Rank | None:
        """How good the result is: violation, then the objectives' costs; None when it was not measured."""
        if self.measured(result) is None:
            return None
        return (self._violation(result), *(each.cost(result.metrics[each.metric].value) for each in self.objectives))

    def target(self, value: float | None, values: Mapping[str, float]) -> Rank | None:
        """The rank of a feasible result that just reaches a target: `value` of the one objective, or `values` by objective.

        None where there is no target of the kind, which includes a hypervolume.
        """
        if value is not None and len(self.objectives) == 1:
            values = {self.objectives[0].metric: value}
        if not values:
            return None
        return (0.0, *(each.cost(values[each.metric]) if each.metric in values else inf for each in self.objectives))

    @property
    def references(self) -> tuple[float | None, ...]:
        """The declared references of the objectives, as costs; None = to be inferred."""
        return tuple(None if each.reference is None else each.cost(each.reference) for each in self.objectives)
