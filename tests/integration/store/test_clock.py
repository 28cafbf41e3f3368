"""The store's clock is set back by hours: a lease ends when it would have ended, give or take a second or two."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Trial
from asktell_server.store.keys import meta_key
from asktell_server.store.redis_ledger import RedisLedger
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, put, read_one, running, until
from tests.support.valkey import Server, standalone

BACK_S = 2 * 3600
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SetBack = Callable[[Server, StudyName], None]


def by_what_is_stored(server: Server, name: StudyName) -> None:
    """A clock that goes back leaves everything stored as much later than itself."""
    meta = meta_key(name)
    leases = f"{meta.removesuffix('meta')}leases"
    with contextlib.closing(server.client()) as client:
        client.hincrby(meta, "clock", BACK_S * 1000)
        numbers: Any = client.zrange(leases, 0, -1)
        for number in numbers:
            client.zincrby(leases, BACK_S * 1000, number)


def by_the_clock(server: Server, name: StudyName) -> None:
    """The real thing, with libfaketime in the server."""
    (server.directory / "offset").write_text(f"-{BACK_S}\n")


@pytest.fixture(
    params=[
        by_what_is_stored,
        pytest.param(by_the_clock, marks=pytest.mark.skipif(FAKETIME is None, reason="needs libfaketime")),
    ]
)
def set_back(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SetBack:
    """Sets the clock of a server that is started afterwards back."""
    chosen: SetBack = request.param
    if chosen is by_the_clock:
        (tmp_path / "valkey").mkdir()
        (tmp_path / "valkey" / "offset").write_text("+0\n")
        monkeypatch.setenv("LD_PRELOAD", str(FAKETIME))
        monkeypatch.setenv("FAKETIME_TIMESTAMP_FILE", str(tmp_path / "valkey" / "offset"))
        monkeypatch.setenv("FAKETIME_NO_CACHE", "1")
        monkeypatch.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
    return chosen


async def two_leases(ledger: RedisLedger, name: StudyName) -> tuple[Trial, Trial]:
    """Trial 1 has a lease of three seconds, trial 2 a long one."""
    await ledger.create_study(a_study(name), request=None)
    return (
        await put(ledger, name, running(0.1), lease_s=3),
        await put(ledger, name, running(0.2), lease_s=3600),
    )


async def read(ledger: RedisLedger, name: StudyName) -> None:
    """As an ask does that finds nothing to hand out."""
    await ledger.read_delta(name, after=0)


async def renew(ledger: RedisLedger, name: StudyName) -> None:
    """As the heartbeat of another worker does."""
    await ledger.report(name, 2, lease_id="lease-1", lease_s=3600, measurement=None, request=None)


async def start_another(ledger: RedisLedger, name: StudyName) -> None:
    """As an ask does that starts a trial."""
    await put(ledger, name, running(0.3), lease_s=60)


@pytest.mark.parametrize("first", [read, renew, start_another])
async def test_a_lease_ends_although_the_clock_goes_back(
    tmp_path: Path,
    opened: Opened,
    name: StudyName,
    set_back: SetBack,
    first: Callable[[RedisLedger, StudyName], Awaitable[None]],
) -> None:
    with standalone(tmp_path / "valkey") as server:
        async with opened(server.url) as ledger:
            await two_leases(ledger, name)
            set_back(server, name)
            await first(ledger, name)
            before = await ledger.read_delta(name, after=0)
            assert before.lapsed or (before.next_lapse_s is not None and before.next_lapse_s <= 5)
            delta = await until(lambda: ledger.read_delta(name, after=0), lambda delta: bool(delta.lapsed))
            assert list(delta.lapsed) == [1]
            second = (await read_one(ledger, name, 2)).lease_expire_time
            assert second is not None
            assert 3500 < (second - delta.now).total_seconds() <= 3602


async def test_a_clock_that_goes_on_leaves_leases_alone(server: Server, opened: Opened, name: StudyName) -> None:
    async with opened(server.url) as ledger:
        await two_leases(ledger, name)
        first = (await read_one(ledger, name, 2)).lease_expire_time
        for _ in range(3):
            await put(ledger, name, running(0.3), lease_s=60)
        assert (await read_one(ledger, name, 2)).lease_expire_time == first
