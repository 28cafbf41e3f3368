"""Watching a study's log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from asktell_server.domain.errors import NotFound
from asktell_server.domain.names import StudyName
from asktell_server.store.protocol import Ledger, LogEntry
from tests.support.ledger import a_study, commit, put, queued, write

_SOON_S = 60.0


@asynccontextmanager
async def watching(ledger: Ledger, study: StudyName, after: int = 0) -> AsyncIterator[AsyncIterator[LogEntry]]:
    """A watch that is closed in the end."""
    entries = ledger.watch(study, after=after)
    try:
        yield entries
    finally:
        await entries.aclose()  # type: ignore[attr-defined]  # both ledgers' are generators


async def take(entries: AsyncIterator[LogEntry], count: int) -> list[int]:
    """The sequences of the next entries."""
    async with asyncio.timeout(_SOON_S):
        return [(await anext(entries)).sequence for _ in range(count)]


async def test_what_is_there_and_what_comes_is_delivered_in_order(ledger: Ledger, study: StudyName) -> None:
    await put(ledger, study, queued(0.1))
    async with watching(ledger, study) as entries:
        assert await take(entries, 2) == [1, 2]
        coming = asyncio.create_task(take(entries, 3))
        await commit(ledger, study, write(queued(0.2)), write(queued(0.3)))
        await put(ledger, study, queued(0.4))
        assert await coming == [3, 4, 5]


async def test_a_cursor_resumes_where_it_was(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, *(write(queued(index / 10)) for index in range(5)))
    async with watching(ledger, study, after=4) as entries:
        assert await take(entries, 2) == [5, 6]


async def test_a_long_log_is_delivered_whole(ledger: Ledger, study: StudyName) -> None:
    await commit(ledger, study, *(write(queued(index / 2000)) for index in range(1200)))
    async with watching(ledger, study) as entries:
        assert await take(entries, 1201) == list(range(1, 1202))


async def test_many_watch_one_study_and_some_leave(ledger: Ledger, study: StudyName) -> None:
    async with watching(ledger, study) as staying, watching(ledger, study, after=1) as other:
        assert await take(staying, 1) == [1]
        async with watching(ledger, study) as leaving:
            assert await take(leaving, 1) == [1]
            waiting = asyncio.create_task(take(leaving, 1))
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await put(ledger, study, queued(0.1))
        assert await take(staying, 1) == [2]
        assert await take(other, 1) == [2]


async def test_a_study_can_be_watched_again_after_the_last_watcher_left(ledger: Ledger, study: StudyName) -> None:
    for expected in ([1], [1, 2], [1, 2, 3]):
        async with watching(ledger, study) as entries:
            assert await take(entries, len(expected)) == expected
            coming = asyncio.create_task(take(entries, 1))
            await put(ledger, study, queued(len(expected) / 10))
            assert await coming == [len(expected) + 1]


async def test_watches_of_two_studies_do_not_mix(ledger: Ledger, study: StudyName) -> None:
    other = StudyName(project=study.project, study_id="other")
    await ledger.create_study(a_study(other), request=None)
    async with watching(ledger, study, after=1) as first, watching(ledger, other, after=1) as second:
        coming = [asyncio.create_task(take(entries, 1)) for entries in (first, second)]
        await put(ledger, other, queued(0.1))
        assert await coming[1] == [2]
        assert not coming[0].done()
        await put(ledger, study, queued(0.1))
        assert await coming[0] == [2]


@pytest.mark.parametrize("created_again", [False, True])
async def test_the_end_of_a_study_ends_its_watches(ledger: Ledger, study: StudyName, created_again: bool) -> None:
    async with watching(ledger, study) as entries:
        assert await take(entries, 1) == [1]
        waiting = asyncio.create_task(take(entries, 1))
        await ledger.delete_study(study, expected_revision=None, request=None)
        if created_again:
            await ledger.create_study(a_study(study), request=None)
        with pytest.raises(NotFound):
            await waiting


async def test_nothing_is_left_behind(ledger: Ledger, study: StudyName) -> None:
    before = asyncio.all_tasks()
    async with watching(ledger, study) as entries:
        await take(entries, 1)
    await ledger.close()
    assert asyncio.all_tasks() <= before
