"""Every store that the contract suite runs against. Servers are started once per test process, when first needed."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from asktell_server.domain.names import StudyName
from asktell_server.store.connect import connect
from asktell_server.store.embedded import EmbeddedStore
from asktell_server.store.memory import MemoryLedger
from asktell_server.store.protocol import Ledger
from tests.support.ledger import a_study
from tests.support.valkey import Cluster, Server, cluster, standalone
from tests.toolchains import require

STORES = ("memory", "embedded", "valkey", "redis", "cluster")


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Valkey on TCP, with a password."""
    with standalone(tmp_path_factory.mktemp("valkey") / "data", password="open sesame/ü") as server:
        yield server


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The system's Redis."""
    with standalone(tmp_path_factory.mktemp("redis") / "data", binary=require("redis-server")) as server:
        yield server


@pytest.fixture(scope="session")
def valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three masters with a replica each."""
    with cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture(params=STORES)
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    """An empty corner (see `name`) of each store."""
    if request.param == "memory":
        yield MemoryLedger()
    elif request.param == "embedded":
        async with EmbeddedStore(tmp_path / "a data dir") as store:
            async for opened in _opened(store.url):
                yield opened
    else:
        fixture = {"valkey": "valkey_server", "redis": "redis_server", "cluster": "valkey_cluster"}[request.param]
        server: Server | Cluster = request.getfixturevalue(fixture)
        async for opened in _opened(server.url):
            yield opened


async def _opened(url: str) -> AsyncIterator[Ledger]:
    ledger = await connect(url, socket_timeout_s=10)  # a busy disk is no reason for a test to fail
    try:
        yield ledger
    finally:
        await ledger.close()


@pytest.fixture
def name() -> StudyName:
    """The name of a study that no other test has."""
    return StudyName(project=f"p{secrets.token_hex(6)}", study_id="study")


@pytest.fixture
async def study(ledger: Ledger, name: StudyName) -> StudyName:
    """A stored study without trials."""
    await ledger.create_study(a_study(name), request=None)
    return name
