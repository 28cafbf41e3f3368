"""Reopens a study whose data has changed: a new data epoch, with a new budget."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from asktell_server.domain.errors import InvalidArgument, contention
from asktell_server.domain.front import standings_of
from asktell_server.domain.names import StudyName
from asktell_server.domain.reopening import DEFAULT_DECAY, MAX_REMEASURED, Reopening, validate_decay
from asktell_server.domain.stopping import finish_reason
from asktell_server.domain.study import Study, StudyState
from asktell_server.domain.trial import Origin, Trial, TrialState
from asktell_server.service.ask.preparing import Preparer
from asktell_server.service.changing import MAX_LOST_RACES
from asktell_server.service.clock import Clock
from asktell_server.service.completion import ended_trials, finish, study_complete
from asktell_server.service.etags import require_etag
from asktell_server.service.study_view import StudyView
from asktell_server.service.views import Views
from asktell_server.store.protocol import (
    Commit,
    Conflict,
    Guard,
    Request,
    RequestStore,
    StudyHead,
    StudyStore,
    TrialStore,
    TrialWrite,
)

_QUEUEING = "/remeasure"
"""What the request id of the second step has behind that of the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    """How a study is reopened.

    `decay` is what earlier results count from then on, None = half; `remeasure` is how many of the best are measured again first;
    `keep`: all results stay as they are. `more_trials` is the new budget; None = as many as the last one.
    """

    decay: float | None = None
    remeasure: int = 0
    keep: bool = False
    more_trials: int | None = None

    def validate(self) -> None:
        """Raises InvalidArgument: nothing is chosen, things that contradict each other are, or a number is out of range."""
        if self.keep and (self.decay is not None or self.remeasure):
            raise InvalidArgument("keep", "must not be set together with decay or remeasure")
        if not self.keep and self.decay is None and not self.remeasure:
            raise InvalidArgument("decay", "is required, or remeasure or keep: say what earlier results still count")
        if self.decay is not None:
            validate_decay(self.decay, "decay")
        if not 0 <= self.remeasure <= MAX_REMEASURED:
            raise InvalidArgument("remeasure", f"must be 1 to {MAX_REMEASURED}, got {self.remeasure}")
        if self.more_trials is not None and self.more_trials < 1:
            raise InvalidArgument("more_trials", f"must be at least 1, got {self.more_trials}")

    @property
    def effective_decay(self) -> float:
        """What earlier results count from then on."""
        return 1.0 if self.keep else DEFAULT_DECAY if self.decay is None else self.decay


class _Store(StudyStore, TrialStore, RequestStore, Protocol):
    """The parts of the ledger that are needed here."""


class Reopener:
    """The use case reopen."""

    def __init__(self, ledger: _Store, views: Views, preparer: Preparer, clock: Clock) -> None:
        self._ledger = ledger
        self._views = views
        self._preparer = preparer
        self._clock = clock

    async def reopen(self, name: StudyName, how: Reopen, *, etag: str, request: Request | None) -> StudyHead:
        """Begins a new data epoch; the study is ACTIVE then. A non-empty `etag` must still be the present one.

        Raises:
            InvalidArgument: `how` is wrong. NotFound: no such study. Aborted: ETAG_MISMATCH, CONTENTION.
            FailedPrecondition: STUDY_COMPLETE, a rule would end it at once (its deadline has passed).
            ResourceExhausted: LIMIT_EXCEEDED, it has been reopened too often.
        """
        how.validate()
        if request is not None and await self._ledger.recall(name, request) is not None:
            stored = await self._ledger.read_head(name)
            # Answers with the study as the first time left it.
            head = await self._ledger.update_study(
                stored.study, expected_revision=stored.study.revision, request=request
            )
        else:
            head = await self._begin(name, how, etag, request)
        # Also after a replay: the first time may have ended between the two steps.
        await self._queue(head, request)
        view, _ = await self._views.refresh(name)
        self._preparer.changed(name)
        return view.head

    async def _begin(self, name: StudyName, how: Reopen, etag: str, request: Request | None) -> StudyHead:
        for _ in range(MAX_LOST_RACES):
            view, delta = await self._views.refresh(name)
            head = view.head
            require_etag(head, etag)
            changed = self._changed(view, head, how)
            results = standings_of(changed.goals) if how.effective_decay < 1.0 else view.standings
            reason = finish_reason(changed, results, ended=ended_trials(head), now=delta.now)
            if reason is not None:
                raise study_complete(finish(changed, reason, now=delta.now))
            try:
                return await self._ledger.update_study(changed, expected_revision=head.study.revision, request=request)
            except Conflict:
                continue
        raise contention(str(name))

    def _changed(self, view: StudyView, head: StudyHead, how: Reopen) -> Study:
        now, study = self._clock(), head.study
        reopening = Reopening(
            decay=how.effective_decay,
            time=now,
            charged=head.charged,
            remeasured=tuple(view.latest_standings.best(how.remeasure)[: how.remeasure]) if how.remeasure else (),
        )
        changed = dataclasses.replace(
            study,
            reopenings=(*study.reopenings, reopening),
            stopping=dataclasses.replace(study.stopping, max_trials=_budget(head, how)),
            state=StudyState.ACTIVE,
            finish_reason=None,
            finish_time=None,
            update_time=now,
        )
        changed.validate()
        return changed

    async def _queue(self, head: StudyHead, request: Request | None) -> None:
        """Puts what is to be measured again into the queue. Raises Aborted (CONTENTION)."""
        study = head.study
        numbers = study.reopenings[-1].remeasured
        if not numbers:
            return
        trials = await self._ledger.read_trials(study.name, numbers=numbers)
        now = self._clock()
        writes = [TrialWrite(trial=_again(record.trial, now)) for record in trials if record is not None]
        again = None if request is None else dataclasses.replace(request, request_id=request.request_id + _QUEUEING)
        commit = Commit(writes=writes, guard=Guard(epoch=head.epoch), request=again)
        try:
            await self._ledger.commit(study.name, commit)
        except Conflict:
            raise contention(str(study.name)) from None


def _budget(head: StudyHead, how: Reopen) -> int | None:
    """The number of trials at which the study ends: as many more as are wanted, or as the present epoch had."""
    rules, reopenings = head.study.stopping, head.study.reopenings
    if how.more_trials is not None:
        return head.charged + how.more_trials
    if rules.max_trials is None:
        return None
    return head.charged + rules.max_trials - (reopenings[-1].charged if reopenings else 0)


def _again(trial: Trial, now: datetime) -> Trial:
    """A new trial of the same configuration."""
    return Trial(
        state=TrialState.QUEUED,
        parameters=trial.parameters,
        derived=trial.derived,
        origin=Origin.PERSON,
        create_time=now,
        remeasures=trial.number,
    )
