"""TLS to the store, in each topology. The embedded Valkey cannot do it; the system's Redis can."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from asktell_server.domain.errors import Unavailable
from asktell_server.domain.names import StudyName
from asktell_server.store.connect import connect
from tests.conformance.certificates import Certificates, make_certificates
from tests.integration.store.conftest import Opened
from tests.support.ledger import a_study, put, queued
from tests.support.ports import free_port
from tests.support.valkey import sentinel_for, standalone, wait_until
from tests.toolchains import require


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """An authority and what it signed."""
    require("openssl")
    return make_certificates(tmp_path / "certificates")


@pytest.fixture
def redis_binary() -> Path:
    """A server that can do TLS."""
    return require("redis-server")


async def works(url: str, opened: Opened, name: StudyName) -> None:
    """A study can be kept there."""
    async with opened(url) as ledger:
        await ledger.create_study(a_study(name), request=None)
        assert (await put(ledger, name, queued(0.1))).number == 1


async def test_one_server(
    tmp_path: Path, certificates: Certificates, redis_binary: Path, opened: Opened, name: StudyName
) -> None:
    with standalone(tmp_path / "redis", binary=redis_binary, tls=certificates) as server:
        await works(server.url, opened, name)
        for untrusted in (
            f"rediss://127.0.0.1:{server.port}",
            f"{server.url[: server.url.index('?')]}?tls_ca={certificates.other_ca}",
        ):
            with pytest.raises(Unavailable):
                await connect(untrusted)


async def test_sentinel(
    tmp_path: Path, certificates: Certificates, redis_binary: Path, opened: Opened, name: StudyName
) -> None:
    with (
        standalone(tmp_path / "redis", binary=redis_binary, tls=certificates) as master,
        sentinel_for(master, tmp_path / "sentinel", "tuning") as sentinel,
    ):
        url = f"sentinel://127.0.0.1:{sentinel.port}/tuning?tls=true&tls_ca={certificates.ca}"
        await works(url, opened, name)


async def test_cluster(
    tmp_path: Path, certificates: Certificates, redis_binary: Path, opened: Opened, name: StudyName
) -> None:
    ports = ("--cluster-port", str(free_port()))
    cluster = (*ports, "--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-announce-ip", "127.0.0.1")
    with (
        standalone(tmp_path / "redis", *cluster, binary=redis_binary, tls=certificates) as node,
        contextlib.closing(node.client()) as client,
    ):
        client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        wait_until(lambda: client.execute_command("CLUSTER INFO")["cluster_state"] == "ok", what="the cluster")
        await works(f"cluster://127.0.0.1:{node.port}?tls=true&tls_ca={certificates.ca}", opened, name)
