"""Studies without their trials."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence

from asktell_server.domain.errors import AlreadyExists, ErrorReason
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study
from asktell_server.store.memory.state import MemoryState
from asktell_server.store.memory.study import StudyInMemory
from asktell_server.store.protocol import Conflict, ConflictKind, Request, StudyChanged, StudyHead


class MemoryStudies(MemoryState):
    """Implements `protocol.StudyStore`."""

    async def create_study(self, study: Study, *, request: Request | None) -> StudyHead:
        """See StudyStore."""
        memory = self._remembered(study.name, request)
        if memory is not None and memory.kind == "create" and memory.head is not None:
            return memory.head
        if study.name in self._studies:
            raise AlreadyExists(
                f"study {study.name} exists already",
                reason=ErrorReason.STUDY_EXISTS,
                metadata={"name": str(study.name)},
            )
        stored = StudyInMemory(dataclasses.replace(study, revision=1), secrets.token_hex(8))
        stored.append(StudyChanged(study=stored.study))
        self._studies[study.name] = stored
        self._remember(stored, request, "create", head=stored.head)
        return stored.head

    async def update_study(self, study: Study, *, expected_revision: int, request: Request | None) -> StudyHead:
        """See StudyStore."""
        stored = self._stored(study.name)
        memory = self._remembered_of(stored, request, "update")
        if memory is not None and memory.head is not None:
            return dataclasses.replace(stored.head, study=memory.head.study)
        if stored.study.revision != expected_revision:
            raise Conflict(ConflictKind.STUDY_CHANGED)
        stored.study = dataclasses.replace(study, revision=expected_revision + 1)
        stored.forget_ready()
        stored.append(StudyChanged(study=stored.study))
        self._remember(stored, request, "update", head=stored.head)
        return stored.head

    async def delete_study(self, name: StudyName, *, expected_revision: int | None, request: Request | None) -> None:
        """See StudyStore."""
        memory = self._remembered(name, request)
        if memory is not None and memory.kind == "delete":
            return
        stored = self._stored(name)
        if expected_revision not in (None, stored.study.revision):
            raise Conflict(ConflictKind.STUDY_CHANGED)
        del self._studies[name]
        self._remember(stored, request, "delete")
        stored.wake()

    async def list_studies(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """See StudyStore."""
        names = (name for name in self._studies if name.project == project and name.study_id > after)
        return sorted(names)[:limit]

    async def read_head(self, name: StudyName) -> StudyHead:
        """See StudyStore."""
        return self._stored(name).head

    async def read_heads(self, names: Sequence[StudyName]) -> Sequence[StudyHead | None]:
        """See StudyStore."""
        return [self._studies[name].head if name in self._studies else None for name in names]
