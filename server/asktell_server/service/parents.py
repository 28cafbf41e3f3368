"""What a new study takes over from earlier ones: their results as configurations of its own space.

It is copied into the study once, at its creation. So an ask reads no other study, every server suggests the same, what was
suggested can be explained years later, and a parent may go on, change or be deleted without any effect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from asktell_server.domain.errors import InvalidArgument, NotFound
from asktell_server.domain.fidelity import target_of
from asktell_server.domain.names import StudyName
from asktell_server.domain.parents import MAX_RESULTS, ParentStudy, PastResult
from asktell_server.domain.space import (
    CategoricalDomain,
    Configuration,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    SearchSpace,
)
from asktell_server.domain.study import Study
from asktell_server.domain.trial import Result, Trial
from asktell_server.engine.earlier import informative
from asktell_server.engine.history import History
from asktell_server.engine.observations import Outcome
from asktell_server.engine.space.region import region_of
from asktell_server.pace import in_pieces
from asktell_server.service.observing import observation
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views


class Parents:
    """Reads earlier studies."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def taught(self, study: Study) -> Study:
        """A new study with what its parents have found by now.

        Raises:
            InvalidArgument: a parent does not exist, or does not measure what the study is about.
        """
        if not study.parents:
            return study
        most = MAX_RESULTS // len(study.parents)
        counterparts = _Counterparts(study.space)
        taught = []
        for index, parent in enumerate(study.parents):
            field = f"study.parents[{index}]"
            view = await self._view(StudyName(project=study.name.project, study_id=parent.name), field)
            _require_metrics(study, view.study, field)
            taught.append(await _taken_over(study, view, counterparts, most=most))
        return dataclasses.replace(study, parents=tuple(taught))

    async def _view(self, name: StudyName, field: str) -> StudyView:
        try:
            view, _ = await self._views.refresh(name)
        except NotFound:
            raise InvalidArgument(
                field,
                f"there is no study {name}; a parent is the id of a study of the same project",
                metadata={"name": str(name)},
            ) from None
        return view


def _require_metrics(study: Study, parent: Study, field: str) -> None:
    lacking = [metric for metric in study.goals.metrics if metric not in parent.declared_metrics]
    if lacking:
        raise InvalidArgument(
            field,
            f"{parent.name.study_id} does not measure {', '.join(lacking)}: a parent needs all objectives and constrained metrics",
            metadata={"metric": lacking[0]},
        )


async def _taken_over(study: Study, view: StudyView, counterparts: _Counterparts, *, most: int) -> ParentStudy:
    """What a new study takes over from a view of its parent, at most `most` results."""
    sequence, parent = view.sequence, view.study
    known = await in_pieces(lambda number: _past(study, view.trials.get(number)), view.ended_numbers())
    found = [past for past in known if past is not None]
    mapped = await in_pieces(lambda past: counterparts.of(past.parameters), found)
    inside = [
        PastResult(parameters=parameters, result=past.result)
        for past, parameters in zip(found, mapped, strict=True)
        if parameters is not None
    ]
    return ParentStudy(
        name=parent.name.study_id,
        sequence=sequence,
        results=tuple(_chosen(study, inside, most=most)),
        found=len(found),
        outside=len(found) - len(inside),
        lacking=tuple(name for name in study.space.names if name not in parent.space.names),
        unused=tuple(name for name in parent.space.names if name not in study.space.names),
    )


def _past(study: Study, trial: Trial | None) -> PastResult | None:
    """What a trial of a parent says about the new study's metrics, before its parameters are translated; None = nothing."""
    if trial is None:  # deleted meanwhile
        return None
    goals = study.goals
    result = trial.lesson
    if observation(goals, trial.parameters, result).outcome is Outcome.UNKNOWN:
        return None
    wanted = {*goals.metrics, goals.cost_metric}
    metrics = {name: metric for name, metric in result.metrics.items() if name in wanted}
    return PastResult(parameters=trial.parameters, result=Result(state=result.state, metrics=metrics))


def _chosen(study: Study, results: Sequence[PastResult], *, most: int) -> list[PastResult]:
    """Those of the results, at most `most`, that say most about where good ones lie."""
    goals = study.goals
    observations = (observation(goals, past.parameters, past.result) for past in results)
    history = History.of(study.space, observations, metrics=goals.width)
    return [results[place] for place in informative(history, goals, most=most)]


class _Counterparts:
    """Configurations of other spaces in this one."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._usual = {parameter.name: _usual(parameter) for parameter in space.parameters}

    def of(self, configuration: Configuration) -> Configuration | None:
        """The values of parameters of the same name, and the usual ones of those that are lacking; None where there is none.

        A value outside of a range is not moved to its end: its result would then be told of another configuration.
        """
        space = self._space
        result: dict[str, ParameterValue] = {}
        for place in range(len(space.parameters)) if space.forest is None else space.forest.order:
            parameter = space.parameters[place]
            condition = parameter.condition
            if condition is not None and result.get(condition.parent) not in condition.values:
                continue
            value = configuration.get(parameter.name)
            result[parameter.name] = self._usual[parameter.name] if value is None else _converted(parameter, value)
        try:
            return space.normalize(result, field="parameters")
        except InvalidArgument:
            return None


def _usual(parameter: Parameter) -> ParameterValue:
    """The default, or what is believed to be best, or the middle; of a fidelity the whole."""
    if parameter.fidelity is not None:
        return target_of(parameter)
    alone = SearchSpace(parameters=(dataclasses.replace(parameter, condition=None, context=False),))
    region = region_of(alone)
    return region.encoding.decode(region.centre())[parameter.name]


def _converted(parameter: Parameter, value: ParameterValue) -> ParameterValue:
    """A value in the kind of the parameter's domain; a number between two steps as the nearer one."""
    domain = parameter.domain
    if isinstance(domain, CategoricalDomain) or isinstance(value, bool | str):
        return value
    if isinstance(domain, FloatDomain) and domain.step is not None and domain.min <= value <= domain.max:
        return domain.level(min(round((value - domain.min) / domain.step), (domain.cardinality or 1) - 1))
    if isinstance(domain, IntDomain):
        return domain.min + round((value - domain.min) / domain.step) * domain.step
    return float(value) if isinstance(domain, FloatDomain) or not float(value).is_integer() else int(value)
