"""What an update makes of a study. Rules that change, and a study that is resumed, are judged by the study's trials."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from asktell_server.domain.names import StudyName
from asktell_server.domain.stopping import finish_reason
from asktell_server.domain.study import FinishReason, StoppingRules, Study, StudyState
from asktell_server.service.clock import Clock
from asktell_server.service.completion import ended_trials, finish, study_complete
from asktell_server.service.etags import require_etag
from asktell_server.service.modelling import Modelling
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.service.worth import Worth
from asktell_server.store.protocol import StudyHead, StudyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyUpdate:
    """New values of the fields that may change; a field that is not in `changes` stays.

    `changes` maps attribute names of Study (`display_name`, `labels`, `annotations`, `note`, `max_running_trials`,
    `max_staleness`, `baseline_trial`, `state`) to values; `stopping` maps attribute names of StoppingRules.
    """

    changes: Mapping[str, Any] = field(default_factory=dict)
    stopping: Mapping[str, Any] = field(default_factory=dict)

    @property
    def resumes(self) -> bool:
        """The study is to hand out trials."""
        return self.changes.get("state") is StudyState.ACTIVE

    @property
    def revises_rules(self) -> bool:
        """The rules alone say whether the study goes on."""
        return bool(self.stopping) and "state" not in self.changes


class StudyUpdates:
    """Works out changed studies; writes nothing."""

    def __init__(self, ledger: StudyStore, views: Views, modelling: Modelling, worth: Worth, clock: Clock) -> None:
        self._ledger = ledger
        self._views = views
        self._modelling = modelling
        self._worth = worth
        self._clock = clock

    async def read(self, name: StudyName, update: StudyUpdate, *, etag: str) -> tuple[StudyHead, Study]:
        """The study as it stands, and as the update makes it.

        Raises:
            InvalidArgument: a value is wrong. NotFound: no such study.
            Aborted: ETAG_MISMATCH.
            FailedPrecondition: STUDY_COMPLETE, it is to be resumed and there is nothing more to do.
        """
        if not (update.resumes or update.revises_rules):
            head = await self._ledger.read_head(name)
            require_etag(head, etag)
            return head, self._applied(head.study, update)
        view, delta = await self._views.refresh(name)
        head = view.head  # before anything else is waited for: the view moves on
        require_etag(head, etag)
        changed = self._applied(head.study, update)
        reason = finish_reason(changed, view.standings, ended=ended_trials(head), now=delta.now)
        if reason is None and head.study.finish_reason is FinishReason.LITTLE_TO_GAIN:
            bound = changed.stopping.min_expected_gain
            reason = FinishReason.LITTLE_TO_GAIN if await self._worth.holds(view, bound) else None
        if update.revises_rules:
            return head, self._ruled(changed, reason)
        if reason is None and head.study.finish_reason is FinishReason.EXHAUSTED and await self._is_exhausted(view):
            reason = FinishReason.EXHAUSTED
        if reason is not None:
            raise study_complete(finish(changed, reason, now=delta.now))
        return head, changed

    def _applied(self, study: Study, update: StudyUpdate) -> Study:
        now = self._clock()
        changes = dict(update.changes)
        state = changes.pop("state", study.state)
        stopping: StoppingRules = dataclasses.replace(study.stopping, **update.stopping)
        study = dataclasses.replace(study, **changes, stopping=stopping, update_time=now)
        study.validate()
        if state is study.state:
            return study
        if state is StudyState.FINISHED:
            return finish(study, FinishReason.REQUESTED, now=now)
        return _active(study, state)

    def _ruled(self, study: Study, reason: FinishReason | None) -> Study:
        """The study as its new rules leave it: ended, or going on where it was a rule that had ended it."""
        if study.finish_reason in (FinishReason.REQUESTED, FinishReason.EXHAUSTED):
            return study
        if reason is None:
            return _active(study) if study.state is StudyState.FINISHED else study
        finished = finish(study, reason, now=self._clock())
        return dataclasses.replace(finished, finish_time=study.finish_time or finished.finish_time)

    async def _is_exhausted(self, view: StudyView) -> bool:
        """There is still nothing to try: no trial has been deleted, none waits."""
        return not view.pending() and not await self._modelling.suggest(view, 1, fixed={})


def _active(study: Study, state: StudyState = StudyState.ACTIVE) -> Study:
    return dataclasses.replace(study, state=state, finish_reason=None, finish_time=None)
