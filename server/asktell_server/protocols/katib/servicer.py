"""api.v1.beta1.Suggestion.

Katib retries a failed GetSuggestions for ever and counts only INVALID_ARGUMENT of ValidateAlgorithmSettings as a refusal. So
everything that can be wrong is refused there, and GetSuggestions gives exactly as many configurations as were asked for.
"""

from __future__ import annotations

import logging
import zlib
from dataclasses import dataclass, replace

from asktell_server.domain.algorithm import Grid
from asktell_server.domain.errors import FailedPrecondition, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective
from asktell_server.domain.space import Configuration
from asktell_server.engine.problem import Problem
from asktell_server.protocols.katib.algorithms import Search, search_of
from asktell_server.protocols.katib.memory import Assignments, remembered, to_remember
from asktell_server.protocols.katib.parameters import Parameters
from asktell_server.protocols.katib.trials import METRIC, history_of
from asktell_server.protocols.katib.wire import api_pb2
from asktell_server.service.suggesting import (
    MAX_COUNT,
    MAX_OBSERVATIONS,
    MAX_PENDING,
    Suggesting,
    SuggestRequest,
    task_of,
)
from asktell_server.transport.calls import MIB, Call, Permission, no_project, rpc

log = logging.getLogger(__name__)

MOST_BYTES = 20 * MIB
"""10,000 trials of 8 parameters take 4.4 MiB."""
_MAX_REPLICATES = 1000
_GOALS = {api_pb2.MINIMIZE: Goal.MINIMIZE, api_pb2.MAXIMIZE: Goal.MAXIMIZE}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Experiment:
    """What an experiment says of its problem."""

    parameters: Parameters
    search: Search
    problem: Problem


class SuggestionServicer:
    """Suggestions for experiments."""

    def __init__(self, suggesting: Suggesting) -> None:
        self._suggesting = suggesting

    @rpc(permission=Permission.WORK, project=no_project)
    async def ValidateAlgorithmSettings(  # noqa: N802  # the contract's name
        self, request: api_pb2.ValidateAlgorithmSettingsRequest, _: Call
    ) -> api_pb2.ValidateAlgorithmSettingsReply:
        """Raises InvalidArgument: what is wrong with the experiment, in its own words."""
        experiment = _read(request.experiment)
        try:
            await task_of(SuggestRequest(problem=experiment.problem))
        except InvalidArgument as error:
            raise InvalidArgument("experiment", experiment.parameters.renamed(error)) from None
        _require_enough(experiment.problem, request.experiment.spec.max_trial_count)
        return api_pb2.ValidateAlgorithmSettingsReply()

    @rpc(permission=Permission.WORK, project=no_project, cancellable=True, max_bytes=MOST_BYTES)
    async def GetSuggestions(  # noqa: N802
        self, request: api_pb2.GetSuggestionsRequest, _: Call
    ) -> api_pb2.GetSuggestionsReply:
        """As many as were asked for; the same request gets the same ones, in case an answer is lost."""
        experiment = _read(request.experiment)
        parameters, search = experiment.parameters, experiment.search
        history = await history_of(request.trials, parameters, request.experiment.spec.objective.objective_metric_name)
        not_visible = remembered(search.state, request.trials)
        told = [each for each in map(parameters.configuration, not_visible) if each is not None]
        ask = SuggestRequest(
            problem=experiment.problem,
            observations=history.tried[-MAX_OBSERVATIONS:],
            pending=[*history.running, *told][-MAX_PENDING:],
            seed=zlib.crc32(request.experiment.name.encode()) if search.seed is None else search.seed,
        )
        found = await self._suggest(ask, request.current_request_number)
        suggestions: list[Assignments] = [parameters.assignments(each) for each in found]
        return api_pb2.GetSuggestionsReply(
            parameter_assignments=[
                api_pb2.GetSuggestionsReply.ParameterAssignments(assignments=each) for each in suggestions
            ],
            algorithm=api_pb2.AlgorithmSpec(
                algorithm_name=request.experiment.spec.algorithm.algorithm_name,
                algorithm_settings=[to_remember([*not_visible, *suggestions])],
            ),
        )

    async def _suggest(self, ask: SuggestRequest, count: int) -> list[Configuration]:
        """Exactly `count` configurations: where the space has no more, it begins again."""
        found: list[Configuration] = []
        replicates = 1
        while len(found) < count:
            wanted = min(count - len(found), MAX_COUNT)
            pending = [*ask.pending, *found][-MAX_PENDING:]
            problem = replace(ask.problem, replicates=replicates)
            try:
                answer = await self._suggesting.suggest(replace(ask, problem=problem, pending=pending, count=wanted))
            except FailedPrecondition:
                if replicates == _MAX_REPLICATES:
                    raise
                replicates = _MAX_REPLICATES
                continue
            found += [each.parameters for each in answer.suggestions]
        return found


def _read(experiment: api_pb2.Experiment) -> _Experiment:
    """Raises InvalidArgument: what cannot be read of the experiment."""
    parameters = Parameters(experiment.spec.parameter_specs.parameters)
    search = search_of(experiment.spec.algorithm, parameters.space)
    goal = _GOALS.get(experiment.spec.objective.type)
    if goal is None:
        raise InvalidArgument("objective.type", "must be minimize or maximize")
    goals = Goals(objectives=(Objective(metric=METRIC, goal=goal),))
    return _Experiment(
        parameters=parameters,
        search=search,
        problem=Problem(space=parameters.space, goals=goals, algorithm=search.algorithm),
    )


def _require_enough(problem: Problem, trials: int) -> None:
    """Raises InvalidArgument: the experiment wants more trials than its grid has points."""
    if isinstance(problem.algorithm, Grid):
        points = problem.algorithm.size(problem.space)
        if trials > points:
            raise InvalidArgument("maxTrialCount", f"must be at most the grid's {points} points, got {trials}")
