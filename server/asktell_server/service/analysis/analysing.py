"""The use cases of analysis: what the model of a study says to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asktell_server.domain.errors import ErrorReason, InvalidArgument
from asktell_server.domain.goals import Goals
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration, Key
from asktell_server.domain.trial import Belief
from asktell_server.engine.analysis.predictions import PredictionQuestion
from asktell_server.pace import in_pieces, in_pieces_numbered
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.views import Views

MAX_CONFIGURATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedOutcomes:
    """Beliefs by metric about each of several configurations; `metric` is the one that was asked for."""

    metric: str
    beliefs: Sequence[Mapping[str, Belief]]
    result_count: int


class Analysing:
    """Analysis of one study. All of it reads alone."""

    def __init__(self, views: Views, inquiries: Inquiries) -> None:
        self._views = views
        self._inquiries = inquiries

    async def predict(
        self, study: StudyName, configurations: Sequence[Configuration], *, metric: str
    ) -> PredictedOutcomes:
        """What is believed of 1 to 1,000 configurations.

        Raises:
            InvalidArgument: there are none or too many, one is outside the space, no such metric.
            NotFound: no such study.
            FailedPrecondition: TOO_FEW_RESULTS.
        """
        if not 1 <= len(configurations) <= MAX_CONFIGURATIONS:
            raise InvalidArgument(
                "configurations",
                f"must hold 1 to {MAX_CONFIGURATIONS} configurations, got {len(configurations)}",
                metadata={"limit": str(MAX_CONFIGURATIONS)},
            )
        view, _ = await self._views.refresh(study)
        space = view.study.space
        metric = metric_of(view.goals, metric)

        def key(index: int, configuration: Configuration) -> Key:
            field = f"configurations[{index}].parameters"
            return space.key(space.normalize(configuration, field=field, fill_defaults=True))

        keys = await in_pieces_numbered(key, configurations)
        known = await self._inquiries.answer(view, PredictionQuestion(keys=tuple(keys)))
        names, said = known.value.metrics, known.value

        def beliefs(row: tuple[list[float], list[float]]) -> Mapping[str, Belief]:
            return {
                name: Belief(mean=mean, standard_deviation=deviation)
                for name, mean, deviation in zip(names, *row, strict=True)
            }

        rows = zip(said.means.tolist(), said.deviations.tolist(), strict=True)
        return PredictedOutcomes(metric=metric, beliefs=await in_pieces(beliefs, rows), result_count=known.result_count)


def metric_of(goals: Goals, name: str) -> str:
    """The metric that is asked for; "" = the first objective. Raises InvalidArgument (UNKNOWN_METRIC)."""
    if not name:
        return goals.metrics[0]
    if name not in goals.metrics:
        raise InvalidArgument(
            "metric",
            f"must be an objective or a constrained metric of the study ({', '.join(goals.metrics)}), got {name[:128]!r}",
            reason=ErrorReason.UNKNOWN_METRIC,
            metadata={"metric": name[:128]},
        )
    return name
