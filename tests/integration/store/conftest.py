"""Stores for tests that break them: each test has its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from asktell_server.domain.names import StudyName
from asktell_server.store.connect import connect
from asktell_server.store.redis_ledger import RedisLedger
from tests.support.valkey import Cluster, Server, cluster, standalone

Opened = Callable[..., AbstractAsyncContextManager[RedisLedger]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A durable Valkey on TCP."""
    with standalone(tmp_path / "valkey") as started:
        yield started


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three masters with a replica each."""
    with cluster(tmp_path_factory.mktemp("cluster"), node_timeout_s=2) as started:
        yield started


@pytest.fixture
def opened() -> Opened:
    """`async with opened(url, ...) as ledger`: a ledger that is closed in the end."""

    @asynccontextmanager
    async def open_ledger(url: str, **options: Any) -> AsyncIterator[RedisLedger]:
        ledger = await connect(url, **{"socket_timeout_s": 10, **options})  # a busy disk is no reason to fail
        try:
            yield ledger
        finally:
            await ledger.close()

    return open_ledger


@pytest.fixture
def name() -> StudyName:
    """The name of a study that no other test has."""
    return StudyName(project=f"p{secrets.token_hex(6)}", study_id="study")
