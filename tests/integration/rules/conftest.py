"""One real server for all rules (per test process), one study per test."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.rpc import Rpc, StudyCalls
from tests.support.server import ServerProcess

NewStudy = Callable[..., StudyCalls]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on its embedded store."""
    with ServerProcess(tmp_path_factory.mktemp("rules")) as server:
        yield server


@pytest.fixture(scope="session")
def rpc(server: ServerProcess) -> Iterator[Rpc]:
    """Stubs of that server."""
    with Rpc(server.address) as rpc:
        yield rpc


@pytest.fixture
def new_study(rpc: Rpc) -> NewStudy:
    """Creates a study of its own; arguments are fields of Study."""

    def create(**changes: Any) -> StudyCalls:
        return rpc.create(f"s-{secrets.token_hex(6)}", **changes)

    return create
