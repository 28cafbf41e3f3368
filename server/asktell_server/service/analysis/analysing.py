"""The use cases of analysis: what the model of a study says to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration, Key
from asktell_server.domain.trial import Belief
from asktell_server.engine.analysis.importances import ImportanceQuestion, Importances
from asktell_server.engine.analysis.predictions import PredictionQuestion
from asktell_server.engine.analysis.validation import ValidationQuestion
from asktell_server.engine.observations import Outcome
from asktell_server.pace import in_pieces, in_pieces_numbered
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.analysis.metrics import metric_of
from asktell_server.service.views import Views

MAX_CONFIGURATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedOutcomes:
    """Beliefs by metric about each of several configurations; `metric` is the one that was asked for."""

    metric: str
    beliefs: Sequence[Mapping[str, Belief]]
    result_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A result of the trial with the number, and what is foretold of it from all others, with the noise of a result."""

    number: int
    observed: float
    belief: Belief


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """How well the model foretells results, by trial number; see `CrossValidation`."""

    results: Sequence[LeftOut]
    rank_correlation: float
    coverage_50: float
    coverage_95: float
    rmse: float


class Analysing:
    """Analysis of one study. All of it reads alone.

    `inquiries`, `views`: for use cases beside these that ask the model, too.
    """

    def __init__(self, views: Views, inquiries: Inquiries) -> None:
        self.views = views
        self.inquiries = inquiries

    async def importances(self, study: StudyName, *, metric: str) -> tuple[Importances, int]:
        """Which parameters matter for a metric, and how many results the model knows.

        Raises:
            InvalidArgument: no such metric.
            NotFound: no such study.
            FailedPrecondition: TOO_FEW_RESULTS.
        """
        view, _ = await self.views.refresh(study)
        said = await self.inquiries.answer(view, ImportanceQuestion(metric=metric_of(view.goals, metric)))
        return said.value, said.result_count

    async def cross_validate(self, study: StudyName, *, metric: str) -> Validated:
        """How well the model of a metric foretells each result from all others.

        Raises:
            InvalidArgument: no such metric.
            NotFound: no such study.
            FailedPrecondition: TOO_FEW_RESULTS.
        """
        view, _ = await self.views.refresh(study)
        question = ValidationQuestion(metric=metric_of(view.goals, metric), results=view.history().count(Outcome.VALUE))
        said = await self.inquiries.answer(view, question)
        found = said.value

        def left_out(row: tuple[int, float, float, float]) -> LeftOut:
            place, observed, mean, deviation = row
            return LeftOut(
                number=said.numbers[place],
                observed=observed,
                belief=Belief(mean=mean, standard_deviation=deviation),
            )

        columns = (found.rows, found.observed, found.means, found.deviations)
        return Validated(
            results=await in_pieces(left_out, zip(*(column.tolist() for column in columns), strict=True)),
            rank_correlation=found.rank_correlation,
            coverage_50=found.coverage(0.5),
            coverage_95=found.coverage(0.95),
            rmse=found.rmse,
        )

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
        view, _ = await self.views.refresh(study)
        space = view.study.space
        metric = metric_of(view.goals, metric)

        def key(index: int, configuration: Configuration) -> Key:
            field = f"configurations[{index}].parameters"
            return space.key(space.normalize(configuration, field=field, fill_defaults=True))

        keys = await in_pieces_numbered(key, configurations)
        known = await self.inquiries.answer(view, PredictionQuestion(keys=tuple(keys)))
        names, said = known.value.metrics, known.value

        def beliefs(row: tuple[list[float], list[float]]) -> Mapping[str, Belief]:
            return {
                name: Belief(mean=mean, standard_deviation=deviation)
                for name, mean, deviation in zip(names, *row, strict=True)
            }

        rows = zip(said.means.tolist(), said.deviations.tolist(), strict=True)
        return PredictedOutcomes(metric=metric, beliefs=await in_pieces(beliefs, rows), result_count=known.result_count)
