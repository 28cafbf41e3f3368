"""Prepared suggestions, and the hyperparameters that one fit leaves to the next."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from asktell_server.domain.names import StudyName
from asktell_server.store.memory.state import MemoryState
from asktell_server.store.protocol import MAX_READY, EndedPreparing, Prepared, StalenessLimit, WarmStart


class MemoryPrepared(MemoryState):
    """Implements `protocol.PreparedStore` and `protocol.WarmStartStore`."""

    async def begin_preparing(
        self, name: StudyName, *, token: str, depth: int, staleness: StalenessLimit, lock_s: float
    ) -> bool:
        """See PreparedStore."""
        stored = self._stored(name)
        now = self._clock()
        head = stored.head
        fresh = sum(staleness.allows(prepared, head) for prepared in stored.ready)
        if fresh >= depth or (stored.preparing is not None and stored.preparing[1] > now):
            return False
        stored.preparing = (token, now + timedelta(seconds=lock_s))
        return True

    async def end_preparing(
        self, name: StudyName, *, token: str, prepared: Prepared | None, staleness: StalenessLimit
    ) -> EndedPreparing:
        """See PreparedStore."""
        stored = self._stored(name)
        if stored.preparing is None or stored.preparing[0] != token or stored.preparing[1] <= self._clock():
            return EndedPreparing(kept=False, stale=0)
        stored.preparing = None
        offered = stored.ready if prepared is None else [*stored.ready, dataclasses.replace(prepared, ready_id=token)]
        head = stored.head
        fresh = [each for each in offered if staleness.allows(each, head)]
        stored.ready = fresh[:MAX_READY]
        return EndedPreparing(
            kept=any(each.ready_id == token for each in stored.ready), stale=len(offered) - len(fresh)
        )

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        """See WarmStartStore."""
        return self._stored(name).warm_start

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """See WarmStartStore."""
        stored = self._studies.get(name)
        if stored is None or warm_start.sequence > len(stored.log):
            return
        if stored.warm_start is None or warm_start.sequence >= stored.warm_start.sequence:
            stored.warm_start = warm_start
