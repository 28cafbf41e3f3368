"""The ledger on Redis or Valkey: each method is one script, run on the server that holds the study's keys."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from asktell_server.domain.errors import (
    AlreadyExists,
    ErrorReason,
    InvalidArgument,
    ResourceExhausted,
    Unavailable,
    study_not_found,
    trial_not_found,
)
from asktell_server.domain.metrics import Measurement
from asktell_server.domain.names import StudyName
from asktell_server.domain.space import configuration_digest
from asktell_server.domain.study import Study
from asktell_server.domain.trial import TrialState
from asktell_server.store import scripts
from asktell_server.store.codec import (
    decode_measurement,
    encode_measurement,
    encode_study,
    encode_trial,
    from_microseconds,
)
from asktell_server.store.driver import store_unavailable, translated
from asktell_server.store.durability import require_durable
from asktell_server.store.hub import Hub
from asktell_server.store.keys import META_PATTERN, index_key, meta_key, name_of_meta_key, study_keys
from asktell_server.store.links import Link
from asktell_server.store.protocol import (
    MAX_MEASUREMENTS,
    REQUEST_TTL_S,
    Commit,
    Committed,
    Conflict,
    ConflictKind,
    LogEntry,
    Reported,
    Request,
    StudyDelta,
    StudyHead,
    TrialRecord,
    TrialWrite,
    WarmStart,
)
from asktell_server.store.replies import read_deadline, read_entry, read_head, read_row

_PAGE = 500  # trials, log entries or names per round trip
_RESEND_TTL_S = 120  # far longer than the driver keeps resending one command
_RETRY_WATCH_S = 1.0

_T = TypeVar("_T")


class RedisLedger:
    """Implements `protocol.Ledger`; made by `connect`."""

    def __init__(self, link: Link, *, verify_durability: bool = True) -> None:
        self._link = link
        self._verify_durability = verify_durability
        self._hub = Hub(link)
        self._writes: set[asyncio.Task[Any]] = set()

    async def create_study(self, study: Study, *, request: Request | None) -> StudyHead:
        """See Ledger."""
        # The index is another slot, so no script can write both. It comes first: a name without a study is skipped by
        # readers, a study without a name would be lost to them. And again, in case a delete took it out in between.
        await self._write_index("ZADD", study.name)
        request_id, arguments = _remembering(request)
        arguments |= {"study": encode_study(study), "state": study.state.value, "epoch": secrets.token_hex(8)}
        status, *reply = await self._change("create_study", study.name, arguments, request_id)
        if status == b"EXISTS":
            raise AlreadyExists(
                f"study {study.name} exists already",
                reason=ErrorReason.STUDY_EXISTS,
                metadata={"name": str(study.name)},
            )
        await self._write_index("ZADD", study.name)
        return read_head(reply[0])

    async def update_study(self, study: Study, *, expected_revision: int, request: Request | None) -> StudyHead:
        """See Ledger."""
        request_id, arguments = _remembering(request)
        arguments |= {
            "study": encode_study(study),
            "state": study.state.value,
            "expected_revision": expected_revision,
        }
        _, head = await self._change("update_study", study.name, arguments, request_id)
        return read_head(head)

    async def delete_study(self, name: StudyName, *, expected_revision: int | None, request: Request | None) -> None:
        """See Ledger."""
        request_id, arguments = _remembering(request)
        arguments["expected_revision"] = -1 if expected_revision is None else expected_revision
        await self._change("delete_study", name, arguments, request_id)
        await self._write_index("ZREM", name)
        with translated("delete_study"):
            created_again = await self._link.read("EXISTS", meta_key(name))
        if created_again:
            await self._write_index("ZADD", name)

    async def list_studies(self, project: str, *, after: str, limit: int) -> Sequence[StudyName]:
        """See Ledger."""
        names: list[StudyName] = []
        while len(names) < limit:
            low = f"({after}" if after else "-"
            with translated("list_studies"):
                page = await self._link.read(
                    "ZRANGEBYLEX", index_key(project), low, "+", "LIMIT", 0, min(limit - len(names), _PAGE)
                )
                if not page:
                    break
                found = [StudyName(project=project, study_id=study_id.decode()) for study_id in page]
                present = await self._link.read_many([("EXISTS", meta_key(name)) for name in found])
            names += [name for name, exists in zip(found, present, strict=True) if exists]
            after = found[-1].study_id
        return names

    async def rebuild_index(self) -> int:
        """Finds all studies by a scan of the whole store and lists them again; how many there are."""
        found = 0
        with translated("rebuild_index"):
            for node in (await self._link.masters()).values():
                cursor = -1
                while cursor != 0:
                    cursor, keys = await node.execute_command(
                        "SCAN", max(cursor, 0), "MATCH", META_PATTERN, "COUNT", 1000
                    )
                    for key in keys:
                        await self._write_index("ZADD", name_of_meta_key(key.decode()))
                        found += 1
        return found

    async def read_head(self, name: StudyName) -> StudyHead:
        """See Ledger."""
        _, head = await self._ask("read_head", name, {})
        return read_head(head)

    async def read_delta(
        self, name: StudyName, *, after: int, limit: int = 1000, lapsed_limit: int = 1000
    ) -> StudyDelta:
        """See Ledger."""
        arguments = {"after": after, "limit": limit, "lapsed_limit": lapsed_limit}
        _, fields, raw, lapsed, next_ms, seconds, microseconds = await self._ask("read_delta", name, arguments)
        head = read_head(fields)
        entries = [read_entry(entry) for entry in raw]
        return StudyDelta(
            head=head,
            entries=entries,
            more=(entries[-1].sequence if entries else after) < head.sequence,
            lapsed=[int(number) for number in lapsed],
            next_lapse_s=None if next_ms < 0 else next_ms / 1000,
            now=from_microseconds(int(seconds) * 1_000_000 + int(microseconds)),
        )

    async def read_trials(self, name: StudyName, *, numbers: Sequence[int]) -> Sequence[TrialRecord | None]:
        """See Ledger."""
        records: list[TrialRecord | None] = []
        for start in range(0, max(len(numbers), 1), _PAGE):
            arguments = {"numbers": list(numbers[start : start + _PAGE])}
            _, rows = await self._ask("read_trials", name, arguments)
            records += [None if row is None else read_row(row) for row in rows]
        return records

    async def read_measurements(self, name: StudyName, number: int, *, first: int, limit: int) -> Sequence[Measurement]:
        """See Ledger."""
        arguments = {"number": number, "first": first, "limit": limit}
        status, *reply = await self._ask("read_measurements", name, arguments)
        if status == b"NO_TRIAL":
            raise trial_not_found(str(name.trial(number)))
        return [decode_measurement(blob) for blob in reply[0]]

    async def commit(self, name: StudyName, commit: Commit) -> Committed:
        """See Ledger."""
        request_id, arguments = _remembering(commit.request)
        guard = commit.guard
        arguments |= {
            "epoch": guard.epoch,
            "study_revision": guard.study_revision,
            "max_running": guard.max_running,
            "max_charged": guard.max_charged,
            "writes": [_write_arguments(write) for write in commit.writes],
        }
        reply = await self._change("commit", name, arguments, request_id)
        return _committed(reply, commit.writes)

    async def recall(self, name: StudyName, request: Request) -> Committed | None:
        """See Ledger."""
        request_id, arguments = _remembering(request)
        reply = await self._change("recall", name, arguments, request_id)
        return None if reply[0] == b"UNKNOWN" else _committed(reply, ())

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
        request_id, arguments = _remembering(request)
        if request is None and measurement is None:
            arguments["ttl"] = 0  # renewing a lease twice does no harm
        arguments |= {
            "number": number,
            "lease": _word(lease_id),
            "lease_ms": round(lease_s * 1000),
            "measurement": None if measurement is None else encode_measurement(measurement),
            "max_measurements": MAX_MEASUREMENTS,
        }
        status, *reply = await self._change("report", name, arguments, request_id)
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
        _, sequence, payload = await self._ask("read_warm_start", name, {})
        return None if sequence is None else WarmStart(sequence=sequence, payload=payload)

    async def write_warm_start(self, name: StudyName, warm_start: WarmStart) -> None:
        """See Ledger."""
        # A cache: nothing is lost if replicas do not have it, so nobody waits for them.
        await self._ask("write_warm_start", name, {"sequence": warm_start.sequence, "payload": warm_start.payload})

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
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._link.close()

    async def _ask(self, script: str, name: StudyName, arguments: Mapping[str, Any]) -> Sequence[Any]:
        """Runs a script that acknowledges nothing."""
        with translated(script):
            reply = await self._link.run(
                scripts.load(script), study_keys(name, ""), scripts.pack_arguments(arguments), acknowledged=False
            )
        return _checked(reply, name)

    async def _change(
        self, script: str, name: StudyName, arguments: Mapping[str, Any], request_id: str
    ) -> Sequence[Any]:
        """Runs a script whose answer acknowledges a change."""
        with translated(script):
            reply = await self._finish(
                self._link.run(
                    scripts.load(script),
                    study_keys(name, request_id),
                    scripts.pack_arguments(arguments),
                    acknowledged=True,
                )
            )
        return _checked(reply, name)

    async def _write_index(self, command: str, name: StudyName) -> None:
        member = (0, name.study_id) if command == "ZADD" else (name.study_id,)
        key = index_key(name.project)
        with translated("the project index"):
            await self._finish(self._link.write(key, command, key, *member))

    async def _finish(self, writing: Coroutine[Any, Any, _T]) -> _T:
        """Awaits a write that goes on when the caller is cancelled: a deadline must not tear its connection."""
        task = asyncio.ensure_future(writing)
        self._writes.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved: the caller has it, or is gone


def _remembering(request: Request | None) -> tuple[str, dict[str, Any]]:
    """The request id, and the arguments that make a script remember it.

    Without a request of the caller's there is one of ours, for the driver sends a command again when a connection
    breaks, and that must not do it twice either.
    """
    if request is None:
        return f"~{secrets.token_hex(12)}", {"fingerprint": "", "ttl": _RESEND_TTL_S}
    return request.request_id, {"fingerprint": request.fingerprint, "ttl": REQUEST_TTL_S}


def _write_arguments(write: TrialWrite) -> dict[str, Any]:
    trial = write.trial
    return {
        "number": trial.number,
        "expected_revision": write.expected_revision,
        "state": trial.state.value,
        "charged": int(trial.counts_toward_budget),
        "digest": configuration_digest(trial.parameters) if trial.state.is_open else "-",
        "lease": _word(trial.lease_id),
        "lease_ms": None if write.lease_s is None else round(write.lease_s * 1000),
        "only_if_lapsed": write.only_if_lapsed,
        "only_if_unique": write.only_if_unique,
        "delete": write.delete,
        "import_key": trial.import_key,
        "blob": b"" if write.delete else encode_trial(trial),
    }


def _word(lease_id: str) -> str:
    """A lease id as one word of a stored trial's first line."""
    return lease_id or "-"


def _checked(reply: Sequence[Any], name: StudyName) -> Sequence[Any]:
    """The reply, unless it is a refusal that any script can give."""
    status = reply[0]
    if status == b"NO_STUDY":
        raise study_not_found(str(name))
    if status == b"REUSED":
        raise InvalidArgument("request_id", "was used for another request before", reason=ErrorReason.REQUEST_ID_REUSED)
    if status == b"CONFLICT":
        _, kind, index, row = reply
        raise Conflict(
            ConflictKind[kind.decode()],
            index=None if index < 0 else index,
            current=None if row is None else read_row(row).trial,
        )
    return reply


def _committed(reply: Sequence[Any], writes: Sequence[TrialWrite]) -> Committed:
    _, sequence, created, replayed, rows = reply
    records = []
    for index, row in enumerate(rows):
        number, value = row[0], row[1]
        if value:
            records.append(read_row(row))
        else:  # just written: nothing to decode
            write = writes[index]
            stored = dataclasses.replace(write.trial, number=number, revision=write.expected_revision + 1)
            records.append(read_row(row, stored))
    return Committed(records=records, sequence=sequence, created=created, replayed=bool(replayed))
