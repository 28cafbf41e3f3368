"""Use cases on single trials: tell, report, release, amend, cancel, update, delete; and the reads."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from asktell_server.domain.errors import Aborted, AsktellError, ErrorReason, InvalidArgument, trial_not_found
from asktell_server.domain.metrics import Measurement, Metrics, validate_metrics
from asktell_server.domain.names import StudyName, TrialName
from asktell_server.domain.stopping import objective_cost
from asktell_server.domain.study import StoppingRules, Study, StudyState, validate_annotations, validate_labels
from asktell_server.domain.trial import Result, Trial, TrialState, Verdict
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion
from asktell_server.service.views import StudyView, Views
from asktell_server.store.protocol import (
    Commit,
    Committed,
    Conflict,
    ConflictKind,
    Guard,
    Ledger,
    Reported,
    Request,
    TrialRecord,
    TrialWrite,
)

log = logging.getLogger(__name__)

MAX_REASON = 4096
MAX_LOST_RACES = 20
MAX_BEST = 1000
_MEASUREMENTS_PAGE = 1000

Decide = Callable[[Trial], Trial]
"""Computes a trial's next version; returns the very same object when there is nothing to write."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFilter:
    """Which trials to list; all conditions hold together, empty ones always do."""

    states: frozenset[TrialState] = frozenset()
    worker_id: str = ""
    labels: Mapping[str, str] = dataclass_field(default_factory=dict)

    def matches(self, trial: Trial) -> bool:
        """Whether `trial` is to be listed."""
        return (
            (not self.states or trial.state in self.states)
            and (not self.worker_id or trial.worker_id == self.worker_id)
            and all(trial.labels.get(key) == value for key, value in self.labels.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MapUpdate:
    """A change of labels or annotations: `replacement` for all of them (None = keep), then `keys` one by one (None = remove)."""

    replacement: Mapping[str, str] | None = None
    keys: Mapping[str, str | None] = dataclass_field(default_factory=dict)

    def apply(self, current: Mapping[str, str]) -> Mapping[str, str]:
        """The map after the change."""
        merged: dict[str, str | None] = {**(current if self.replacement is None else self.replacement), **self.keys}
        return {key: value for key, value in merged.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialUpdate:
    """Changes of what a caller may change in a trial."""

    labels: MapUpdate = dataclass_field(default_factory=MapUpdate)
    annotations: MapUpdate = dataclass_field(default_factory=MapUpdate)


class Trials:
    """What can be done with a trial once it exists."""

    def __init__(self, ledger: Ledger, views: Views, completion: Completion, clock: Clock) -> None:
        self._ledger = ledger
        self._views = views
        self._completion = completion
        self._clock = clock

    async def tell(
        self, name: TrialName, result: Result, *, lease_id: str, request: Request | None
    ) -> tuple[TrialRecord, bool]:
        """Takes a result; returns the trial as it stands, and whether the result was superseded.

        Raises:
            InvalidArgument: metrics unknown, not finite or without the objective; a foreign lease; request id reused.
            NotFound: no such study or trial.
            AlreadyExists: RESULT_CONFLICT.
            FailedPrecondition: ILLEGAL_TRANSITION.
            Aborted: CONTENTION.
        """
        view = await self._view(name.study)
        validate_result(view.study, result)
        if result.state is TrialState.STOPPED and view.study.objective.metric not in result.metrics:
            result = await self._with_last_report(name, view.study, result)
        verdict = Verdict.REPEATED

        def decide(trial: Trial) -> Trial:
            nonlocal verdict
            told, verdict = trial.tell(result, lease_id=lease_id, now=self._clock())
            return told

        record = await self._change(name, decide, request)
        if verdict is Verdict.ACCEPTED:
            await self._settle(view)
        superseded = verdict is Verdict.SUPERSEDED
        if record.trial.result_lease_id and lease_id:
            superseded = lease_id != record.trial.result_lease_id  # also right for a replayed answer
        return record, superseded

    async def report(
        self, name: TrialName, *, lease_id: str, step: int, metrics: Metrics, request: Request | None
    ) -> Reported:
        """Renews the lease and logs the metrics, if there are any.

        Raises:
            InvalidArgument: no lease id, a negative step, metrics unknown or not finite, request id reused.
            NotFound: no such study or trial.
            ResourceExhausted: too many measurements.
        """
        if not lease_id:
            raise InvalidArgument("lease_id", "is required; Ask gave it with the trial")
        if step < 0:
            raise InvalidArgument("step", f"must be at least 0, got {step}")
        study = (await self._view(name.study)).study
        validate_metrics(metrics, declared=study.declared_metrics)
        measurement = Measurement(step=step, metrics=metrics, report_time=self._clock()) if metrics else None
        return await self._ledger.report(
            name.study,
            name.number,
            lease_id=lease_id,
            lease_s=study.lease.duration_s,
            measurement=measurement,
            request=request if measurement else None,
        )

    async def release(self, name: TrialName, *, lease_id: str, request: Request | None) -> TrialRecord:
        """Gives a running trial back to the queue.

        Raises:
            InvalidArgument: no lease id. NotFound: no such trial. FailedPrecondition: LEASE_LOST, ILLEGAL_TRANSITION.
        """
        if not lease_id:
            raise InvalidArgument("lease_id", "is required; Ask gave it with the trial")
        return await self._change(name, lambda trial: trial.release(lease_id=lease_id), request)

    async def amend(self, name: TrialName, result: Result, *, reason: str, request: Request | None) -> TrialRecord:
        """Corrects a result.

        Raises:
            InvalidArgument: as `tell`; an empty reason. NotFound: no such trial. FailedPrecondition: ILLEGAL_TRANSITION.
        """
        if not reason:
            raise InvalidArgument("reason", "is required: say why the result is corrected")
        validate_reason(reason)
        view = await self._view(name.study)
        validate_result(view.study, result)
        return await self._change(name, lambda trial: trial.amend(result, reason=reason, now=self._clock()), request)

    async def cancel(self, name: TrialName, *, reason: str, request: Request | None) -> TrialRecord:
        """Calls a trial off.

        Raises:
            InvalidArgument: the reason is too long. NotFound: no such trial. FailedPrecondition: ILLEGAL_TRANSITION.
        """
        validate_reason(reason)
        return await self._change(name, lambda trial: trial.cancel(reason=reason, now=self._clock()), request)

    async def update(self, name: TrialName, update: TrialUpdate, *, request: Request | None) -> TrialRecord:
        """Changes labels or annotations.

        Raises:
            InvalidArgument: too many or too long. NotFound: no such trial.
        """

        def decide(trial: Trial) -> Trial:
            labels = update.labels.apply(trial.labels)
            annotations = update.annotations.apply(trial.annotations)
            validate_labels(labels, "trial.labels")
            validate_annotations(annotations, "trial.annotations")
            return dataclasses.replace(trial, labels=labels, annotations=annotations)

        return await self._change(name, decide, request)

    async def delete(self, name: TrialName, *, request: Request | None) -> None:
        """Removes a trial; the log keeps a tombstone.

        Raises:
            NotFound: no such trial. FailedPrecondition: it is running (ILLEGAL_TRANSITION).
        """

        def decide(trial: Trial) -> Trial:
            trial.require_deletable()
            return trial

        await self._change(name, decide, request, delete=True)
        view = self._views.peek(name.study)
        if view is not None:
            view.remove(name.number)

    async def get(self, name: TrialName) -> tuple[TrialRecord, Sequence[Measurement]]:
        """A trial with all its measurements. Raises NotFound."""
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
        return record, measurements

    async def list_page(
        self, study: StudyName, *, filter_: TrialFilter, after: int, limit: int
    ) -> tuple[Sequence[TrialRecord], int | None]:
        """Up to `limit` matching trials with numbers above `after`, and where the next page begins (None = the end).

        Raises NotFound when there is no such study.
        """
        view, _ = await self._views.refresh(study)
        page: list[TrialRecord] = []
        for trial in view.sorted_trials():
            if trial.number <= after or not filter_.matches(trial):
                continue
            if len(page) == limit:
                return page, page[-1].trial.number
            page.append(TrialRecord(trial=trial, measurement_count=view.measurement_count(trial.number)))
        return page, None

    async def best(self, study: StudyName, *, count: int) -> Sequence[TrialRecord]:
        """The best trials with an objective value, best first, ties by number.

        Raises:
            InvalidArgument: `count` is out of range. NotFound: no such study.
        """
        if not 1 <= count <= MAX_BEST:
            raise InvalidArgument("count", f"must be 1 to {MAX_BEST}, got {count}")
        view, _ = await self._views.refresh(study)
        ranked = [
            (cost, trial.number)
            for trial in view.trials.values()
            if (cost := objective_cost(view.study, trial)) is not None
        ]
        ranked.sort()
        return [
            TrialRecord(trial=view.trials[number], measurement_count=view.measurement_count(number))
            for _, number in ranked[:count]
        ]

    async def _view(self, name: StudyName) -> StudyView:
        """A view good enough for what never changes in a study (metrics, lease policy); see `_change` for trials."""
        view = self._views.peek(name)
        return view if view is not None else (await self._views.refresh(name))[0]

    async def _with_last_report(self, name: TrialName, study: Study, result: Result) -> Result:
        """A STOPPED result without the objective takes the last one reported, if there is any."""
        (record,) = await self._ledger.read_trials(name.study, numbers=[name.number])
        if record is None or not record.measurement_count:
            return result
        last = await self._ledger.read_measurements(
            name.study, name.number, first=record.measurement_count - 1, limit=1
        )
        known = {metric: value for measurement in last for metric, value in measurement.metrics.items()}
        return dataclasses.replace(result, metrics={**known, **result.metrics})

    async def _change(
        self, name: TrialName, decide: Decide, request: Request | None, *, delete: bool = False
    ) -> TrialRecord:
        """Applies `decide` to the trial, optimistically on the cached version: one round trip when nobody raced.

        An error from a cached version may be out of date, so it counts only when a fresh read confirms it; and a
        repeated request is answered as it was, whatever has become of the trial since.
        """
        view = await self._view(name.study)
        cached = view.trials.get(name.number)
        if cached is not None:
            try:
                return await self._attempt(name, cached, decide, request, view, delete=delete)
            except AsktellError:
                pass
        try:
            view = (await self._views.refresh(name.study))[0]
            trial = view.trials.get(name.number)
            if trial is None:
                raise trial_not_found(str(name))
            return await self._attempt(name, trial, decide, request, view, delete=delete)
        except AsktellError as error:
            if request is not None and (before := await self._ledger.recall(name.study, request)) is not None:
                return before.records[0]
            error.metadata.setdefault("name", str(name))
            raise

    async def _attempt(
        self,
        name: TrialName,
        trial: Trial,
        decide: Decide,
        request: Request | None,
        view: StudyView,
        *,
        delete: bool,
    ) -> TrialRecord:
        for _ in range(MAX_LOST_RACES):
            changed = decide(trial)
            if changed is trial and not delete:
                return await self._unchanged(name, trial, request)
            write = TrialWrite(trial=changed, expected_revision=trial.revision, delete=delete)
            try:
                committed = await self._ledger.commit(
                    name.study, Commit(writes=[write], guard=Guard(epoch=view.head.epoch), request=request)
                )
            except Conflict as conflict:
                if conflict.kind is ConflictKind.STUDY_CHANGED:
                    self._views.drop(name.study)  # another study of the same name
                if conflict.current is None:
                    raise trial_not_found(str(name)) from None
                trial = conflict.current
                continue
            return self._taken(view, committed)
        raise Aborted(
            f"too many writers on {name}; nothing was changed, try again",
            reason=ErrorReason.CONTENTION,
            metadata={"name": str(name)},
        )

    async def _unchanged(self, name: TrialName, trial: Trial, request: Request | None) -> TrialRecord:
        """Nothing to write; but a request id must not come with two bodies."""
        if request is not None and (before := await self._ledger.recall(name.study, request)) is not None:
            return before.records[0]
        return TrialRecord(trial=trial)

    @staticmethod
    def _taken(view: StudyView, committed: Committed) -> TrialRecord:
        (record,) = committed.records
        if not committed.replayed:
            view.put(record.trial)
        return record

    async def _settle(self, view: StudyView) -> None:
        """Ends the study if the result just taken makes a stopping rule hold."""
        if view.study.stopping == StoppingRules() or view.study.state is StudyState.FINISHED:
            return
        try:
            view, delta = await self._views.refresh(view.study.name)
            await self._completion.settle(view, now=delta.now)
        except AsktellError as error:
            # The result is on disk; the next ask or tell ends the study just as well.
            log.warning("stopping rules of %s not checked: %s", view.study.name, error)


def validate_result(study: Study, result: Result, *, field: str = "metrics", reason_field: str = "reason") -> None:
    """Checks a told result against its study.

    Raises:
        InvalidArgument: a metric is unknown or not finite, a success lacks the objective, the reason is too long.
    """
    validate_metrics(result.metrics, declared=study.declared_metrics, field=field)
    objective = study.objective.metric
    if result.state is TrialState.SUCCEEDED and objective not in result.metrics:
        raise InvalidArgument(
            field,
            f"a successful trial must tell its objective {objective!r}",
            reason=ErrorReason.MISSING_OBJECTIVE,
            metadata={"metric": objective},
        )
    validate_reason(result.reason, reason_field)


def validate_reason(reason: str, field: str = "reason") -> None:
    """Raises InvalidArgument when a reason is too long."""
    if len(reason) > MAX_REASON:
        raise InvalidArgument(field, f"must have at most {MAX_REASON} characters, got {len(reason)}")
