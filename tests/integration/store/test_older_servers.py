"""What older servers have stored is still understood."""

from __future__ import annotations

from asktell_server.domain.names import StudyName
from asktell_server.domain.surprise import WHOLE_SURPRISE
from asktell_server.domain.trial import TrialState
from asktell_server.store.protocol import Prepared, Snapshot, StalenessLimit
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, commit, put, queued, running, told, write
from tests.support.valkey import Server

NAME = StudyName(project="default", study_id="older")
KEY = "asktell:{default/older}:"


async def test_a_prepared_suggestion_without_that_word_is_left_alone_and_dropped(
    server: Server, opened: Opened
) -> None:
    async with opened(server.url) as ledger:
        head = await ledger.create_study(a_study(NAME), request=None)
        with server.client() as client:
            client.rpush(KEY + "ready", f"old {head.epoch} 0 0\n".encode() + b"blob")
        assert not (await ledger.read_delta(NAME, after=0, ready=True)).ready
        limit = StalenessLimit(ended=5)
        assert await ledger.begin_preparing(NAME, token="new", depth=1, staleness=limit, lock_s=60)
        trial = queued(0.5)
        prepared = Prepared(ready_id="new", trial=trial, ended=0, surprise=0, known_number=0)
        assert (await ledger.end_preparing(NAME, token="new", prepared=prepared, staleness=limit)).stale == 1
        assert [each.ready_id for each in (await ledger.read_delta(NAME, after=0, ready=True)).ready] == ["new"]


async def test_a_trial_stored_without_a_surprise_is_taken_on(server: Server, opened: Opened) -> None:
    async with opened(server.url) as ledger:
        await ledger.create_study(a_study(NAME), request=None)
        first = await put(ledger, NAME, running(0.1, "a"), lease_s=60)
        second = await put(ledger, NAME, told(running(0.2, "b"), 1.0))
        with server.client() as client:
            for trial in (first, second):
                line, _, blob = client.hget(KEY + "trials", str(trial.number)).partition(b"\n")
                client.hset(KEY + "trials", str(trial.number), line.rpartition(b" ")[0] + b"\n" + blob)
            client.hdel(KEY + "meta", "news")
        done = (await commit(ledger, NAME, write(told(first, 0.5)))).records[0].trial
        assert done.state is TrialState.SUCCEEDED
        await commit(ledger, NAME, write(second, delete=True))
        assert (await ledger.read_head(NAME)).surprise == WHOLE_SURPRISE, "of the one that this server has written"
        (kept,) = [record for record in await ledger.read_trials(NAME, numbers=[1, 2]) if record]
        assert kept.trial == done


async def test_a_snapshot_of_another_log_is_left_alone(server: Server, opened: Opened) -> None:
    """The log was restored from a backup, say, and went on otherwise; the snapshot was not."""
    name = StudyName(project="default", study_id="restored")
    async with opened(server.url) as ledger:
        head = await ledger.create_study(a_study(name), request=None)
        await put(ledger, name, queued(0.5))
        kept = Snapshot(epoch=head.epoch, sequence=2, manifest=b"m", pieces=[])
        assert await ledger.keep_snapshot(name, kept)
        assert await ledger.read_snapshot(name) == kept
        with server.client() as client:
            key = "asktell:{default/restored}:"
            client.hset(key + "snapshot", "mark", "of another entry")
            assert await ledger.read_snapshot(name) is None
            client.hset(key + "snapshot", "sequence", 99)
            assert await ledger.read_snapshot(name) is None
        assert await ledger.keep_snapshot(name, kept), "although a later one seems to be there"
        assert await ledger.read_snapshot(name) == kept
