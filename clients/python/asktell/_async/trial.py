"""The handle of a trial."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

from asktell._async.session import AsyncSession
from asktell._core.leases import Lease
from asktell._core.trial_actions import Metrics, Texts, TrialActions
from asktell._core.trial_view import Names
from asktell.records import Measurement, MetricInput, Outcome
from asktell.v1 import trial_pb2


class AsyncTrial(TrialActions):
    """`asktell.Trial` for asyncio: the same methods, to be awaited."""

    def __init__(
        self, session: AsyncSession, message: trial_pb2.Trial, names: Names, lease: Lease | None = None
    ) -> None:
        """Use `AsyncStudy.ask` or `AsyncStudy.trials`."""
        super().__init__(session.caller, message, names, lease)
        self._run = session.run

    async def report(
        self, metrics: Metrics | None = None, /, *, step: int | None = None, **more_metrics: MetricInput
    ) -> bool:
        """As `Trial.report`."""
        return await self._run(self._report(metrics, more_metrics, step))

    async def tell(
        self, metrics: Metrics | None = None, /, *, annotations: Texts | None = None, **more_metrics: MetricInput
    ) -> None:
        """As `Trial.tell`."""
        await self._run(self._tell(Outcome.SUCCEEDED, metrics, more_metrics, annotations))

    async def stop(
        self,
        metrics: Metrics | None = None,
        /,
        *,
        reason: str = "",
        annotations: Texts | None = None,
        **more_metrics: MetricInput,
    ) -> None:
        """As `Trial.stop`."""
        await self._run(self._tell(Outcome.STOPPED, metrics, more_metrics, annotations, reason or self.stop_reason))

    async def fail(
        self,
        reason: str = "",
        metrics: Metrics | None = None,
        *,
        annotations: Texts | None = None,
        **tracked_metrics: MetricInput,
    ) -> None:
        """As `Trial.fail`."""
        await self._run(self._tell(Outcome.FAILED, metrics, tracked_metrics, annotations, reason))

    async def infeasible(
        self,
        reason: str = "",
        metrics: Metrics | None = None,
        *,
        annotations: Texts | None = None,
        **tracked_metrics: MetricInput,
    ) -> None:
        """As `Trial.infeasible`."""
        await self._run(self._tell(Outcome.INFEASIBLE, metrics, tracked_metrics, annotations, reason))

    async def release(self) -> None:
        """As `Trial.release`."""
        await self._run(self._release())

    async def cancel(self, reason: str = "") -> None:
        """As `Trial.cancel`."""
        await self._run(self._cancel(reason))

    async def amend(
        self,
        metrics: Metrics | None = None,
        /,
        *,
        reason: str,
        outcome: Outcome | Literal["SUCCEEDED", "STOPPED", "FAILED", "INFEASIBLE"] = Outcome.SUCCEEDED,
        **more_metrics: MetricInput,
    ) -> None:
        """As `Trial.amend`."""
        await self._run(self._amend(metrics, more_metrics, reason, Outcome(outcome)))

    async def label(self, labels: Mapping[str, str] | None = None, /, **more_labels: str) -> None:
        """As `Trial.label`."""
        await self._run(self._set("labels", labels or {}, more_labels))

    async def annotate(self, annotations: Mapping[str, str] | None = None, /, **more_annotations: str) -> None:
        """As `Trial.annotate`."""
        await self._run(self._set("annotations", annotations or {}, more_annotations))

    async def set_note(self, note: str) -> None:
        """As `Trial.set_note`."""
        await self._run(self._set_note(note))

    @property
    async def start_checkpoint(self) -> str | None:
        """As `Trial.start_checkpoint`."""
        return await self._run(self._start_checkpoint())

    @property
    async def measurements(self) -> list[Measurement]:
        """As `Trial.measurements`."""
        return await self._run(self._measured())

    async def refresh(self) -> Self:
        """As `Trial.refresh`."""
        await self._run(self._refresh())
        return self

    async def delete(self) -> None:
        """As `Trial.delete`."""
        await self._run(self._delete())

    async def __aenter__(self) -> Self:
        """The trial itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        forgotten = error is None and self.is_open and not self.lease_lost
        await self._run(self._leave(error))
        if forgotten:
            warnings.warn(f"{self.name} was not told and has been given back", RuntimeWarning, stacklevel=2)
