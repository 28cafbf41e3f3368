"""The use case of a slice: the model's belief along one or two parameters, the others at a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration, ParameterValue, SearchSpace, no_such, outside
from asktell_server.domain.trial import Belief
from asktell_server.engine.analysis.slices import SliceQuestion, middle, values_along
from asktell_server.pace import in_pieces
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.analysis.metrics import metric_of
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views

MAX_RESOLUTION = 200
DEFAULT_RESOLUTION = 25
MAX_POINTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRequest:
    """What a caller asks for, as it came. `reference`: values of parameters that are not varied. `resolution` 0 = the default."""

    parameters: Sequence[str]
    reference: Configuration
    resolution: int
    metric: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sliced:
    """The points of a slice and the belief about `metric` at each; `reference` are the values that stay the same."""

    metric: str
    points: Sequence[tuple[Configuration, Belief]]
    reference: Configuration
    result_count: int


class Slicing:
    """Slices of a study's model."""

    def __init__(self, views: Views, inquiries: Inquiries) -> None:
        self._views = views
        self._inquiries = inquiries

    async def slice(self, study: StudyName, request: SliceRequest) -> Sliced:
        """The belief at all combinations of values of one or two parameters that keep the space's constraints.

        Raises:
            InvalidArgument: not one or two parameters of the study, or such as the reference has no place for; a value outside the
                space; a resolution or a number of points out of range; no such metric.
            NotFound: no such study.
            FailedPrecondition: TOO_FEW_RESULTS.
        """
        view, _ = await self._views.refresh(study)
        space = view.study.space
        _require_parameters(space, request.parameters)
        resolution = request.resolution or DEFAULT_RESOLUTION
        if not 2 <= resolution <= MAX_RESOLUTION:
            raise InvalidArgument("resolution", f"must be 2 to {MAX_RESOLUTION}, got {resolution}")
        given = _normalized(space, request.reference)
        metric = metric_of(view.goals, request.metric)
        base = {**middle(space), **_best(view, metric), **given}
        question = SliceQuestion(
            metric=metric,
            base=tuple(base[name] for name in space.names),
            axes=tuple((name, values_along(space, name, resolution)) for name in request.parameters),
        )
        if question.count > MAX_POINTS:
            raise InvalidArgument("parameters", f"would take {question.count} points; a slice has at most {MAX_POINTS}")
        configurations, there = await _configurations(space, question)
        for index, name in enumerate(request.parameters):
            if name not in there:
                raise InvalidArgument(f"parameters[{index}]", space.why_inactive(name, configurations[0]))
        for name in given:
            if name not in there:
                raise outside("reference", name, space.why_inactive(name, configurations[0]))
        said = await self._inquiries.answer(view, question)
        columns = (said.value.means, said.value.deviations, said.value.kept)
        rows = zip(configurations, *(column.tolist() for column in columns), strict=True)
        return Sliced(
            metric=metric,
            points=await in_pieces(_point, (row for row in rows if row[-1])),
            reference={name: base[name] for name in space.names if name in there and name not in request.parameters},
            result_count=said.result_count,
        )


def _require_parameters(space: SearchSpace, names: Sequence[str]) -> None:
    if not 1 <= len(names) <= 2:
        raise InvalidArgument("parameters", f"must name one or two parameters, got {len(names)}")
    for index, name in enumerate(names):
        field = f"parameters[{index}]"
        if name in space.derivation.names:
            raise InvalidArgument(field, f"{name} is derived from other parameters: vary these")
        if name not in space.names:
            raise InvalidArgument(field, f"{no_such(space.names)}, got {name[:128]!r}")
        if name in names[:index]:
            raise InvalidArgument(field, f"must be another parameter than the first, got {name!r} again")


def _normalized(space: SearchSpace, given: Configuration) -> dict[str, ParameterValue]:
    """The values in the kinds of the space. Derived parameters are left out: they follow from what is varied."""
    values: dict[str, ParameterValue] = {}
    for name, value in given.items():
        if name in space.derivation.names:
            continue
        if name not in space.names:
            raise outside("reference", name, no_such({*space.names, *space.derivation.names}))
        try:
            values[name] = space.parameters[space.names.index(name)].domain.normalize(value)
        except ValueError as error:
            raise outside("reference", name, str(error)) from None
    return values


def _best(view: StudyView, metric: str) -> Configuration:
    """The configuration of the best trial; of a Pareto front, of the one that is best in the metric."""
    best = view.best(1)
    objective = next((each for each in view.goals.objectives if each.metric == metric), view.goals.objectives[0])
    if not best:
        return {}
    return min(best, key=lambda trial: objective.cost(trial.metrics[objective.metric].value)).parameters


async def _configurations(space: SearchSpace, question: SliceQuestion) -> tuple[Sequence[Configuration], set[str]]:
    """The configurations of the points, and the parameters that at least one of them has."""
    there: set[str] = set()

    def noted(configuration: Configuration) -> Configuration:
        there.update(configuration)
        return configuration

    return await in_pieces(noted, question.configurations(space)), there


def _point(row: tuple[Configuration, float, float, bool]) -> tuple[Configuration, Belief]:
    configuration, mean, deviation, _ = row
    return configuration, Belief(mean=mean, standard_deviation=deviation)
