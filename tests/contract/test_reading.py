"""Incremental reads, pages and the model's warm start."""

from __future__ import annotations

from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import Ledger, WarmStart
from tests.support.ledger import commit, put, queued, write


async def test_a_delta_holds_what_came_after_a_sequence(ledger: Ledger, study: StudyName) -> None:
    for index in range(5):
        await put(ledger, study, queued(index / 10))
    seen: list[int] = []
    more = True
    while more:
        delta = await ledger.read_delta(study, after=seen[-1] if seen else 0, limit=2)
        assert len(delta.entries) == 2
        seen += [entry.sequence for entry in delta.entries]
        more = delta.more
    assert seen == [1, 2, 3, 4, 5, 6]
    at_the_end = await ledger.read_delta(study, after=6)
    assert (list(at_the_end.entries), at_the_end.more) == ([], False)
    assert list((await ledger.read_delta(study, after=99)).entries) == []
    only_the_head = await ledger.read_delta(study, after=3, limit=0)
    assert (list(only_the_head.entries), only_the_head.more) == ([], True)


async def test_the_clock_of_the_store_goes_forward(ledger: Ledger, study: StudyName) -> None:
    first = await ledger.read_delta(study, after=0)
    second = await ledger.read_delta(study, after=0)
    assert first.now <= second.now
    assert first.now.tzinfo is not None


async def test_many_trials_are_read_in_the_order_asked_for(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, *(write(queued(index / 2000)) for index in range(1, 1201)))
    numbers = [*range(1200, 0, -1), 5000]
    records = await ledger.read_trials(study, numbers=numbers)
    assert [record.trial.number for record in records if record is not None] == numbers[:-1]
    assert records[-1] is None
    assert await ledger.read_trials(study, numbers=[]) == []


async def test_the_newest_warm_start_is_kept(ledger: Ledger, study: StudyName) -> None:
    assert await ledger.read_warm_start(study) is None
    await put(ledger, study, queued(0.1))
    await put(ledger, study, queued(0.2))
    newest = WarmStart(sequence=3, payload=b"\x00\xffnew")
    await ledger.write_warm_start(study, newest)
    await ledger.write_warm_start(study, WarmStart(sequence=2, payload=b"old"))
    assert await ledger.read_warm_start(study) == newest
    await ledger.write_warm_start(study, WarmStart(sequence=3, payload=b"again"))
    assert await ledger.read_warm_start(study) == WarmStart(sequence=3, payload=b"again")


async def test_a_warm_start_from_behind_the_end_of_the_log_is_another_study_s(ledger: Ledger, study: StudyName) -> None:
    await ledger.write_warm_start(study, WarmStart(sequence=9, payload=b"of a deleted study of the same name"))
    assert await ledger.read_warm_start(study) is None
