"""Suggestions of the engine for a study as a view knows it, with how they came about."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Sequence
from datetime import datetime

from asktell_server.domain.errors import AsktellError
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import Configuration, SearchSpace
from asktell_server.domain.trial import Trial, TrialState
from asktell_server.engine.problem import Suggestion, SuggestResult
from asktell_server.engine.task import SpareEngine
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.provenance import with_provenance
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import WarmStart, WarmStartStore

log = logging.getLogger(__name__)


class Modelling:
    """Puts tasks to the engine; hands fitted hyperparameters on from one fit to the next, on any server."""

    def __init__(self, ledger: WarmStartStore, engine: SpareEngine) -> None:
        self._ledger = ledger
        self._engine = engine
        self._background: set[asyncio.Task[None]] = set()

    async def spare(self) -> None:
        """Returns once a worker has nothing to do."""
        await self._engine.spare()

    async def suggest(
        self,
        view: StudyView,
        count: int,
        *,
        fixed: Configuration,
        also_pending: Sequence[Configuration] = (),
        cost_exponent: float = 0.0,
    ) -> Sequence[Suggestion]:
        """`count` suggestions with the `fixed` values; `also_pending` are configurations that may be about to become trials."""
        await self.warm_up(view)
        sequence, numbers = view.sequence, _numbers_of(view)  # the view may move on while the model computes
        task = task_of(view, count, fixed=fixed, also_pending=also_pending, cost_exponent=cost_exponent)
        result = _continuing(await self._engine.answer(task), numbers)
        return self._taken(view, task, result, sequence, len(also_pending))

    async def suggest_ahead(self, view: StudyView, task: SuggestTask, *, prepared_pending: int) -> Suggestion | None:
        """One suggestion by a worker that is idle; None without one, or where the model fails.

        `task` was made of the view in this very moment; its last `prepared_pending` pending configurations are prepared
        and not trials yet.
        """
        sequence, numbers = view.sequence, _numbers_of(view)
        result = await self._engine.answer_if_idle(task)
        if result is None or result.fallback_reason or not result.suggestions:
            return None
        return self._taken(view, task, _continuing(result, numbers), sequence, prepared_pending, prepared=True)[0]

    async def close(self) -> None:
        """Waits for what is still being written."""
        await asyncio.gather(*self._background, return_exceptions=True)

    def _taken(
        self,
        view: StudyView,
        task: SuggestTask,
        result: SuggestResult,
        sequence: int,
        prepared_pending: int,
        *,
        prepared: bool = False,
    ) -> Sequence[Suggestion]:
        name = view.study.name
        if result.fallback_reason:
            log.warning("model of %s fell back: %s", name, result.fallback_reason)
        if result.warm_start and result.warm_start != view.warm_start:
            view.warm_start = result.warm_start
            self._keep(name, WarmStart(sequence=view.sequence, payload=result.warm_start))
        return with_provenance(task, result, sequence=sequence, prepared_pending=prepared_pending, prepared=prepared)

    async def warm_up(self, view: StudyView) -> None:
        """Reads the hyperparameters that another server has stored, where the view has none."""
        if view.warm_start is None:
            stored = await self._ledger.read_warm_start(view.study.name)
            view.warm_start = stored.payload if stored else b""

    def _keep(self, name: StudyName, warm_start: WarmStart) -> None:
        """Stores model hyperparameters behind the answer: they only make the next fit of another server faster."""

        async def write() -> None:
            try:
                await self._ledger.write_warm_start(name, warm_start)
            except AsktellError as error:
                log.warning("warm start of %s not stored: %s", name, error)

        task = asyncio.create_task(write())
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _numbers_of(view: StudyView) -> Sequence[int]:
    """The numbers of the trials of the view's history, where a suggestion may go on from one: a promotion to a higher fidelity."""
    return () if view.study.space.fidelity is None else view.ended_numbers()


def _continuing(result: SuggestResult, numbers: Sequence[int]) -> SuggestResult:
    """The result, whose promotions name the trials that they go on from; `numbers` are those of the trials of its history."""
    if all(suggestion.continues is None for suggestion in result.suggestions):
        return result
    return dataclasses.replace(
        result,
        suggestions=tuple(
            suggestion
            if suggestion.continues is None
            else dataclasses.replace(suggestion, continue_from=numbers[suggestion.continues])
            for suggestion in result.suggestions
        ),
    )


def task_of(
    view: StudyView,
    count: int,
    *,
    fixed: Configuration | None = None,
    also_pending: Sequence[Configuration] = (),
    cost_exponent: float = 0.0,
) -> SuggestTask:
    """What the engine is asked for, with the `fixed` values; `also_pending` are configurations that no trial has yet."""
    study = view.study
    return SuggestTask(
        problem=view.problem,
        history=view.history(),
        pending=[*view.pending(), *also_pending],
        count=count,
        seed=study.seed,
        warm_start=view.warm_start or b"",
        cost_exponent=cost_exponent,
        fixed=fixed or {},
        earlier=view.earlier,
    )


def new_trial(space: SearchSpace, suggestion: Suggestion, now: datetime) -> Trial:
    """The suggestion, a configuration of the space, as a trial that waits to be started."""
    return Trial(
        state=TrialState.QUEUED,
        parameters=suggestion.parameters,
        derived=space.derive(suggestion.parameters),
        origin=suggestion.origin,
        prediction=suggestion.prediction,
        provenance=suggestion.provenance,
        create_time=now,
        continue_from=suggestion.continue_from,
    )
