"""What the search is after: which acquisition function the goals of a task ask for, and of which surrogates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from asktell_server.domain import pareto
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import OutcomeConstraint
from asktell_server.engine.bayes.acquisition import Acquisition
from asktell_server.engine.bayes.contexts import at_fidelity, same_context
from asktell_server.engine.bayes.expected_improvement import LogExpectedImprovement, aim
from asktell_server.engine.bayes.expense import LogPerCost, expense_of
from asktell_server.engine.bayes.feasibility import Limit, LogFeasible, feasible_rows, least_violating
from asktell_server.engine.bayes.hypervolume import MOST_METRICS, LogExpectedHypervolumeImprovement
from asktell_server.engine.bayes.kernel import Matrix
from asktell_server.engine.bayes.layout import Hyperparameters
from asktell_server.engine.bayes.modelled import Modelled, ModelledMetric, fitted_process
from asktell_server.engine.bayes.raw_points import CENTRES
from asktell_server.engine.bayes.scalarised import trade_off
from asktell_server.engine.bayes.surrogates import Surrogate, Surrogates, Vector
from asktell_server.engine.bayes.training import Data
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.seeding import generator
from asktell_server.engine.space.warp import Points

_LEAST_MARGIN = 0.1
"""Standard deviations by which an inferred reference is worse than all results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pursuit:
    """An acquisition function of surrogates, and the points (n x d) around which the search looks more closely.

    `hyperparameters` are those of all models that were fitted, for the next warm start.
    """

    acquisition: Acquisition
    surrogates: Surrogates
    centres: Points
    hyperparameters: Sequence[Hyperparameters]


def pursuit_of(task: StudyTask, model: Modelled) -> Pursuit:
    """What the goals of a task ask for, given the models of its metrics; per expected cost where the task wants that.

    Raises:
        ModelError: a further model gives no usable numbers.
    """
    pursuit = _improvement(task, model)
    expense = expense_of(task, model) if task.cost_exponent else None
    if expense is None:
        return pursuit
    return Pursuit(
        acquisition=LogPerCost(pursuit.acquisition, width=expense.width, exponent=task.cost_exponent),
        surrogates=Surrogates([*pursuit.surrogates, expense.process]),
        centres=pursuit.centres,
        hyperparameters=[*pursuit.hyperparameters, expense.process.hyperparameters],
    )


def _improvement(task: StudyTask, model: Modelled) -> Pursuit:
    goals = task.problem.goals
    hyperparameters = [metric.process.hyperparameters for metric in model.metrics]
    if len(goals.metrics) == 1 and not goals.outcome_constraints:
        (objective,) = model.metrics
        centres = _moved_here(model) if task.fixed else model.surrogates.lowest(CENTRES)
        best = aim(_best(task, objective, centres), objective.process.data.layout)
        return Pursuit(
            acquisition=LogExpectedImprovement(best),
            surrogates=model.surrogates,
            centres=centres,
            hyperparameters=hyperparameters,
        )
    return _Several(task, model).pursuit(hyperparameters)


def _best(task: StudyTask, objective: ModelledMetric, centres: Points) -> float:
    """The lowest cost that was reached in the task's context; the lowest mean at `centres`, while there is none."""
    targets = objective.targets
    here = (same_context(task) & at_fidelity(task))[targets.rows] & targets.reached
    return float(targets.values[here].min() if here.any() else objective.process.moments(centres).mean.min())


def _moved_here(model: Modelled) -> Points:
    """The observed points (n x d), moved to where the task's fixed values are: those with the lowest means there."""
    (objective,) = model.metrics
    points = np.unique(model.region.repair(objective.process.data.x), axis=0)
    order = np.argsort(objective.process.moments(points).mean, kind="stable")
    return points[order[:CENTRES]]


