"""What older servers have stored is still understood."""

from __future__ import annotations

from asktell_server.domain.names import StudyName
from asktell_server.domain.news import RESULT
from asktell_server.domain.trial import TrialState
from asktell_server.store.protocol import Prepared, StalenessLimit
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


async def test_a_trial_without_the_word_for_its_surprise_is_taken_on(server: Server, opened: Opened) -> None:
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
        assert (await ledger.read_head(NAME)).surprise == RESULT, "of the one that this server has written"
        (kept,) = [record for record in await ledger.read_trials(NAME, numbers=[1, 2]) if record]
        assert kept.trial == done
