"""Use cases that read trials: one with its measurements, pages of them, the best ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from asktell_server.domain.errors import InvalidArgument, trial_not_found
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName, TrialName
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.pace import Pace, in_pieces
from asktell_server.service.judging import Judging, ModelBest
from asktell_server.service.tradeoffs import Tradeoff, tradeoff_of
from asktell_server.service.views import Views
from asktell_server.store.protocol import MeasurementStore, StudyStore, TrialRecord, TrialStore

MAX_BEST = 1000
_MEASUREMENTS_PAGE = 1000
STEP = 250
"""Trials that a list looks at in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFilter:
    """Which trials to list; all conditions hold together, empty ones always do."""

    states: frozenset[TrialState] = frozenset()
    worker_id: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def matches(self, trial: Trial) -> bool:
        """Whether `trial` is to be listed."""
        return (
            (not self.states or trial.state in self.states)
            and (not self.worker_id or trial.worker_id == self.worker_id)
            and all(trial.labels.get(key) == value for key, value in self.labels.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BestTrials:
    """The best trials of a study, or its Pareto front.

    Attributes:
        goals: the study's, with the values of its baseline put in.
        feasible: whether they keep the outcome constraints; otherwise they are those that violate them least.
        model: the best one by the model, where it was asked for and is known.
    """

    goals: Goals
    records: Sequence[TrialRecord]
    feasible: bool
    tradeoff: Tradeoff
    model: ModelBest | None


class _Store(StudyStore, TrialStore, MeasurementStore, Protocol):
    """The parts of the ledger that are needed here."""


class Reading:
    """Reads of trials."""

    def __init__(self, ledger: _Store, views: Views, judging: Judging) -> None:
        self._ledger = ledger
        self._views = views
        self._judging = judging

    async def get(self, name: TrialName) -> tuple[Goals, TrialRecord, Sequence[Measurement]]:
        """A trial with all its measurements, and the goals of its study. Raises NotFound."""
        goals = await self._goals(name.study)
        (record,) = await self._ledger.read_trials(name.study, numbers=[name.number])
        if record is None:
            raise trial_not_found(str(name))
        measurements: list[Measurement] = []
        while len(measurements) < record.measurement_count:
            page = await self._ledger.read_measurements(
                name.study, name.number, first=len(measurements), limit=_MEASUREMENTS_PAGE
            )
            if not page:
                break
            measurements.extend(page)
        return goals, record, measurements

    async def _goals(self, study: StudyName) -> Goals:
        """A study's goals, with the baseline's values put in."""
        view = self._views.peek(study)
        known = (await self._ledger.read_head(study)).study.goals if view is None else view.study.goals
        if known.is_relative:
            view, _ = await self._views.refresh(study)
            return view.goals
        return known

    async def list_page(
        self, study: StudyName, *, filter_: TrialFilter, after: int, limit: int
    ) -> tuple[Goals, Sequence[TrialRecord], int | None]:
        """Up to `limit` matching trials with numbers above `after`, and where the next page begins (None = the end).

        With the study's goals. Raises NotFound when there is no such study.
        """
        view, _ = await self._views.refresh(study)
        page: list[TrialRecord] = []
        states = filter_.states or frozenset(TrialState)
        pace = Pace()
        for first in range(after + 1, view.newest + 1, STEP):
            for number in view.numbers(first, first + STEP - 1, states=states):
                await pace.keep()
                trial = view.trials.get(number)  # the view may have moved on
                if trial is None or not filter_.matches(trial):
                    continue
                if len(page) == limit:
                    return view.goals, page, page[-1].trial.number
                page.append(view.record(trial))
            await asyncio.sleep(0)  # a filter may match little: others have their turn
        return view.goals, page, None

    async def best(
        self, study: StudyName, *, count: int, by_model: bool = False, with_history: bool = False
    ) -> BestTrials:
        """The best trials: at most `count`, or the Pareto front. With the model's best and the history of the hypervolume, where
        they are asked for.

        Raises:
            InvalidArgument: `count` is out of range. NotFound: no such study.
        """
        if not 1 <= count <= MAX_BEST:
            raise InvalidArgument("count", f"must be 1 to {MAX_BEST}, got {count}")
        view, _ = await self._views.refresh(study)
        best = await in_pieces(view.trials.get, view.best_numbers(count))
        records = [
            view.record(trial)
            for trial in best
            if trial is not None  # not deleted meanwhile
        ]
        return BestTrials(
            goals=view.goals,
            records=records,
            feasible=view.is_feasible(record.trial for record in records),
            tradeoff=await tradeoff_of(view, with_history=with_history),
            model=await self._judging.best(view) if by_model else None,
        )
