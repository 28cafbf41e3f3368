"""One server for the tests of this directory, and a client of either kind."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import asktell
from tests.support.server import ServerProcess

SPACE: dict[str, asktell.Domain] = {
    "lr": asktell.Float(1e-5, 1e-1, log=True),
    "layers": asktell.Int(1, 8),
    "rank": asktell.Discrete([4, 8, 16, 32]),
    "optimizer": asktell.Categorical(["adam", "sgd"]),
    "nesterov": asktell.Bool(),
}


async def do(value: Any) -> Any:
    """The result of a call of either client."""
    return await value if inspect.isawaitable(value) else value


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on its embedded store."""
    with ServerProcess(tmp_path_factory.mktemp("client-server")) as process:
        yield process


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> Any:
    """Either client."""
    return asktell.Client if request.param == "sync" else asktell.AsyncClient


@pytest.fixture
async def client(kind: Any, server: ServerProcess) -> AsyncIterator[Any]:
    """A client of a project of its own."""
    client = kind(server.address, project=f"p{uuid.uuid4().hex[:12]}", worker_id="tester")
    yield client
    await do(client.close())


@pytest.fixture
async def study(client: Any) -> Any:
    """A study of quick random search."""
    return await do(
        client.create_study(
            "s", space=SPACE, objectives=asktell.Minimize("loss"), metrics=["acc"], algorithm="random", seed=1
        )
    )
