"""Suggest: the stateless door. Problem and history in, suggestions out."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from asktell_server.domain.errors import ErrorReason, FailedPrecondition, InvalidArgument
from asktell_server.domain.fixing import fixed_values
from asktell_server.domain.goal_rules import require_cost_metric, validate_goals
from asktell_server.domain.metrics import Metrics, validate_expense
from asktell_server.domain.space import MAX_EXACT_INT, Configuration
from asktell_server.domain.study import validate_replicates
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.observations import Observation
from asktell_server.engine.problem import Problem, SuggestResult
from asktell_server.engine.task import Engine
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.pace import in_pieces_numbered
from asktell_server.service.ask.refusals import none_with_these
from asktell_server.service.observing import observation

log = logging.getLogger(__name__)

MAX_OBSERVATIONS = 20_000
MAX_PENDING = 1000
MAX_COUNT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedConfiguration:
    """A configuration of the caller's history and how it ended; `expected` is what it would have come to, had it not been stopped."""

    parameters: Configuration
    result: Result
    expected: Metrics = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestRequest:
    """What a caller asks for, as it came: `Suggesting` checks it.

    `observations` and `pending` are iterated over once, after their lengths, and may raise InvalidArgument then. `warm_start` is
    what an earlier answer for the same problem carried, and may be empty or foreign (then it is ignored). `cost_aware` wants
    improvement per cost. `fixed` are values that every suggestion must have.
    """

    problem: Problem
    observations: Collection[TriedConfiguration] = ()
    pending: Collection[Configuration] = ()
    count: int = 1
    seed: int = 0
    warm_start: bytes = b""
    cost_aware: bool = False
    fixed: Configuration = field(default_factory=dict)


class Suggesting:
    """The use case Suggest."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def suggest(self, request: SuggestRequest) -> SuggestResult:
        """Suggests `request.count` configurations; fewer when the space, or its grid, has no more.

        Raises:
            InvalidArgument: the problem is wrong, a configuration is outside its space, an observation lacks a value, or
                something is out of range.
            FailedPrecondition: manual search (QUEUE_EMPTY), or the space, or its grid, is exhausted (STUDY_COMPLETE), or what it
                has with the fixed values (FIXED_EXHAUSTED).
            ResourceExhausted: OVERLOADED.
        """
        task = await task_of(request)
        if not task.problem.algorithm.suggests:
            raise FailedPrecondition("manual search suggests nothing", reason=ErrorReason.QUEUE_EMPTY)
        result = await self._engine.answer(task)
        if result.fallback_reason:
            log.warning("model fell back: %s", result.fallback_reason)
        if not result.suggestions and task.fixed and not dataclasses.replace(task, fixed={}).is_exhausted():
            raise none_with_these("there is", task.fixed)
        if not result.suggestions:
            raise FailedPrecondition(
                "study is complete: every configuration of its space or grid has been tried",
                reason=ErrorReason.STUDY_COMPLETE,
                metadata={"finish_reason": "EXHAUSTED"},
            )
        return result


async def task_of(request: SuggestRequest) -> SuggestTask:
    """The engine's task, with all configurations in the order and kinds of the space.

    Raises:
        InvalidArgument: as `Suggesting.suggest`.
    """
    problem = request.problem
    if problem.space.parameter_constraints:  # whether anything keeps them may take long to find out
        await asyncio.to_thread(_validate_problem, problem)
    else:
        _validate_problem(problem)
    if request.cost_aware:
        require_cost_metric(problem.goals, "problem.cost_metric")
    _limit("observations", len(request.observations), MAX_OBSERVATIONS)
    _limit("pending", len(request.pending), MAX_PENDING)
    history = problem.empty_history()

    def append(index: int, tried: TriedConfiguration) -> None:
        history.append(_observation(tried, problem, f"observations[{index}]"))

    def normalize(index: int, parameters: Configuration) -> Configuration:
        return problem.space.normalize(parameters, field=f"pending[{index}].parameters")

    await in_pieces_numbered(append, request.observations)
    pending = await in_pieces_numbered(normalize, request.pending)
    if not 1 <= request.count <= MAX_COUNT:
        raise InvalidArgument("count", f"must be 1 to {MAX_COUNT}, got {request.count}")
    if not 0 <= request.seed < MAX_EXACT_INT:
        raise InvalidArgument("seed", f"must be 0 to 2^53 - 1, got {request.seed}")
    return SuggestTask(
        problem=problem,
        history=history,
        pending=pending,
        count=request.count,
        seed=request.seed,
        warm_start=request.warm_start,
        cost_exponent=1.0 if request.cost_aware else 0.0,
        fixed=fixed_values(problem.space, request.fixed, field="fixed_parameters"),
    )


def _validate_problem(problem: Problem) -> None:
    problem.space.validate("problem.search_space")
    validate_goals(problem.goals, "problem")
    for index, constraint in enumerate(problem.goals.outcome_constraints):
        if constraint.of_baseline:
            raise InvalidArgument(
                f"problem.outcome_constraints[{index}].of_baseline",
                "must be unset, since there is no baseline trial here: give the bound itself",
            )
    problem.algorithm.validate(problem.space, f"problem.algorithm.{problem.algorithm.kind}")
    validate_replicates(problem.replicates, "problem")


def _observation(tried: TriedConfiguration, problem: Problem, where: str) -> Observation:
    parameters = problem.space.normalize(tried.parameters, field=f"{where}.parameters")
    if tried.expected and tried.result.state is not TrialState.STOPPED:
        raise InvalidArgument(
            f"{where}.expected_metrics", f"must be empty of a {tried.result.state} trial: only a STOPPED one has them"
        )
    for told, metrics in (("metrics", tried.result.metrics), ("expected_metrics", tried.expected)):
        for name, metric in metrics.items():
            metric.validate(f"{where}.{told}[{name[:128]}]")
    validate_expense(tried.result.metrics, problem.goals.cost_metric, field=f"{where}.metrics")
    problem.goals.require(tried.result, field=f"{where}.metrics")
    return observation(problem.goals, parameters, tried.result, tried.expected)


def _limit(field: str, count: int, most: int) -> None:
    if count > most:
        raise InvalidArgument(field, f"must hold at most {most}, got {count}", metadata={"limit": str(most)})
