"""The ledger on Redis or Valkey: each method is one script, run on the server that holds the study's keys."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any

from asktell_server.domain.errors import (
    AlreadyExists,
    ErrorReason,
    ResourceExhausted,
    Unavailable,
    study_not_found,
    trial_not_found,
)
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.study import Study
from asktell_server.domain.trial import TrialState
from asktell_server.store.calls import ScriptCalls, remembering
from asktell_server.store.codec import (
    decode_measurement,
    encode_measurement,
    encode_study,
    encode_trial,
    from_microseconds,
)
from asktell_server.store.commits import commit_arguments, committed, lease_word, staleness_arguments
from asktell_server.store.driver import store_unavailable, translated
from asktell_server.store.durability import require_durable
from asktell_server.store.hub import Hub
from asktell_server.store.index import ProjectIndex
from asktell_server.store.keys import meta_key
from asktell_server.store.link import Link
from asktell_server.store.protocol import (
    MAX_MEASUREMENTS,
    MAX_READY,
    Commit,
    Committed,
    EndedPreparing,
    LogEntry,
    Prepared,
    Reported,
    Request,
    StalenessLimit,
    StudyDelta,
    StudyHead,
    TrialRecord,
    WarmStart,
)
from asktell_server.store.replies import read_deadline, read_entry, read_head, read_prepared, read_row

_PAGE = 500  # trials or log entries per round trip
_RETRY_WATCH_S = 1.0


class RedisLedger:
    """Implements `protocol.Ledger`; made by `connect`."""

    def __init__(self, link: Link, *, verify_durability: bool = True) -> None:
        self._link = link
        self._verify_durability = verify_durability
        self._hub = Hub(link)
        self._calls = ScriptCalls(link)
        self._index = ProjectIndex(link)

    async def create_study(self, study: Study, *, request: Request | None) -> StudyHead:
        """See Ledger."""
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
        """See Ledger."""
        request_id, arguments = remembering(request)
        arguments |= {
            "study": encode_study(study),
            "state": study.state.value,
            "expected_revision": expected_revision,
        }
        _, head = await self._calls.change("update_study", study.name, arguments, request_id)
        return read_head(head)

    async def delete_study(self, name: StudyName, *, expected_revision: int | None, request: Request | None) -> None:
        """See Ledger."""
        request_id, arguments = remembering(request)
        arguments["expected_revision"] = -1 if expected_revision is None else expected_revision
        await self._calls.change("delete_study", name, arguments, request_id)
        await self._index.remove(name)

    async def list_studies(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """See Ledger."""
        return await self._index.page(project, after=after, limit=limit)

    async def rebuild_index(self) -> int:
        """Finds all studies by a scan of the whole store and lists them again; how many there are."""
        return await self._index.rebuild()

    async def read_head(self, name: StudyName) -> StudyHead:
        """See Ledger."""
        _, head = await self._calls.ask("read_head", name, {})
        return read_head(head)

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000, ready: bool = False
    ) -> StudyDelta:
        """See Ledger."""
        arguments = {"after": after, "limit": limit, "lapsed_limit": lapsed_limit, "ready": ready}
        reply = await self._calls.ask("read_delta", name, arguments)
        _, fields, raw, lapsed, next_ms, seconds, microseconds, prepared = reply
        head = read_head(fields)
        entries = [read_entry(entry) for entry in raw]
        return StudyDelta(
            head=head,
            entries=entries,
            more=(entries[-1].sequence if entries else after) < head.sequence,
            lapsed=[int(number) for number in lapsed],
            next_lapse_s=None if next_ms < 0 else next_ms / 1000,
            now=from_microseconds(int(seconds) * 1_000_000 + int(microseconds)),
            ready=[each for element in prepared if (each := read_prepared(element)) is not None],
        )

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """See Ledger."""
        records: list[TrialRecord | None] = []
        for start in range(0, max(len(numbers), 1), _PAGE):
            arguments = {"numbers": list(numbers[start : start + _PAGE])}
            _, rows = await self._calls.ask("read_trials", name, arguments)
            records += [None if row is None else read_row(row) for row in rows]
        return records

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """See Ledger."""
        arguments = {"number": number, "first": first, "limit": limit}
        status, *reply = await self._calls.ask("read_measurements", name, arguments)
        if status == b"NO_TRIAL":
            raise trial_not_found(str(name.trial(number)))
        return [decode_measurement(blob) for blob in reply[0]]

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """See Ledger."""
        request_id, arguments = remembering(commit.request)
        arguments |= commit_arguments(commit)
        reply = await self._calls.change("commit", name, arguments, request_id)
        return committed(reply, commit.writes)

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """See Ledger."""
        request_id, arguments = remembering(request)
        reply = await self._calls.change("recall", name, arguments, request_id)
        return None if reply[0] == b"UNKNOWN" else committed(reply, ())

    async def report(
        self,
        name: StudyName,
        number: int,
        *,
        lease_id: str,
        lease_s: float,
        measurement: Measurement | None,
        request: Request | None,
    ) -> Reported:
        """See Ledger."""
        request_id, arguments = remembering(request)
        if request is None and measurement is None:
            arguments["ttl"] = 0  # renewing a lease twice does no harm
        arguments |= {
            "number": number,
            "lease": lease_word(lease_id),
            "lease_ms": round(lease_s * 1000),
            "measurement": None if measurement is None else encode_measurement(measurement),
            "max_measurements": MAX_MEASUREMENTS,
        }
        status, *reply = await self._calls.change("report", name, arguments, request_id)
        if status == b"NO_TRIAL":
            raise trial_not_found(str(name.trial(number)))
        if status == b"LIMIT":
            raise ResourceExhausted(
                f"trial {number} has {MAX_MEASUREMENTS:,} measurements, the most that are kept",
                reason=ErrorReason.LIMIT_EXCEEDED,
                metadata={"limit": str(MAX_MEASUREMENTS), "field": "measurements"},
            )
        valid, deadline_ms, state, finished = reply
        return Reported(
            lease_valid=bool(valid),
            lease_expire_time=read_deadline(deadline_ms),
            trial_state=TrialState(state.decode()),
            study_finished=bool(finished),
        )

    async def watch(self, name: StudyName, *, after: int) -> AsyncIterator[LogEntry]:
        """See Ledger. A store that is away is waited for."""

        async def read(sequence: int) -> StudyDelta:
            return await self.read_delta(name, after=sequence, limit=_PAGE, lapsed_limit=0)

        epoch: str | None = None
        async with self._hub.channel(meta_key(name)) as channel:
            while not self._hub.closed:
                generation = channel.generation
                try:
                    delta = await channel.read(after, read)
                except Unavailable:
                    with contextlib.suppress(asyncio.TimeoutError):
                        await asyncio.wait_for(channel.wait(generation), _RETRY_WATCH_S)
                    continue
                if epoch not in (None, delta.head.epoch):
                    raise study_not_found(str(name))
                epoch = delta.head.epoch
                for entry in delta.entries:
                    yield entry
                    after = entry.sequence
                if not delta.more:
                    await channel.wait(generation)
        raise store_unavailable("the server is stopping")

    async def read_warm_start(self, name: StudyName) -> WarmStart | None:
        """See Ledger."""
        _, sequence, payload = await self._calls.ask("read_warm_start", name, {})
        return None if sequence is None else WarmStart(sequence=sequence, payload=payload)

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """See Ledger."""
        # A cache: nothing is lost if replicas do not have it, so nobody waits for them.
        await self._calls.ask(
            "write_warm_start", name, {"sequence": warm_start.sequence, "payload": warm_start.payload}
        )

    async def begin_preparing(
        self, name: StudyName, *, token: str, depth: int, staleness: StalenessLimit, lock_s: float
    ) -> bool:
        """See Ledger."""
        # As with warm starts, nobody waits for replicas.
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
        """See Ledger."""
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

    async def check(self) -> None:
        """See Ledger."""
        with translated("check"):
            masters = await self._link.masters()
            if self._verify_durability:
                await require_durable(masters)
            for node in masters.values():
                await node.execute_command("PING")

    async def close(self) -> None:
        """See Ledger. Changes on their way are finished first."""
        await self._hub.close()
        await self._link.close()
