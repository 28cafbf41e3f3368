"""What the client's unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest

from tests.support.scripted_server import ScriptedServer


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    """A server on a free port of this machine."""
    handler = ScriptedServer()
    server = grpc.server(futures.ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((handler,))
    handler.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield handler
    server.stop(None).wait()


@pytest.fixture(autouse=True)
def _no_client_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person exported for their own server is not the tests'."""
    for name in ("ASKTELL_ADDRESS", "ASKTELL_TOKEN", "ASKTELL_TLS_CA", "ASKTELL_TLS_CERT", "ASKTELL_TLS_KEY"):
        monkeypatch.delenv(name, raising=False)
