"""Trials, and the answers given to requests that changed them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from asktell_server.domain.names import StudyName
from asktell_server.store.memory.state import MemoryState, Remembered
from asktell_server.store.memory.study import StudyInMemory
from asktell_server.store.protocol import Commit, Committed, Request, TrialRecord


class MemoryTrials(MemoryState):
    """Implements `protocol.TrialStore` and `protocol.RequestStore`."""

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """See TrialStore."""
        stored = self._stored(name)
        return [stored.record(stored.trials[number]) if number in stored.trials else None for number in numbers]

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """See TrialStore."""
        stored = self._stored(name)
        memory = self._remembered_of(stored, commit.request, "commit")
        if memory is not None:
            return self._again(stored, memory)
        records, created = stored.apply(commit, self._clock())
        sequence = len(stored.log)
        versions = tuple(record.trial for record in records)
        self._remember(stored, commit.request, "commit", versions=versions, sequence=sequence, created=created)
        return Committed(records=records, sequence=sequence, created=created)

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """See RequestStore."""
        stored = self._stored(name)
        memory = self._remembered(name, request)
        if memory is None or memory.epoch != stored.epoch:
            return None
        if memory.kind == "report":
            trials = tuple(stored.trials[v.number] for v in memory.versions if v.number in stored.trials)
            memory = dataclasses.replace(memory, versions=trials)
        return self._again(stored, memory)

    def _again(self, stored: StudyInMemory, memory: Remembered) -> Committed:
        records = []
        for version in memory.versions:
            present = stored.trials.get(version.number)
            leased = present is not None and present.lease_id == version.lease_id
            records.append(stored.record(version, leased=leased))
        return Committed(records=records, sequence=memory.sequence, created=memory.created, replayed=True)
