"""The handle of a trial."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Literal, Self

from asktell._core.leases import Lease
from asktell._core.trial_actions import Metrics, Texts, TrialActions
from asktell._core.trial_view import Names
from asktell._sync.session import Session
from asktell.records import Measurement, MetricInput, Outcome
from asktell.v1 import trial_pb2


class Trial(TrialActions):
    """A trial. One that came from `ask` is open: it heartbeats until it is told, released or dropped.

    As a context manager it fails with the text of an exception that leaves the block; Ctrl-C, SystemExit and a lost
    server give it back instead, and so does, with a warning, a block that ends without telling anything.
    """

    def __init__(self, session: Session, message: trial_pb2.Trial, names: Names, lease: Lease | None = None) -> None:
        """Use `Study.ask` or `Study.trials`."""
        super().__init__(session.caller, message, names, lease)
        self._run = session.run

    def report(
        self, metrics: Metrics | None = None, /, *, step: int | None = None, **more_metrics: MetricInput
    ) -> bool:
        """Reports metrics at a step and renews the lease; returns whether the trial should stop now.

        Metrics whose names are no identifiers go in a mapping: `report({"val/loss": 0.3}, step=1)`.
        """
        return self._run(self._report(metrics, more_metrics, step))

    def tell(
        self, metrics: Metrics | None = None, /, *, annotations: Texts | None = None, **more_metrics: MetricInput
    ) -> None:
        """Tells the result. Once this returns it is on the server's disk; telling it again is harmless.

        `annotations` are set with the result, in the same step; other annotations stay. Telling the result again changes none.

        Raises:
            MissingObjective, UnknownMetric, NotFinite: nothing was changed. ResultConflict: there is another result.
        """
        self._run(self._tell(Outcome.SUCCEEDED, metrics, more_metrics, annotations))

    def stop(
        self,
        metrics: Metrics | None = None,
        /,
        *,
        reason: str = "",
        annotations: Texts | None = None,
        **more_metrics: MetricInput,
    ) -> None:
        """Tells that the trial ended early, with its last known metrics; without any, the last report counts."""
        self._run(self._tell(Outcome.STOPPED, metrics, more_metrics, annotations, reason or self.stop_reason))

    def fail(
        self,
        reason: str = "",
        metrics: Metrics | None = None,
        *,
        annotations: Texts | None = None,
        **tracked_metrics: MetricInput,
    ) -> None:
        """Tells that it ended without a result: crashed, diverged."""
        self._run(self._tell(Outcome.FAILED, metrics, tracked_metrics, annotations, reason))

    def infeasible(
        self,
        reason: str = "",
        metrics: Metrics | None = None,
        *,
        annotations: Texts | None = None,
        **tracked_metrics: MetricInput,
    ) -> None:
        """Tells that the configuration cannot be run at all, e.g. does not fit in memory."""
        self._run(self._tell(Outcome.INFEASIBLE, metrics, tracked_metrics, annotations, reason))

    def release(self) -> None:
        """Gives the trial back: the next asker gets it, and this attempt does not count."""
        self._run(self._release())

    def cancel(self, reason: str = "") -> None:
        """Calls a queued or running trial off; its worker is told to stop."""
        self._run(self._cancel(reason))

    def amend(
        self,
        metrics: Metrics | None = None,
        /,
        *,
        reason: str,
        outcome: Outcome | Literal["SUCCEEDED", "STOPPED", "FAILED", "INFEASIBLE"] = Outcome.SUCCEEDED,
        **more_metrics: MetricInput,
    ) -> None:
        """Corrects the result of a trial that has ended; the former one stays in `amendments`."""
        self._run(self._amend(metrics, more_metrics, reason, Outcome(outcome)))

    def label(self, labels: Mapping[str, str] | None = None, /, **more_labels: str) -> None:
        """Sets labels; others stay."""
        self._run(self._set("labels", labels or {}, more_labels))

    def annotate(self, annotations: Mapping[str, str] | None = None, /, **more_annotations: str) -> None:
        """Sets annotations; others stay."""
        self._run(self._set("annotations", annotations or {}, more_annotations))

    def set_note(self, note: str) -> None:
        """Replaces the note, free text for people of up to 16 KiB; "" takes it away."""
        self._run(self._set_note(note))

    @property
    def start_checkpoint(self) -> str | None:
        """Where the checkpoint lies that it goes on from: the annotation `checkpoint` of the trial `continue_from`.

        None where there is none, or that trial is deleted: then it begins anew. Asked of the server each time.
        """
        return self._run(self._start_checkpoint())

    @property
    def measurements(self) -> list[Measurement]:
        """What it reported, in order of arrival; asked of the server where the handle does not have all of it."""
        return self._run(self._measured())

    def refresh(self) -> Self:
        """Reads the trial anew, with its measurements."""
        self._run(self._refresh())
        return self

    def delete(self) -> None:
        """Removes the trial. Raises IllegalTransition: it is running; cancel it first."""
        self._run(self._delete())

    def __enter__(self) -> Self:
        """The trial itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        forgotten = error is None and self.is_open and not self.lease_lost
        self._run(self._leave(error))
        if forgotten:
            warnings.warn(f"{self.name} was not told and has been given back", RuntimeWarning, stacklevel=2)
