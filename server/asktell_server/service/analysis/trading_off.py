"""The use case of trade-offs: what one objective costs in terms of another along the Pareto front."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from asktell_server.domain.errors import ErrorReason, FailedPrecondition
from asktell_server.domain.front import ParetoOrder
from asktell_server.domain.goals import Goals, Rank
from asktell_server.domain.names import StudyName
from asktell_server.engine.tasks.contribute import ContributionTask
from asktell_server.service.analysis.inquiries import Inquiries
from asktell_server.service.views import Views


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """A trial on the Pareto front.

    Attributes:
        values: of the objectives.
        slopes: by objective other than the first, its change for each unit that the first gets worse, from here to the next trial on
            the front; empty for the last, and where the first objective is the same there.
        contribution: what the trial alone adds to the hypervolume.
    """

    number: int
    values: Mapping[str, float]
    slopes: Mapping[str, float]
    contribution: float


class TradingOff:
    """Trade-offs between the objectives of a study."""

    def __init__(self, views: Views, inquiries: Inquiries) -> None:
        self._views = views
        self._inquiries = inquiries

    async def trade_offs(self, study: StudyName) -> Sequence[TradeOff]:
        """The Pareto front in the order of the first objective, the best first.

        Raises:
            NotFound: no such study.
            FailedPrecondition: TOO_FEW_RESULTS, no feasible trial, or the study has one objective.
        """
        view, _ = await self._views.refresh(study)
        goals, standings = view.goals, view.standings
        first = goals.objectives[0].metric
        if not isinstance(standings, ParetoOrder):
            raise _too_few(f"{study} has one objective ({first}): trade-offs are between several", first)
        dominated = standings.dominated
        if dominated is None:
            raise _too_few(f"no trial of {study} is feasible and has all objectives: there is no front", first)
        front = list(standings.front)
        costs = tuple(rank[1:] for rank, _ in front)
        task = ContributionTask(costs=costs, reference=tuple(dominated.reference.tolist()))
        volumes = (await self._inquiries.result(view, task)).volumes
        following: list[Rank | None] = [*(rank for rank, _ in front[1:]), None]
        return [
            TradeOff(
                number=number,
                values=_values(goals, rank),
                slopes={} if after is None else _slopes(goals, rank, after),
                contribution=volume,
            )
            for (rank, number), after, volume in zip(front, following, volumes, strict=True)
        ]


def _values(goals: Goals, rank: Rank) -> dict[str, float]:
    return {each.metric: each.cost(cost) for each, cost in zip(goals.objectives, rank[1:], strict=True)}


def _slopes(goals: Goals, here: Rank, there: Rank) -> dict[str, float]:
    worse = there[1] - here[1]
    if not worse:
        return {}
    before, after = _values(goals, here), _values(goals, there)
    return {name: (after[name] - before[name]) / worse for name in itertools.islice(before, 1, None)}


def _too_few(message: str, metric: str) -> FailedPrecondition:
    return FailedPrecondition(
        message,
        reason=ErrorReason.TOO_FEW_RESULTS,
        metadata={"metric": metric, "results": "0", "required": "1"},
    )
