"""Ends studies whose stopping rule holds."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from asktell_server.domain.errors import ErrorReason, FailedPrecondition
from asktell_server.domain.stopping import finish_reason
from asktell_server.domain.study import GAIN_TRIALS, FinishReason, Study, StudyState
from asktell_server.domain.trial import TrialState
from asktell_server.service.clock import Clock
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import Conflict, StudyHead, StudyStore


class Completion:
    """Writes the end of a study into the ledger, once; any server may."""

    def __init__(self, ledger: StudyStore, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    async def settle(self, view: StudyView, *, now: datetime) -> Study:
        """Finishes the study of an up-to-date view if one of its rules holds; returns the study as it then is."""
        study = view.study
        if study.state is StudyState.FINISHED:
            return study
        reason = finish_reason(study, view.standings, ended=ended_trials(view.head), now=now)
        return study if reason is None else await self.finish(view, reason)

    async def finish(self, view: StudyView, reason: FinishReason) -> Study:
        """Finishes the study; a change by somebody else meanwhile wins and is read instead."""
        study = view.study
        finished = finish(study, reason, now=self._clock())
        try:
            view.head = await self._ledger.update_study(finished, expected_revision=study.revision, request=None)
        except Conflict:
            view.head = await self._ledger.read_head(study.name)
        return view.study


def ended_trials(head: StudyHead) -> int:
    """How many trials that count toward the budget have ended (open ones all count)."""
    open_trials = head.counts.get(TrialState.QUEUED, 0) + head.counts.get(TrialState.RUNNING, 0)
    return head.charged - open_trials


def finish(study: Study, reason: FinishReason, *, now: datetime) -> Study:
    """The study, finished."""
    return dataclasses.replace(study, state=StudyState.FINISHED, finish_reason=reason, finish_time=now, update_time=now)


_WORDS = {
    FinishReason.REQUESTED: "it was finished by request",
    FinishReason.MAX_TRIALS: "all trials of its budget have ended",
    FinishReason.TARGET: "its target value is reached",
    FinishReason.PATIENCE: "its last trials brought no gain",
    FinishReason.DEADLINE: "its deadline has passed",
    FinishReason.EXHAUSTED: "every configuration of its space or grid has been tried",
    FinishReason.LITTLE_TO_GAIN: f"another {GAIN_TRIALS} trials were expected to gain less than it asks for",
}


def study_complete(study: Study) -> FailedPrecondition:
    """The answer to an ask on a finished study, and to a resume that would hand out nothing."""
    reason = study.finish_reason or FinishReason.REQUESTED
    return FailedPrecondition(
        f"study {study.name} is complete: {_WORDS[reason]}; {_how_to_go_on(study, reason)}",
        reason=ErrorReason.STUDY_COMPLETE,
        metadata={"name": str(study.name), "finish_reason": reason.value},
    )


def _how_to_go_on(study: Study, reason: FinishReason) -> str:
    rules = study.stopping
    match reason:
        case FinishReason.REQUESTED:
            return "resume it to go on"
        case FinishReason.MAX_TRIALS:
            return f"to go on, raise max_trials, now {rules.max_trials}, or take it away"
        case FinishReason.TARGET:
            target = dict(rules.target_values) or rules.target_value
            return f"to go on, set a harder target, now {target}, or take it away"
        case FinishReason.PATIENCE:
            return f"to go on, raise the patience, now {rules.patience_trials}, or take it away"
        case FinishReason.DEADLINE:
            return f"to go on, move the deadline, now {rules.deadline}, or take it away"
        case FinishReason.LITTLE_TO_GAIN:
            return f"to go on, lower min_expected_gain, now {rules.min_expected_gain:g}, or take it away"
        case FinishReason.EXHAUSTED:
            return "replicates cannot be changed: create another study to try more"
