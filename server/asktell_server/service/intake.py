"""Use cases that bring trials in from outside: enqueue a person's configurations, import past results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from asktell_server.domain.errors import (
    InvalidArgument,
    contention,
)
from asktell_server.domain.names import StudyName
from asktell_server.domain.results import validate_result
from asktell_server.domain.space import Configuration
from asktell_server.domain.study import Study, StudyState, validate_annotations, validate_labels, validate_note
from asktell_server.domain.trial import Origin, Result, Trial, TrialState
from asktell_server.pace import in_pieces, in_pieces_numbered
from asktell_server.service.ask.preparing import Preparer
from asktell_server.service.changing import MAX_LOST_RACES, ChangingStore
from asktell_server.service.clock import Clock
from asktell_server.service.completion import Completion, study_complete
from asktell_server.service.continuing import require_ended
from asktell_server.service.views import Views
from asktell_server.store.protocol import Commit, Committed, Conflict, Guard, Request, TrialRecord, TrialWrite

MAX_BATCH = 1000
MAX_IMPORT_KEY = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTrial:
    """A configuration that a person wants to be run, going on from the checkpoint of the trial `continue_from`; 0 = anew."""

    parameters: Configuration
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    continue_from: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTrial:
    """A past result with the caller's own key."""

    import_key: str
    parameters: Configuration
    result: Result
    start_time: datetime | None = None
    finish_time: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


class Intake:
    """Enqueue and import."""

    def __init__(
        self, ledger: ChangingStore, views: Views, preparer: Preparer, completion: Completion, clock: Clock
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._preparer = preparer
        self._completion = completion
        self._clock = clock

    async def enqueue(
        self, name: StudyName, trials: Sequence[NewTrial], *, request: Request | None
    ) -> Sequence[TrialRecord]:
        """Puts configurations into the queue; parameters left out take their defaults.

        Raises:
            InvalidArgument: none or too many, a value outside the space, labels or annotations too large, nothing to continue from.
            NotFound: no such study.
            FailedPrecondition: STUDY_COMPLETE.
        """
        view, _ = await self._views.refresh(name)
        study = view.study
        _validate_count(trials)
        now = self._clock()

        def write(index: int, new: NewTrial) -> TrialWrite:
            where = f"trials[{index}]"
            parameters = study.space.normalize(new.parameters, field=f"{where}.parameters", fill_defaults=True)
            trial = Trial(
                state=TrialState.QUEUED,
                parameters=parameters,
                derived=study.space.derive(parameters),
                origin=Origin.PERSON,
                create_time=now,
                labels=new.labels,
                annotations=new.annotations,
                continue_from=new.continue_from,
            )
            _validate_extras(trial, where)
            require_ended(view, new.continue_from, f"{where}.continue_from")
            return TrialWrite(trial=trial)

        writes = await in_pieces_numbered(write, trials)
        committed = await self._commit(name, writes, request, require_open=True)
        return committed.records

    async def import_(
        self, name: StudyName, trials: Sequence[PastTrial], *, request: Request | None, validate_only: bool = False
    ) -> tuple[Sequence[TrialRecord], int]:
        """Brings in past results; returns all of them as they stand, and how many are new.

        With `validate_only` nothing is stored: they are returned as they would be, and none is new.

        Raises:
            InvalidArgument: none or too many, a bad or repeated key, a value outside the space, a bad result.
            NotFound: no such study.
        """
        study = await self._study(name)
        _validate_count(trials)
        now = self._clock()
        keys: set[str] = set()

        def write(index: int, past: PastTrial) -> TrialWrite:
            where = f"trials[{index}]"
            if not 1 <= len(past.import_key) <= MAX_IMPORT_KEY:
                raise InvalidArgument(
                    f"{where}.import_key", f"must have 1 to {MAX_IMPORT_KEY} characters, got {len(past.import_key)}"
                )
            if past.import_key in keys:
                raise InvalidArgument(f"{where}.import_key", f"must be unique, got {past.import_key!r} again")
            keys.add(past.import_key)
            validate_result(study, past.result, field=f"{where}.metrics", reason_field=f"{where}.reason")
            parameters = study.space.normalize(past.parameters, field=f"{where}.parameters")
            trial = Trial(
                state=past.result.state,
                parameters=parameters,
                derived=study.space.derive(parameters),
                origin=Origin.IMPORT,
                metrics=past.result.metrics,
                reason=past.result.reason,
                create_time=now,
                start_time=past.start_time,
                finish_time=past.finish_time or now,
                labels=past.labels,
                annotations=past.annotations,
                note=past.note,
                import_key=past.import_key,
                data_epoch=study.data_epoch,
            )
            _validate_extras(trial, where)
            return TrialWrite(trial=trial)

        writes = await in_pieces_numbered(write, trials)
        if validate_only:
            return [TrialRecord(trial=made.trial) for made in writes], 0
        committed = await self._commit(name, writes, request, require_open=False)
        return committed.records, committed.created

    async def _study(self, name: StudyName) -> Study:
        return (await self._views.refresh(name))[0].study

    async def _commit(
        self, name: StudyName, writes: Sequence[TrialWrite], request: Request | None, *, require_open: bool
    ) -> Committed:
        for _ in range(MAX_LOST_RACES):
            view, delta = await self._views.refresh(name)
            guard = Guard(epoch=view.head.epoch)
            if require_open:
                study = await self._completion.settle(view, now=delta.now)
                if study.state is StudyState.FINISHED:
                    if request is not None and (before := await self._ledger.recall(name, request)) is not None:
                        return before
                    raise study_complete(study)
                guard = Guard(epoch=view.head.epoch, study_revision=study.revision)
            try:
                committed = await self._ledger.commit(name, Commit(writes=writes, guard=guard, request=request))
            except Conflict:
                continue  # the study itself changed meanwhile
            if not committed.replayed:
                await in_pieces(view.put, [record.trial for record in committed.records])
                self._preparer.changed(name)
            return committed
        raise contention(str(name))


def _validate_count(trials: Sequence[object]) -> None:
    if not 1 <= len(trials) <= MAX_BATCH:
        raise InvalidArgument("trials", f"must hold 1 to {MAX_BATCH} trials, got {len(trials)}")


def _validate_extras(trial: Trial, where: str) -> None:
    validate_labels(trial.labels, f"{where}.labels")
    validate_annotations(trial.annotations, f"{where}.annotations")
    validate_note(trial.note, f"{where}.note")
