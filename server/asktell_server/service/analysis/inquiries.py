"""Questions about the results of a study: put to the engine once for each state of the results, and remembered."""

from __future__ import annotations

import asyncio
import hashlib
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast

from asktell_server.domain.errors import ErrorReason, FailedPrecondition
from asktell_server.domain.goals import Goals
from asktell_server.domain.names import StudyName
from asktell_server.engine.analysis.question import Question
from asktell_server.engine.observations import Outcome
from asktell_server.engine.task import A, A_co, Answer, Engine, Task
from asktell_server.engine.tasks.analyse import Analysed, AnalysisTask
from asktell_server.service.modelling import Modelling
from asktell_server.service.study_view import StudyView

LEAST_RESULTS = 3
"""Results of trials that have come to their end from which on a model is asked: of fewer it would say no more than its priors."""
MOST_KEPT = 2_000_000
"""Numbers and texts in all the questions and answers that are kept, about: some 50 MB at most."""
_OVERHEAD = 200
"""What keeping anything at all takes, in numbers."""

_MOST_FITTED = 1000
"""Studies whose hyperparameters are kept, some 1 kB each."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class _State:
    """What an answer depends on: the study's epoch, its goals with the baseline's values, and a digest of its results."""

    name: StudyName
    epoch: str
    goals: Goals
    digest: bytes


_Key = tuple[_State, object]


class KeptTask(Task[A_co], Protocol[A_co]):
    """A task whose answers are worth keeping: equal ones, by hash too, have equal answers."""

    @property
    def size(self) -> int:
        """How many numbers or texts the task and its answer hold, about."""
        ...


@dataclass(frozen=True, slots=True)
class Said(Generic[V]):
    """What the model of a study says.

    Attributes:
        result_count: how many results with values the model knows.
        numbers: the numbers of the trials that it was asked about, by their places in the history.
    """

    value: V
    result_count: int
    numbers: Sequence[int]


class Inquiries:
    """Asks the engine, and keeps what it said until the results are others or more recent answers need the room.

    Those who ask the same at the same time wait for one answer. The hyperparameters that the first answer was fitted with serve
    all further questions about the same results.
    """

    def __init__(self, engine: Engine, modelling: Modelling, *, most_kept: int = MOST_KEPT) -> None:
        self._engine = engine
        self._modelling = modelling
        self._most_kept = most_kept
        self._kept: OrderedDict[_Key, tuple[Answer, int]] = OrderedDict()
        """Answers, and how much room each takes."""
        self._size = 0
        self._fitted: OrderedDict[StudyName, tuple[_State, bytes]] = OrderedDict()
        self._running: dict[_Key, asyncio.Task[Any]] = {}

    async def answer(self, view: StudyView, question: Question[V]) -> Said[V]:
        """What the model of the study of an up-to-date view says.

        Raises:
            FailedPrecondition: TOO_FEW_RESULTS.
            ResourceExhausted: OVERLOADED.
            NoAnswer: the model, or every worker that was asked, failed.
        """
        await self._modelling.warm_up(view)
        while (first := self._first(state := _state_of(view), question)) is not None:
            await asyncio.wait([first])  # and the view may move on
        require_results(view)
        numbers = view.ended_numbers()

        def task() -> AnalysisTask[V]:
            return AnalysisTask(
                problem=view.problem,
                history=view.history(),
                seed=view.study.seed,
                warm_start=view.warm_start or b"",
                question=question,
                fitted=self._fitted_to(state),
            )

        known = await self._once((state, question), task, question.size)
        return Said(known.value, known.result_count, numbers)

    async def result(self, view: StudyView, task: KeptTask[A]) -> A:
        """The answer to a task that is not about the model of the study of an up-to-date view.

        Raises:
            ResourceExhausted: OVERLOADED.
            NoAnswer: every worker that was asked failed.
        """
        return await self._once((_state_of(view), task), lambda: task, task.size)

    async def _once(self, key: _Key, make: Callable[[], Task[A]], size: int) -> A:
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return cast(A, known[0])
        work = self._running.get(key)
        if work is None:
            work = asyncio.create_task(self._ask(key, make(), size + _OVERHEAD), name=f"analyse {key[0].name}")
            self._running[key] = work
            work.add_done_callback(partial(self._forget, key))
        # Who goes away leaves the answer to the others, or to those who ask again.
        return cast(A, await asyncio.shield(work))

    async def _ask(self, key: _Key, task: Task[A], size: int) -> A:
        answer = await self._engine.answer(task)
        if isinstance(answer, Analysed):
            self._keep_fit(key[0], answer.hyperparameters)
        self._kept[key] = (answer, size)
        self._size += size
        while self._size > self._most_kept and len(self._kept) > 1:
            _, (_, freed) = self._kept.popitem(last=False)
            self._size -= freed
        return answer

    def _keep_fit(self, state: _State, hyperparameters: bytes) -> None:
        if not self._fitted_to(state):
            self._fitted[state.name] = (state, hyperparameters)
        self._fitted.move_to_end(state.name)
        while len(self._fitted) > _MOST_FITTED:
            self._fitted.popitem(last=False)

    def _forget(self, key: _Key, work: asyncio.Task[Any]) -> None:
        del self._running[key]
        if not work.cancelled():
            work.exception()  # retrieved: those who asked have it, or are gone

    def _first(self, state: _State, question: object) -> asyncio.Task[Any] | None:
        """Another question about the same results that is being answered, while no answer has left its hyperparameters.

        Whoever waits for it is spared the fit, and is answered by the very same model.
        """
        key = (state, question)
        if self._fitted_to(state) or key in self._kept or key in self._running:
            return None
        return next((work for (of, _), work in self._running.items() if of == state), None)

    def _fitted_to(self, state: _State) -> bytes:
        """The hyperparameters that an earlier answer about the very same results has left; empty = none."""
        known = self._fitted.get(state.name)
        return known[1] if known is not None and known[0] == state else b""


def require_results(view: StudyView) -> None:
    """Raises FailedPrecondition (TOO_FEW_RESULTS) where a study has too few results with values for a model."""
    history = view.history()
    results = int((history.mask(Outcome.VALUE) & ~history.expected).sum())
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
