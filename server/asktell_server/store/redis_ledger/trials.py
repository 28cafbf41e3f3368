"""Trials, and the answers given to requests that changed them."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.names import StudyName
from asktell_server.pace import in_pieces
from asktell_server.store.calls import ScriptCalls, remembering
from asktell_server.store.commits import commit_arguments, committed
from asktell_server.store.protocol import Commit, Committed, Request, TrialRecord
from asktell_server.store.replies import read_row

_PAGE = 500
"""Trials read in one round trip."""


class RedisTrials:
    """Implements `protocol.TrialStore` and `protocol.RequestStore`."""

    _calls: ScriptCalls

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """See TrialStore."""
        records: list[TrialRecord | None] = []
        for start in range(0, max(len(numbers), 1), _PAGE):
            arguments = {"numbers": list(numbers[start : start + _PAGE])}
            _, rows = await self._calls.ask("read_trials", name, arguments)
            records += await in_pieces(lambda row: None if row is None else read_row(row), rows)
        return records

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """See TrialStore."""
        request_id, arguments = remembering(commit.request)
        arguments |= await commit_arguments(commit)
        reply = await self._calls.change("commit", name, arguments, request_id)
        return await committed(reply, commit.writes)

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """See RequestStore."""
        request_id, arguments = remembering(request)
        reply = await self._calls.change("recall", name, arguments, request_id)
        return None if reply[0] == b"UNKNOWN" else await committed(reply, ())
