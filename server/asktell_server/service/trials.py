"""Use cases on single trials: tell, report, release, amend, cancel, update, delete."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from asktell_server.domain.errors import AsktellError, InvalidArgument
from asktell_server.domain.metrics import Measurement, Metrics, validate_expense, validate_metrics
from asktell_server.domain.names import StudyName, TrialName
from asktell_server.domain.results import validate_reason, validate_result
from asktell_server.domain.study import (
    StoppingRules,
    Study,
    StudyState,
    validate_annotations,
    validate_labels,
    validate_note,
)
from asktell_server.domain.trial import Result, Trial, TrialState, Verdict
from asktell_server.service.ask.preparing import Preparer
from asktell_server.service.changing import ChangingStore, TrialChanges
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion
from asktell_server.service.reporting import ReportAnswer, answer_to
from asktell_server.service.views import Views
from asktell_server.service.worth import Worth
from asktell_server.store.protocol import MeasurementStore, Request, TrialRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MapUpdate:
    """A change of labels or annotations: `replacement` for all of them (None = keep), then `keys` one by one (None = remove)."""

    replacement: Mapping[str, str] | None = None
    keys: Mapping[str, str | None] = field(default_factory=dict)

    def apply(self, current: Mapping[str, str]) -> Mapping[str, str]:
        """The map after the change."""
        merged: dict[str, str | None] = {**(current if self.replacement is None else self.replacement), **self.keys}
        return {key: value for key, value in merged.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialUpdate:
    """Changes of what a caller may change in a trial; `note` None = keep."""

    labels: MapUpdate = field(default_factory=MapUpdate)
    annotations: MapUpdate = field(default_factory=MapUpdate)
    note: str | None = None


class _Store(ChangingStore, MeasurementStore, Protocol):
    """The parts of the ledger that are needed here."""


class Trials:
    """What can be done with a trial once it exists."""

    def __init__(
        self, ledger: _Store, views: Views, preparer: Preparer, completion: Completion, worth: Worth, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._changes = TrialChanges(ledger, views, preparer)
        self._completion = completion
        self._worth = worth
        self._clock = clock

    async def tell(
        self,
        name: TrialName,
        result: Result,
        *,
        lease_id: str,
        request: Request | None,
        annotations: Mapping[str, str] | None = None,
    ) -> tuple[TrialRecord, bool]:
        """Takes a result, and sets annotations with it; returns the trial as it stands, and whether the result was superseded.

        Raises:
            InvalidArgument: metrics unknown, not finite or without the objective; a foreign lease; request id reused; with these the
                trial's annotations are too large.
            NotFound: no such study or trial.
            AlreadyExists: RESULT_CONFLICT.
            FailedPrecondition: ILLEGAL_TRANSITION.
            Aborted: CONTENTION.
        """
        study = await self._changes.checked(name.study, lambda study: validate_result(study, result))
        if result.state is TrialState.STOPPED and study.goals.missing(result.metrics) is not None:
            result = await self._with_last_report(name, result)
        await self._read_up(name.study, result)
        verdict = Verdict.REPEATED

        def decide(trial: Trial) -> Trial:
            nonlocal verdict
            ended, verdict = trial.tell(result, lease_id=lease_id, now=self._clock(), annotations=annotations)
            if annotations and verdict is Verdict.ACCEPTED:
                validate_annotations(ended.annotations, "annotations")
            return self._expecting(name.study, ended) if verdict is Verdict.ACCEPTED else ended

        record = await self._changes.apply(name, decide, request)
        if verdict is Verdict.ACCEPTED:
            await self._settle(name.study)
        superseded = verdict is Verdict.SUPERSEDED
        if record.trial.result_lease_id and lease_id:
            superseded = lease_id != record.trial.result_lease_id  # also right for a replayed answer
        return record, superseded

    async def report(
        self, name: TrialName, *, lease_id: str, step: int, metrics: Metrics, request: Request | None
    ) -> ReportAnswer:
        """Renews the lease and logs the metrics, if there are any; says whether the worker should stop.

        Raises:
            InvalidArgument: no lease id, a negative step, metrics unknown or not finite, request id reused.
            NotFound: no such study or trial.
            ResourceExhausted: too many measurements.
        """
        if not lease_id:
            raise InvalidArgument("lease_id", "is required; Ask gave it with the trial")
        if step < 0:
            raise InvalidArgument("step", f"must be at least 0, got {step}")

        def check(study: Study) -> None:
            validate_metrics(metrics, declared=study.declared_metrics)
            validate_expense(metrics, study.goals.cost_metric)

        study = await self._changes.checked(name.study, check)
        measurement = Measurement(step=step, metrics=metrics, report_time=self._clock()) if metrics else None
        view = self._views.peek(name.study)
        reported = await self._ledger.report(
            name.study,
            name.number,
            lease_id=lease_id,
            lease_s=study.lease.duration_s,
            measurement=measurement,
            request=request if measurement else None,
            stop_reason=view.stop_reason(name.number, measurement) if view and measurement else "",
        )
        view = self._views.peek(name.study)
        if measurement is not None and reported.lease_valid and view is not None:
            view.report(name.number, measurement)
            if study.early_stopping:
                self._views.freshen(name.study)
        return answer_to(reported)

    async def release(self, name: TrialName, *, lease_id: str, request: Request | None) -> TrialRecord:
        """Gives a running trial back to the queue.

        Raises:
            InvalidArgument: no lease id. NotFound: no such trial. FailedPrecondition: LEASE_LOST, ILLEGAL_TRANSITION.
        """
        if not lease_id:
            raise InvalidArgument("lease_id", "is required; Ask gave it with the trial")
        return await self._changes.apply(name, lambda trial: trial.release(lease_id=lease_id), request)

    async def amend(self, name: TrialName, result: Result, *, reason: str, request: Request | None) -> TrialRecord:
        """Corrects a result.

        Raises:
            InvalidArgument: as `tell`; an empty reason. NotFound: no such trial. FailedPrecondition: ILLEGAL_TRANSITION.
        """
        if not reason:
            raise InvalidArgument("reason", "is required: say why the result is corrected")
        validate_reason(reason)
        await self._changes.checked(name.study, lambda study: validate_result(study, result))
        await self._read_up(name.study, result)

        def decide(trial: Trial) -> Trial:
            return self._expecting(name.study, trial.amend(result, reason=reason, now=self._clock()))

        return await self._changes.apply(name, decide, request)

    async def cancel(self, name: TrialName, *, reason: str, request: Request | None) -> TrialRecord:
        """Calls a trial off.

        Raises:
            InvalidArgument: the reason is too long. NotFound: no such trial. FailedPrecondition: ILLEGAL_TRANSITION.
        """
        validate_reason(reason)
        return await self._changes.apply(name, lambda trial: trial.cancel(reason=reason, now=self._clock()), request)

    async def update(self, name: TrialName, update: TrialUpdate, *, request: Request | None) -> TrialRecord:
        """Changes labels, annotations or the note.

        Raises:
            InvalidArgument: too many or too long. NotFound: no such trial.
        """

        def decide(trial: Trial) -> Trial:
            labels = update.labels.apply(trial.labels)
            annotations = update.annotations.apply(trial.annotations)
            validate_labels(labels, "trial.labels")
            validate_annotations(annotations, "trial.annotations")
            note = trial.note if update.note is None else update.note
            validate_note(note, "trial.note")
            return dataclasses.replace(trial, labels=labels, annotations=annotations, note=note)

        return await self._changes.apply(name, decide, request)

    async def delete(self, name: TrialName, *, request: Request | None) -> None:
        """Removes a trial; the log keeps a tombstone.

        Raises:
            NotFound: no such trial. FailedPrecondition: it is running (ILLEGAL_TRANSITION).
        """

        def decide(trial: Trial) -> Trial:
            trial.require_deletable()
            return trial

        await self._changes.apply(name, decide, request, delete=True)
        view = self._views.peek(name.study)
        if view is not None:
            view.remove(name.number)

    async def _read_up(self, name: StudyName, result: Result) -> None:
        """Before `_expecting`: what is expected goes by all reports and results that there are, whichever server took them in."""
        if result.state is TrialState.STOPPED:
            await self._views.refresh(name)

    def _expecting(self, name: StudyName, trial: Trial) -> Trial:
        """A trial with a new result: where it was stopped, with what it is expected to have come to."""
        view = self._views.peek(name)
        if trial.state is not TrialState.STOPPED or view is None:
            return trial
        return dataclasses.replace(trial, expected_metrics=view.expected(trial))

    async def _with_last_report(self, name: TrialName, result: Result) -> Result:
        """A STOPPED result that lacks a metric of the goals takes what was reported last, if there is anything."""
        (record,) = await self._ledger.read_trials(name.study, numbers=[name.number])
        if record is None or not record.measurement_count:
            return result
        last = await self._ledger.read_measurements(
            name.study, name.number, first=record.measurement_count - 1, limit=1
        )
        known = {metric: value for measurement in last for metric, value in measurement.metrics.items()}
        return dataclasses.replace(result, metrics={**known, **result.metrics})

    async def _settle(self, name: StudyName) -> None:
        """Ends the study if the result just taken makes a stopping rule hold."""
        view = self._views.peek(name)
        # A view that takes the study for finished may be old: another server may have set it going again.
        if view is None or view.study.stopping == StoppingRules():
            return
        try:
            view, delta = await self._views.refresh(name)
            study = await self._completion.settle(view, now=delta.now)
            if study.state is StudyState.ACTIVE:
                self._worth.told(view)
        except AsktellError as error:
            # The result is on disk; the next ask or tell ends the study just as well.
            log.warning("stopping rules of %s not checked: %s", name, error)