class _Several:
    """Several objectives, outcome constraints, or both."""

    def __init__(self, task: StudyTask, model: Modelled) -> None:
        self._task, self._model = task, model
        self._goals: Goals = task.problem.goals
        self._objectives = model.metrics[: len(self._goals.objectives)]
        # All metrics are known of the same observations; one that has diverged in an objective is no example to follow.
        self._rows = model.metrics[0].targets.rows
        # Nor is one that is only expected to be good, once another is.
        valued = np.logical_and.reduce([metric.targets.valued for metric in self._objectives])
        reached = valued & ~task.history.expected[self._rows]
        valued = reached if reached.any() else valued
        here = valued & (same_context(task) & at_fidelity(task))[self._rows]
        valued = here if here.any() else valued
        self._feasible = np.flatnonzero(valued & feasible_rows(self._goals, task.history)[self._rows])
        self._costs: Matrix = np.stack([metric.targets.values for metric in self._objectives], axis=1)

    def pursuit(self, hyperparameters: list[Hyperparameters]) -> Pursuit:
        """See `pursuit_of`."""
        count = len(self._objectives)
        improvement: Acquisition | None = None
        improved: list[Surrogate] = []
        centres = self._rows[self._feasible]
        if not len(self._feasible):
            centres = least_violating(self._goals, self._task.history)[:CENTRES]
        elif count == 1:
            order = np.argsort(self._costs[self._feasible, 0], kind="stable")
            centres = centres[order[:CENTRES]]
            best = float(self._costs[self._feasible, 0].min())
            improvement = LogExpectedImprovement(aim(best, self._objectives[0].process.data.layout))
            improved = [self._objectives[0].process]
        else:
            front = self._feasible[pareto.front(self._costs[self._feasible])]
            centres = self._rows[self._spread(front)]
            if count <= MOST_METRICS:
                costs = self._costs[front]
                improvement = LogExpectedHypervolumeImprovement(costs, self._reference())
                improved = [metric.process for metric in self._objectives]
            else:
                one, best, fitted = self._scalarised(front)
                hyperparameters, improved = [*hyperparameters, fitted], [one]
                improvement = LogExpectedImprovement(best)
        surrogates, limits = self._limited(improved)
        acquisition = improvement
        if limits or acquisition is None:
            acquisition = LogFeasible(improvement, len(improved), limits)
        keys = [self._task.history.keys[row] for row in centres]
        return Pursuit(
            acquisition=acquisition,
            surrogates=Surrogates(surrogates),
            centres=self._model.region.encoding.encode_keys(keys),
            hyperparameters=hyperparameters,
        )

    def _spread(self, front: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """A few of the front, from one end of the first cost to the other."""
        order = front[np.argsort(self._costs[front, 0], kind="stable")]
        spread: npt.NDArray[np.int64] = order[np.unique(np.linspace(0, len(order) - 1, CENTRES).round().astype(int))]
        return spread

    def _reference(self) -> Vector:
        """The worst costs of interest (m): as declared, or a little beyond all feasible results.

        Not beyond the front, as the hypervolume is that the study records: a front of a few points in the middle would then never grow
        towards its ends.
        """
        inferred = self._costs[self._feasible].max(axis=0) + _LEAST_MARGIN
        return np.array(
            [
                cost if objective.reference is None else metric.targets.standardised(objective.reference)
                for objective, metric, cost in zip(
                    self._goals.objectives, self._objectives, inferred.tolist(), strict=True
                )
            ]
        )

    def _scalarised(self, front: npt.NDArray[np.int64]) -> tuple[Surrogate, float, Hyperparameters]:
        """A surrogate of one trade-off between the objectives, its lowest feasible cost, and its hyperparameters."""
        metrics = self._objectives
        y = trade_off(self._costs, front, generator(self._task, "trade-off"))
        points = self._model.region.encoding.encode_keys([self._task.history.keys[row] for row in self._rows])
        data = Data(
            x=points,
            y=y,
            noise=np.max([metric.targets.noise for metric in metrics], axis=0),
            layout=metrics[0].process.data.layout,
        )
        _, process = fitted_process(self._task, data, warm=self._model.further_warm)
        return process, aim(float(y[self._feasible].min()), data.layout), process.hyperparameters

    def _limited(self, improved: Sequence[Surrogate]) -> tuple[list[Surrogate], list[Limit]]:
        """The surrogates that are asked, at least one: those of the improvement, then further ones that have limits; and these
        limits, of the constraints that have a say.
        """
        surrogates, limits = list(improved), []
        for constraint in self._goals.outcome_constraints:
            if constraint.limit is None:
                continue
            metric = self._model.metrics[self._goals.metrics.index(constraint.metric)]
            if metric.process not in surrogates:
                surrogates.append(metric.process)
            limits.append(limit_of(constraint, constraint.limit, metric, surrogates.index(metric.process)))
        return surrogates or [self._objectives[0].process], limits


def limit_of(constraint: OutcomeConstraint, bound: float, metric: ModelledMetric, place: int) -> Limit:
    """An outcome constraint with this bound, in the metric's unit, as a limit on the surrogate with the place."""
    return Limit(
        place=place,
        cost=metric.targets.standardised(bound),
        above=constraint.goal is not metric.targets.goal,
    )
