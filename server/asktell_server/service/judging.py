"""The best trial in the eyes of a model: asked for seldom, computed when nothing else is to be done, remembered."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass

from asktell_server.domain.goals import Goals
from asktell_server.domain.names import StudyName
from asktell_server.engine.observations import Outcome
from asktell_server.engine.task import PatientEngine
from asktell_server.engine.tasks.assess import Assessment, AssessTask
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import TrialRecord

log = logging.getLogger(__name__)

WAIT_S = 2.0
"""How long a caller waits for a judgement; a later call finds it."""
_REMEMBERED = 1000

_State = tuple[str, Goals, bytes]
"""What a judgement depends on: the study's epoch, its goals with the baseline's values, and the digest of its history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBest:
    """The trial with the best posterior mean, in the objective's unit; `noise` is the deviation of one result."""

    record: TrialRecord
    mean: float
    standard_deviation: float
    noise: float


class Judging:
    """Asks the engine once for each state of a study's results and goals."""

    def __init__(self, engine: PatientEngine, *, wait_s: float = WAIT_S) -> None:
        self._engine = engine
        self._wait_s = wait_s
        self._known: OrderedDict[StudyName, tuple[_State, Assessment | None]] = OrderedDict()
        self._running: dict[StudyName, tuple[_State, asyncio.Task[Assessment | None]]] = {}

    async def best(self, view: StudyView) -> ModelBest | None:
        """The model's best trial, one of those that keep the outcome constraints.

        None where results are not noisy, with several objectives, and where the model fails or takes long.
        """
        if len(view.study.goals.objectives) > 1 or not view.standings.feasible or not view.standings.best(1):
            return None
        numbers = view.ended_numbers()
        task = _task(view)
        if not task.history.count(Outcome.VALUE):
            return None
        state = (view.head.epoch, task.problem.goals, task.history.digest())
        assessment = await self._assessment(view.study.name, state, task)
        if assessment is None or not assessment.noisy:
            return None
        trial = view.trials.get(numbers[assessment.best])
        if trial is None:  # deleted meanwhile
            return None
        return ModelBest(
            record=view.record(trial),
            mean=assessment.mean,
            standard_deviation=assessment.standard_deviation,
            noise=assessment.noise,
        )

    async def _assessment(self, name: StudyName, state: _State, task: AssessTask) -> Assessment | None:
        known = self._known.get(name)
        if known is not None and known[0] == state:
            self._known.move_to_end(name)
            return known[1]
        running = self._running.get(name)
        if running is None or running[0] != state:
            work = asyncio.create_task(self._compute(name, state, task), name=f"judge {name}")
            running = self._running[name] = (state, work)
        done, _ = await asyncio.wait([running[1]], timeout=self._wait_s)
        return running[1].result() if done else None

    async def _compute(self, name: StudyName, state: _State, task: AssessTask) -> Assessment | None:
        try:
            assessment = await self._engine.answer_when_idle(task)
        except Exception:
            log.exception("the results of %s were not judged", name)
            return None
        finally:
            if (running := self._running.get(name)) is not None and running[0] == state:
                del self._running[name]
        self._known[name] = (state, assessment)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return assessment


def _task(view: StudyView) -> AssessTask:
    return AssessTask(
        problem=view.problem,
        history=view.history(),
        seed=view.study.seed,
        warm_start=view.warm_start or b"",
    )
