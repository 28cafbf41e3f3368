"""What the trials of several objectives dominate together: the hypervolume, now and over time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from asktell_server.domain import pareto
from asktell_server.domain.front import ParetoOrder
from asktell_server.domain.goal_rules import MAX_OBJECTIVES_OF_VOLUME
from asktell_server.service.study_view import StudyView


@dataclass(frozen=True, slots=True, kw_only=True)
class HypervolumePoint:
    """The hypervolume after a trial: `ended` trials, without cancelled ones, had ended by then."""

    number: int
    ended: int
    hypervolume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """With one objective, and while no trial is feasible, it is empty.

    Attributes:
        hypervolume: what the Pareto front dominates.
        reference: by objective the value that it is measured from.
        history: the hypervolume after each trial that added to it, from the same reference.
    """

    hypervolume: float | None = None
    reference: Mapping[str, float] = field(default_factory=dict)
    history: Sequence[HypervolumePoint] = ()


async def tradeoff_of(view: StudyView, *, with_history: bool = False) -> Tradeoff:
    """How the study of an up-to-date view stands; the history is there for as many objectives as a target may have."""
    standings, objectives = view.latest_standings, view.goals.objectives
    if not isinstance(standings, ParetoOrder) or (dominated := standings.dominated) is None:
        return Tradeoff()
    reference = dominated.reference
    # In a thread: the event loop goes on.
    volume = await asyncio.to_thread(lambda: dominated.hypervolume)
    history: Sequence[HypervolumePoint] = ()
    if with_history and len(objectives) <= MAX_OBJECTIVES_OF_VOLUME:
        beyond = (inf,) * len(objectives)
        ended = [(number, beyond if rank is None or rank[0] else rank[1:]) for number, rank in standings.in_turn()]
        history = await asyncio.to_thread(_history, ended, reference)
    return Tradeoff(
        hypervolume=volume,
        reference={each.metric: each.cost(cost) for each, cost in zip(objectives, reference.tolist(), strict=True)},
        history=history,
    )


def _history(ended: Sequence[tuple[int, Sequence[float]]], reference: pareto.Costs) -> list[HypervolumePoint]:
    points: list[HypervolumePoint] = []
    volumes = pareto.growth(np.array([costs for _, costs in ended]), reference)
    for count, ((number, _), volume) in enumerate(zip(ended, volumes, strict=True), start=1):
        if volume > (points[-1].hypervolume if points else 0.0):
            points.append(HypervolumePoint(number=number, ended=count, hypervolume=volume))
    return points
