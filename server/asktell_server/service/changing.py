"""Optimistic changes of single trials: decide on a version, commit if it is still the present one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from asktell_server.domain.errors import (
    AlreadyExists,
    AsktellError,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    contention,
    trial_not_found,
)
from asktell_server.domain.names import StudyName, TrialName
from asktell_server.domain.study import Study
from asktell_server.domain.surprise import surprise
from asktell_server.domain.trial import Trial
from asktell_server.service.ask.preparing import Preparer
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.store.protocol import (
    Commit,
    Conflict,
    ConflictKind,
    Guard,
    Request,
    RequestStore,
    TrialRecord,
    TrialStore,
    TrialWrite,
)

MAX_LOST_RACES = 20
"""Lost races after which a change gives up with ABORTED; each time somebody else made progress."""

_MAYBE_STALE = (AlreadyExists, FailedPrecondition, InvalidArgument, NotFound)
"""Errors that a cached version of a trial or study may give wrongly."""

Decide = Callable[[Trial], Trial]
"""Computes a trial's next version; returns the very same object when there is nothing to write."""


class ChangingStore(TrialStore, RequestStore, Protocol):
    """The parts of the ledger that take changes of trials."""


class TrialChanges:
    """Changes trials through the server's views of their studies."""

    def __init__(self, ledger: ChangingStore, views: Views, preparer: Preparer) -> None:
        self._ledger = ledger
        self._views = views
        self._preparer = preparer

    async def view(self, name: StudyName) -> StudyView:
        """A view good enough for what never changes in a study (metrics, lease policy); see `apply` for trials."""
        view = self._views.peek(name)
        return view if view is not None else (await self._views.refresh(name))[0]

    async def checked(self, name: StudyName, check: Callable[[Study], None]) -> Study:
        """The study, after `check` has passed; what a cached one fails counts only when a fresh one fails it too."""
        study = (await self.view(name)).study
        try:
            check(study)
        except InvalidArgument:
            study = (await self._views.refresh(name))[0].study
            check(study)
        return study

    async def apply(
        self, name: TrialName, decide: Decide, request: Request | None, *, delete: bool = False
    ) -> TrialRecord:
        """Applies `decide` to the trial, optimistically on the cached version: one round trip when nobody raced.

        An error from a cached version may be out of date, so it counts only when a fresh read confirms it; and a
        repeated request is answered as it was, whatever has become of the trial since.
        """
        view = await self.view(name.study)
        cached = view.trials.get(name.number)
        if cached is not None:
            try:
                return await self._attempt(name, cached, decide, request, view, delete=delete)
            except _MAYBE_STALE:
                pass
        try:
            view = (await self._views.refresh(name.study))[0]
            trial = view.trials.get(name.number)
            if trial is None:
                raise trial_not_found(str(name))
            return await self._attempt(name, trial, decide, request, view, delete=delete)
        except AsktellError as error:
            before = await self._ledger.recall(name.study, request) if request else None
            if before is not None and before.records:
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
            # Without a change there is a commit all the same: it checks that the request id did not come with another
            # body, and waits for the replicas that an acknowledgement promises (the first answer may have failed there).
            write = TrialWrite(
                trial=changed,
                expected_revision=trial.revision,
                delete=delete,
                surprise=surprise(changed, view.study.goals),
            )
            corrected = trial.state.has_result and changed.result != trial.result
            commit = Commit(
                writes=[write] if delete or changed is not trial else (),
                guard=Guard(epoch=view.head.epoch),
                request=request,
                forgets_ready=corrected,
            )
            try:
                committed = await self._ledger.commit(name.study, commit)
            except Conflict as conflict:
                if conflict.kind is ConflictKind.STUDY_CHANGED:
                    self._views.drop(name.study)  # another study of the same name
                if conflict.current is None:
                    raise trial_not_found(str(name)) from None
                trial = conflict.current
                continue
            (record,) = committed.records or (TrialRecord(trial=trial),)
            if not committed.replayed:
                view.put(record.trial)
                if corrected:
                    view.ready = ()
                if corrected or changed.state is not trial.state:
                    self._preparer.changed(name.study)
            return record
        raise contention(str(name))
