"""Questions about the results of a study: put to the engine once for each state of the results, and remembered."""

from __future__ import annotations

import asyncio
import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from asktell_server.domain.errors import ErrorReason, FailedPrecondition
from asktell_server.domain.goals import Goals
from asktell_server.domain.names import StudyName
from asktell_server.engine.analysis.question import Question
from asktell_server.engine.observations import Outcome
from asktell_server.engine.task import Engine
from asktell_server.engine.tasks.analyse import Analysed, AnalysisTask
from asktell_server.service.modelling import Modelling
from asktell_server.service.study_view import StudyView

LEAST_RESULTS = 3
"""Results with values from which on a model is asked: of fewer it would say no more than its priors."""
MOST_KEPT = 2_000_000
"""Numbers and texts in all the questions and answers that are kept, about: some 50 MB at most."""
_OVERHEAD = 200
"""What keeping anything at all takes, in numbers."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _State:
    """What an answer depends on: the study's epoch, its goals with the baseline's values, and a digest of its results."""

    name: StudyName
    epoch: str
    goals: Goals
    digest: bytes


class Inquiries:
    """Asks the engine, and keeps what it said until the results are others or more recent answers need the room.

    Those who ask the same at the same time wait for one answer. The hyperparameters that the first answer was fitted with serve
    all further questions about the same results.
    """

    def __init__(self, engine: Engine, modelling: Modelling, *, most_kept: int = MOST_KEPT) -> None:
        self._engine = engine
        self._modelling = modelling
        self._most_kept = most_kept
        self._kept: OrderedDict[tuple[_State, Question[Any]], Analysed[Any]] = OrderedDict()
        self._size = 0
        self._fitted: OrderedDict[StudyName, tuple[_State, bytes]] = OrderedDict()
        self._running: dict[tuple[_State, Question[Any]], asyncio.Task[Analysed[Any]]] = {}

    async def answer(self, view: StudyView, question: Question[V]) -> Analysed[V]:
        """What the model of the study of an up-to-date view says.

        Raises:
            FailedPrecondition: TOO_FEW_RESULTS.
            ResourceExhausted: OVERLOADED.
            NoAnswer: the model, or every worker that was asked, failed.
        """
        require_results(view)
        await self._modelling.warm_up(view)
        state = _state_of(view)
        key = (state, question)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        work = self._running.get(key)
        if work is None:
            task = AnalysisTask(
                problem=view.problem,
                history=view.history(),
                seed=view.study.seed,
                warm_start=view.warm_start or b"",
                question=question,
                fitted=self._fitted_to(state),
            )
            work = self._running[key] = asyncio.create_task(self._ask(state, task), name=f"analyse {state.name}")
            work.add_done_callback(_forgetting(self._running, key))
        # Who goes away leaves the answer to the others, or to those who ask again.
        return await asyncio.shield(work)

    async def _ask(self, state: _State, task: AnalysisTask[V]) -> Analysed[V]:
        answer = await self._engine.answer(task)
        self._fitted[state.name] = (state, answer.hyperparameters)
        self._fitted.move_to_end(state.name)
        while len(self._fitted) * _OVERHEAD > self._most_kept:
            self._fitted.popitem(last=False)
        self._keep((state, task.question), answer)
        return answer

    def _fitted_to(self, state: _State) -> bytes:
        """The hyperparameters that an earlier answer about the very same results has left; empty = none."""
        known = self._fitted.get(state.name)
        return known[1] if known is not None and known[0] == state else b""

    def _keep(self, key: tuple[_State, Question[V]], answer: Analysed[V]) -> None:
        self._kept[key] = answer
        self._size += _size_of(key[1])
        while self._size > self._most_kept and len(self._kept) > 1:
            (_, question), _ = self._kept.popitem(last=False)
            self._size -= _size_of(question)


def require_results(view: StudyView) -> None:
    """Raises FailedPrecondition (TOO_FEW_RESULTS) where a study has too few results with values for a model."""
    results = view.history().count(Outcome.VALUE)
    if results < LEAST_RESULTS:
        metric = view.goals.metrics[0]
        raise FailedPrecondition(
            f"{view.study.name} has {results} results of {metric}: a model takes at least {LEAST_RESULTS}",
            reason=ErrorReason.TOO_FEW_RESULTS,
            metadata={"metric": metric, "results": str(results), "required": str(LEAST_RESULTS)},
        )


def _state_of(view: StudyView) -> _State:
    digest = hashlib.blake2b(view.history().digest(), digest_size=16)
    digest.update(array("q", view.ended_numbers()).tobytes())  # two trials may end alike
    return _State(view.study.name, view.head.epoch, view.goals, digest.digest())


def _size_of(question: Question[Any]) -> int:
    return question.size + _OVERHEAD


def _forgetting(
    running: dict[tuple[_State, Question[Any]], asyncio.Task[Analysed[Any]]], key: tuple[_State, Question[Any]]
) -> Callable[[asyncio.Task[Analysed[Any]]], None]:
    def forget(work: asyncio.Task[Analysed[Any]]) -> None:
        del running[key]
        if not work.cancelled():
            work.exception()  # retrieved: those who asked have it, or are gone

    return forget
