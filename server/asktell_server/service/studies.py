"""Use cases on studies: create, read, list, update, delete."""

from __future__ import annotations

import asyncio
import dataclasses
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from asktell_server.domain.comparing import WantedStudy, differences
from asktell_server.domain.errors import (
    AlreadyExists,
    AsktellError,
    ErrorReason,
    NotFound,
    contention,
)
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import MAX_EXACT_INT
from asktell_server.domain.study import Study
from asktell_server.domain.warning import StudyWarning, WarningKind
from asktell_server.service.advising import advice
from asktell_server.service.changing import MAX_LOST_RACES
from asktell_server.service.etags import etag_mismatch, require_etag
from asktell_server.service.parents import Parents
from asktell_server.service.study_updates import StudyUpdate, StudyUpdates
from asktell_server.service.tradeoffs import tradeoff_of
from asktell_server.service.views import Views
from asktell_server.store.protocol import Conflict, Request, RequestStore, StudyHead, StudyStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A study that is there after `create`, and what its caller should know."""

    head: StudyHead
    warnings: Sequence[StudyWarning]


def draw_seed() -> int:
    """A seed for a study whose creator gave none."""
    return secrets.randbelow(MAX_EXACT_INT)


class _Store(StudyStore, RequestStore, Protocol):
    """The parts of the ledger that are needed here."""


class Studies:
    """What can be done with studies."""

    def __init__(
        self,
        ledger: _Store,
        views: Views,
        updates: StudyUpdates,
        *,
        seed_of_new: Callable[[], int] = draw_seed,
    ) -> None:
        self._ledger = ledger
        self._views = views
        self._updates = updates
        self._parents = Parents(views)
        self._seed_of_new = seed_of_new

    async def create(self, wanted: WantedStudy, *, exist_ok: bool, request: Request | None) -> Created:
        """Stores a new study; with `exist_ok` opens the one that is there, if nothing differs that never changes.

        Raises:
            InvalidArgument: a field is wrong. NotSupported: the server does not do it yet.
            AlreadyExists: STUDY_EXISTS. Aborted: CONTENTION.
        """
        study = wanted.study
        if "seed" in wanted.unset:
            study = dataclasses.replace(study, seed=self._seed_of_new())
        await _validate(study)
        # What is there already has its parents' results, whatever has become of these.
        if study.parents and await self._head_or_none(study.name) is None:
            study = await self._parents.taught(study)
        for _ in range(MAX_LOST_RACES):
            try:
                head = await self._ledger.create_study(study, request=request)
            except AlreadyExists:
                if not exist_ok:
                    raise
            else:
                return Created(head=head, warnings=await advice(study))
            try:
                return await _opened(wanted, await self._ledger.read_head(study.name))
            except NotFound:
                continue  # deleted meanwhile
        raise contention(str(study.name))

    async def check(self, wanted: WantedStudy) -> Created:
        """What `create` would store, without storing it.

        Raises:
            InvalidArgument: a field is wrong. NotSupported: the server does not do it yet.
        """
        study = wanted.study
        await _validate(study)
        study = await self._parents.taught(study)
        return Created(
            head=StudyHead(study=study, epoch="", sequence=0, last_number=0, counts={}, charged=0),
            warnings=await advice(study),
        )

    async def get(self, name: StudyName) -> StudyHead:
        """Reads a study. Raises NotFound."""
        return await self._ledger.read_head(name)

    async def hypervolume(self, head: StudyHead) -> float | None:
        """What the Pareto front dominates now; None with one objective, and while no trial is feasible. Raises NotFound."""
        if len(head.study.goals.objectives) == 1:
            return None
        view, _ = await self._views.refresh(head.study.name)
        return (await tradeoff_of(view)).hypervolume

    async def total_cost(self, head: StudyHead) -> float | None:
        """What all trials that say so have cost; None where the study has no cost metric. Raises NotFound."""
        if not head.study.goals.cost_metric:
            return None
        view, _ = await self._views.refresh(head.study.name)
        return view.total_cost

    async def list_page(
        self, project: str, *, labels: Mapping[str, str], after: str, limit: int
    ) -> tuple[Sequence[StudyHead], str | None]:
        """Up to `limit` studies by id, from behind `after` on, and where the next page begins (None = the end).

        With labels a page may be short: at most `limit` studies are looked at for one page.
        """
        names = await self._ledger.list_studies(project, after=after, limit=limit)
        page = [
            head
            for head in await self._ledger.read_heads(names)
            if head is not None  # deleted since the names were read
            and all(head.study.labels.get(key) == value for key, value in labels.items())
        ]
        return page, names[-1].study_id if len(names) == limit else None

    async def update(self, name: StudyName, update: StudyUpdate, *, etag: str, request: Request | None) -> StudyHead:
        """Changes a study; a non-empty `etag` must still be the present one.

        With other stopping rules, a study that a rule had finished goes on as soon as none holds.

        Raises:
            InvalidArgument: a value is wrong. NotFound: no such study. Aborted: ETAG_MISMATCH, CONTENTION.
            FailedPrecondition: STUDY_COMPLETE, it is to be resumed and there is nothing more to do.
        """
        try:
            for _ in range(MAX_LOST_RACES):
                head, changed = await self._updates.read(name, update, etag=etag)
                try:
                    return await self._ledger.update_study(
                        changed, expected_revision=head.study.revision, request=request
                    )
                except Conflict:
                    continue
        except AsktellError:
            if request is not None and await self._ledger.recall(name, request) is not None:
                return await self._ledger.read_head(name)
            raise
        raise contention(str(name))

    async def delete(self, name: StudyName, *, etag: str, request: Request | None) -> None:
        """Deletes a study with all its trials; a non-empty `etag` must still be the present one.

        Raises:
            NotFound: no such study. Aborted: ETAG_MISMATCH.
        """
        revision = None
        if etag:
            head = await self._head_or_none(name)
            if head is not None:  # gone: perhaps by this very request, which the ledger remembers
                require_etag(head, etag)
                revision = head.study.revision
        try:
            await self._ledger.delete_study(name, expected_revision=revision, request=request)
        except Conflict:
            raise etag_mismatch(await self._ledger.read_head(name)) from None
        self._views.drop(name)

    async def _head_or_none(self, name: StudyName) -> StudyHead | None:
        try:
            return await self._ledger.read_head(name)
        except NotFound:
            return None


async def _validate(study: Study) -> None:
    """Raises InvalidArgument, NotSupported."""
    await asyncio.to_thread(study.validate)  # of up to 100,000 choices: the event loop goes on


async def _opened(wanted: WantedStudy, head: StudyHead) -> Created:
    """The study that was there already.

    Raises:
        AlreadyExists: STUDY_EXISTS, something differs that can never be changed.
    """
    found = differences(wanted, head.study)
    if found.fixed:
        differs, typed = ", ".join(found.fixed), ", ".join(map(_typed, found.fixed))
        raise AlreadyExists(
            f"study {head.study.name} exists with another {typed}: choose another name, or delete it first",
            reason=ErrorReason.STUDY_EXISTS,
            metadata={"name": str(head.study.name), "differs": differs},
        )
    changed = [
        StudyWarning(
            kind=WarningKind.DIFFERS_FROM_REQUEST,
            field=field,
            message="the study exists with another value, which stays as it is; an update can change it",
        )
        for field in found.changeable
    ]
    return Created(head=head, warnings=[*await advice(head.study), *changed])


_TYPED = (
    ("search_space", "space"),
    ("lease_policy.lease_duration", "lease.duration_s"),
    ("lease_policy.max_attempts", "lease.max_attempts"),
)
"""Fields of the contract that clients and study files call otherwise."""


def _typed(field: str) -> str:
    """A field of the contract, with what may follow its name, in the words that people type."""
    for message, word in _TYPED:
        if field.startswith(message):
            return word + field.removeprefix(message)
    return field
