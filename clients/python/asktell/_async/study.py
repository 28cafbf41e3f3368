"""The handle of a study."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Literal, Self, Unpack, overload

from asktell._async.analysed import AsyncAnalysedStudy
from asktell._async.optimize import AsyncFunction, optimize
from asktell._async.plots import AsyncPlots
from asktell._async.session import AsyncSession
from asktell._async.trial import AsyncTrial
from asktell._core.ask_options import AskOptions
from asktell._core.course import FAILURES_IN_A_ROW, Catch
from asktell._core.frames import frame_maker
from asktell._core.leases import Lease
from asktell._core.study_actions import Params, States
from asktell._core.study_view import StudyView
from asktell._core.watch import Change, decode_change
from asktell.comparison import Comparison
from asktell.records import BestByModel, HypervolumePoint, ImportedTrial
from asktell.spaces import ParameterValue
from asktell.study_spec import StudyChanges
from asktell.v1 import study_pb2, trial_pb2


class AsyncStudy(AsyncAnalysedStudy):
    """`asktell.Study` for asyncio: the same methods, to be awaited."""

    def __init__(self, session: AsyncSession, message: study_pb2.Study) -> None:
        """Use `AsyncClient.create_study` or `AsyncClient.study`."""
        super().__init__(session, message)

    @overload
    async def ask(
        self, count: None = None, *, wait: bool | float = True, **options: Unpack[AskOptions]
    ) -> AsyncTrial: ...
    @overload
    async def ask(
        self, count: int, *, wait: bool | float = True, **options: Unpack[AskOptions]
    ) -> list[AsyncTrial]: ...
    async def ask(
        self, count: int | None = None, *, wait: bool | float = True, **options: Unpack[AskOptions]
    ) -> AsyncTrial | list[AsyncTrial]:
        """As `Study.ask`."""
        messages, taken_at = await self._run(self._ask(count, wait, options))
        trials = [self._handle(message, self._session.lease(message, taken_at)) for message in messages]
        return trials[0] if count is None else trials

    async def optimize(
        self,
        function: AsyncFunction,
        *,
        trials: int | None = None,
        workers: int = 1,
        timeout_s: float | None = None,
        catch: Catch = Exception,
        max_failures_in_a_row: int | None = FAILURES_IN_A_ROW,
        progress: bool | None = None,
        ask: AskOptions | None = None,
        fixed: Mapping[str, ParameterValue] | None = None,
    ) -> Self:
        """As `Study.optimize`, with a coroutine function, and tasks as workers. Cancelling it gives the trials back."""
        await optimize(
            self,
            function,
            trials=trials,
            workers=workers,
            timeout_s=timeout_s,
            catch=catch,
            max_failures_in_a_row=max_failures_in_a_row,
            progress=progress,
            ask={**(ask or {}), **({} if fixed is None else {"fixed": fixed})},
        )
        return self

    @overload
    async def enqueue(
        self,
        params: Params,
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        continue_from: int | None = None,
    ) -> AsyncTrial: ...
    @overload
    async def enqueue(
        self,
        params: Iterable[Params],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        continue_from: int | None = None,
    ) -> list[AsyncTrial]: ...
    async def enqueue(
        self,
        params: Params | Iterable[Params],
        *,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        continue_from: int | None = None,
    ) -> AsyncTrial | list[AsyncTrial]:
        """As `Study.enqueue`."""
        trials = [
            self._handle(each) for each in await self._run(self._enqueue(params, labels, annotations, continue_from))
        ]
        return trials[0] if isinstance(params, Mapping) else trials

    async def import_trials(self, trials: Iterable[ImportedTrial], *, validate_only: bool = False) -> list[AsyncTrial]:
        """As `Study.import_trials`."""
        return [self._handle(each) for each in await self._run(self._import(trials, validate_only))]

    async def trials(
        self,
        *,
        states: States | None = None,
        worker_id: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> list[AsyncTrial]:
        """As `Study.trials`."""
        return [self._handle(each) for each in await self._run(self._list(states, worker_id, labels))]

    async def dataframe(
        self,
        library: Literal["pandas", "polars"] | None = None,
        *,
        states: States | None = None,
        worker_id: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> Any:
        """As `Study.dataframe`."""
        make = frame_maker(library)
        return make(await self._run(self._list(states, worker_id, labels)), self._names)

    async def trial(self, number: int) -> AsyncTrial:
        """As `Study.trial`."""
        return self._handle(await self._run(self._get_trial(number)))

    @property
    async def best_trial(self) -> AsyncTrial:
        """As `Study.best_trial`."""
        return self._handle(await self._run(self._best_one()))

    @property
    async def best_params(self) -> dict[str, Any]:
        """As `Study.best_params`."""
        return (await self.best_trial).params

    @property
    async def best_value(self) -> float:
        """As `Study.best_value`."""
        return (await self.best_trial).metrics[self.objectives[0].metric]

    @property
    def plot(self) -> AsyncPlots:
        """As `Study.plot`."""
        return AsyncPlots(self._session, self)

    async def pareto_front(self) -> list[AsyncTrial]:
        """As `Study.pareto_front`."""
        return [self._handle(each) for each in await self._run(self._front())]

    async def hypervolume(self) -> float | None:
        """As `Study.hypervolume`."""
        return await self._run(self._hypervolume())

    async def hypervolume_history(self) -> list[HypervolumePoint]:
        """As `Study.hypervolume_history`."""
        return await self._run(self._hypervolume_history())

    @property
    async def best_by_model(self) -> BestByModel[AsyncTrial] | None:
        """As `Study.best_by_model`."""
        best = await self._run(self._best_by_model())
        if best is None:
            return None
        return BestByModel(
            trial=self._handle(best.trial),
            mean=best.mean,
            standard_deviation=best.standard_deviation,
            noise=best.noise,
        )

    async def best_trials(self, count: int = 1) -> list[AsyncTrial]:
        """As `Study.best_trials`."""
        return [self._handle(each) for each in await self._run(self._best(count))]

    async def watch(self, cursor: str = "") -> AsyncIterator[Change]:
        """As `Study.watch`."""
        watch = self._watch(cursor)
        try:
            while True:
                yield decode_change(await self._run(watch.next()), self._names)
        finally:
            watch.close()

    async def compare(self, left: int, right: int) -> Comparison:
        """As `Study.compare`."""
        return await self._run(self._compare(left, right))

    async def compare_with(self, other: StudyView | str) -> Comparison:
        """As `Study.compare_with`."""
        return await self._run(self._compare_with(other))

    async def pause(self) -> None:
        """As `Study.pause`."""
        await self._run(self._set_state(study_pb2.STUDY_STATE_PAUSED))

    async def resume(self) -> None:
        """As `Study.resume`."""
        await self._run(self._set_state(study_pb2.STUDY_STATE_ACTIVE))

    async def finish(self) -> None:
        """As `Study.finish`."""
        await self._run(self._set_state(study_pb2.STUDY_STATE_FINISHED))

    async def update(self, *, etag: str | None = None, **changes: Unpack[StudyChanges]) -> None:
        """As `Study.update`."""
        await self._run(self._update(changes, etag))

    async def reopen(
        self,
        *,
        decay: float | None = None,
        remeasure: int | None = None,
        keep: bool = False,
        more_trials: int | None = None,
        etag: str | None = None,
    ) -> None:
        """As `Study.reopen`."""
        await self._run(self._reopen(decay=decay, remeasure=remeasure, keep=keep, more_trials=more_trials, etag=etag))

    async def delete(self, *, etag: str | None = None) -> None:
        """As `Study.delete`."""
        await self._run(self._delete(etag))

    async def refresh(self) -> Self:
        """As `Study.refresh`."""
        await self._run(self._refresh())
        return self

    def _handle(self, message: trial_pb2.Trial, lease: Lease | None = None) -> AsyncTrial:
        return AsyncTrial(self._session, message, self._names, lease)
