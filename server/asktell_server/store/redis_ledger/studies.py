"""Studies, and the list of them per project."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from asktell_server.domain.errors import AlreadyExists, ErrorReason
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study
from asktell_server.pace import in_pieces
from asktell_server.store.calls import ScriptCalls, remembering
from asktell_server.store.codec import encode_study
from asktell_server.store.index import ProjectIndex
from asktell_server.store.protocol import Request, StudyHead
from asktell_server.store.replies import read_head


class RedisStudies:
    """Implements `protocol.StudyStore`."""

    _calls: ScriptCalls
    _index: ProjectIndex

    async def create_study(self, study: Study, *, request: Request | None) -> StudyHead:
        """See StudyStore."""
        await self._index.add(study.name)
        request_id, arguments = remembering(request)
        arguments |= {"study": encode_study(study), "state": study.state.value, "epoch": secrets.token_hex(8)}
        status, *reply = await self._calls.change("create_study", study.name, arguments, request_id)
        if status == b"EXISTS":
            raise AlreadyExists(
                f"study {study.name} exists already",
                reason=ErrorReason.STUDY_EXISTS,
                metadata={"name": str(study.name)},
            )
        await self._index.add(study.name)
        return read_head(reply[0])

    async def update_study(self, study: Study, *, expected_revision: int, request: Request | None) -> StudyHead:
        """See StudyStore."""
        request_id, arguments = remembering(request)
        arguments |= {
            "study": encode_study(study),
            "state": study.state.value,
            "expected_revision": expected_revision,
        }
        _, head = await self._calls.change("update_study", study.name, arguments, request_id)
        return read_head(head)

    async def delete_study(self, name: StudyName, *, expected_revision: int | None, request: Request | None) -> None:
        """See StudyStore."""
        request_id, arguments = remembering(request)
        arguments["expected_revision"] = -1 if expected_revision is None else expected_revision
        await self._calls.change("delete_study", name, arguments, request_id)
        await self._index.remove(name)

    async def list_studies(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """See StudyStore."""
        return await self._index.page(project, after=after, limit=limit)

    async def rebuild_index(self) -> int:
        """Finds all studies by a scan of the whole store and lists them again; how many there are."""
        return await self._index.rebuild()

    async def read_head(self, name: StudyName) -> StudyHead:
        """See StudyStore."""
        _, head = await self._calls.ask("read_head", name, {})
        return read_head(head)

    async def read_heads(self, names: Sequence[StudyName]) -> Sequence[StudyHead | None]:
        """See StudyStore."""
        replies = await self._calls.ask_many("read_head", names)
        return await in_pieces(lambda reply: None if reply is None else read_head(reply[1]), replies)
