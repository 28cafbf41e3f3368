"""Prepared suggestions, and the hyperparameters that one fit leaves to the next: caches that nobody waits for."""

from __future__ import annotations

from typing import Any

from asktell_server.domain.names import StudyName
from asktell_server.store.calls import ScriptCalls
from asktell_server.store.codec import encode_trial
from asktell_server.store.commits import staleness_arguments
from asktell_server.store.protocol import MAX_READY, EndedPreparing, Prepared, StalenessLimit, WarmStart


class RedisPrepared:
    """Implements `protocol.PreparedStore` and `protocol.WarmStartStore`.

    Nothing is lost if replicas do not have these writes, so nobody waits for the replicas.
    """

    _calls: ScriptCalls

    async def begin_preparing(
        self, name: StudyName, *, token: str, depth: int, staleness: StalenessLimit, lock_s: float
    ) -> bool:
        """See PreparedStore."""
        arguments = {
            "token": token,
            "depth": depth,
            "staleness": staleness_arguments(staleness),
            "lock_ms": round(lock_s * 1000),
        }
        _, locked = await self._calls.ask("begin_preparing", name, arguments)
        return bool(locked)

    async def end_preparing(
        self, name: StudyName, *, token: str, prepared: Prepared | None, staleness: StalenessLimit
    ) -> EndedPreparing:
        """See PreparedStore."""
        arguments: dict[str, Any] = {
            "token": token,
            "staleness": staleness_arguments(staleness),
            "max_ready": MAX_READY,
        }
        if prepared is not None:
            arguments |= {
                "blob": encode_trial(prepared.trial),
                "ended": prepared.ended,
                "surprise": prepared.surprise,
                "known_number": prepared.known_number,
            }
        _, kept, stale = await self._calls.ask("end_preparing", name, arguments)
        return EndedPreparing(kept=bool(kept), stale=stale)

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        """See WarmStartStore."""
        _, sequence, payload = await self._calls.ask("read_warm_start", name, {})
        return None if sequence is None else WarmStart(sequence=sequence, payload=payload)

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """See WarmStartStore."""
        await self._calls.ask(
            "write_warm_start", name, {"sequence": warm_start.sequence, "payload": warm_start.payload}
        )
