"""Commits as arguments of `commit.lua`, and its answer as a Committed."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from asktell_server.domain.space import configuration_digest
from asktell_server.pace import in_pieces, in_pieces_numbered
from asktell_server.store.codec import encode_trial
from asktell_server.store.protocol import Commit, Committed, StalenessLimit, TrialRecord, TrialWrite
from asktell_server.store.replies import read_row


async def commit_arguments(commit: Commit) -> dict[str, Any]:
    """What the script needs besides the request."""
    guard = commit.guard
    return {
        "epoch": guard.epoch,
        "study_revision": guard.study_revision,
        "max_running": guard.max_running,
        "max_charged": guard.max_charged,
        "known_number": guard.known_number,
        "nothing_waits": guard.nothing_waits,
        "staleness": staleness_arguments(guard.staleness),
        "known_ready": None if commit.known_ready is None else dict.fromkeys(commit.known_ready, True),
        "forgets_ready": commit.forgets_ready,
        "writes": await in_pieces(_write_arguments, commit.writes),
    }


def staleness_arguments(limit: StalenessLimit) -> dict[str, int | None]:
    """A limit as scripts take it."""
    return {"ended": limit.ended, "surprise": limit.surprise}


def lease_word(lease_id: str) -> str:
    """A lease id as one word of a stored trial's first line."""
    return lease_id or "-"


async def committed(reply: Sequence[Any], writes: Sequence[TrialWrite]) -> Committed:
    """The answer of commit.lua or recall.lua; `writes` are those of the commit, if it may just have been done."""
    _, sequence, created, replayed, rows = reply

    def read(index: int, row: Sequence[Any]) -> TrialRecord:
        number, value = row[0], row[1]
        if value:
            return read_row(row)
        write = writes[index]  # just written: nothing to decode
        stored = dataclasses.replace(write.trial, number=number, revision=write.expected_revision + 1)
        return read_row(row, stored)

    records = await in_pieces_numbered(read, rows)
    return Committed(records=records, sequence=sequence, created=created, replayed=bool(replayed))


def _write_arguments(write: TrialWrite) -> dict[str, Any]:
    trial = write.trial
    return {
        "number": trial.number,
        "expected_revision": write.expected_revision,
        "state": trial.state.value,
        "charged": int(trial.counts_toward_budget),
        "surprise": write.counted_surprise,
        "digest": configuration_digest(trial.parameters),
        "lease": lease_word(trial.lease_id),
        "lease_ms": None if write.lease_s is None else round(write.lease_s * 1000),
        "only_if_lapsed": write.only_if_lapsed,
        "only_if_unique": write.only_if_unique,
        "delete": write.delete,
        "ready_id": write.ready_id,
        "import_key": trial.import_key,
        "blob": b"" if write.delete else encode_trial(trial),
    }
