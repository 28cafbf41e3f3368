"""TLS, tokens and several addresses, with real servers."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import do
from tests.support.server import ServerProcess

SPACE: dict[str, asktell.Domain] = {"x": asktell.Float(0, 1)}
GOAL = asktell.Minimize("loss")


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small authority, and a certificate of its for localhost."""
    home = tmp_path_factory.mktemp("tls")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-subj", "/CN=test authority", "-keyout", f"{home}/ca.key", "-out", f"{home}/ca.pem")
    openssl("req", *new[:-2], "-subj", "/CN=localhost", "-keyout", f"{home}/key.pem", "-out", f"{home}/leaf.csr")
    (home / "leaf.ext").write_text("basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        *("x509", "-req", "-days", "2", "-in", f"{home}/leaf.csr", "-CA", f"{home}/ca.pem", "-CAkey", f"{home}/ca.key"),
        *("-CAcreateserial", "-extfile", f"{home}/leaf.ext", "-out", f"{home}/cert.pem"),
    )
    return home


async def test_tls_tokens_and_several_servers(
    kind: Any, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--tls-cert", str(certificates / "cert.pem"), "--tls-key", str(certificates / "key.pem")]
    secret = {"ASKTELL_TOKEN": "secret"}
    with (
        ServerProcess(tmp_path / "one", stateless=True, arguments=flags, environment=secret) as one,
        ServerProcess(tmp_path / "two", stateless=True, arguments=flags, environment=secret) as two,
    ):
        ports = [server.address.rpartition(":")[2] for server in (one, two)]
        monkeypatch.setenv("ASKTELL_ADDRESS", ",".join(f"localhost:{port}" for port in ports))
        monkeypatch.setenv("ASKTELL_TOKEN", "secret")
        monkeypatch.setenv("ASKTELL_TLS_CA", str(certificates / "ca.pem"))
        client = kind()
        for _ in range(4):
            assert len(await do(client.suggest(SPACE, GOAL, algorithm="random"))) == 1
        one.kill()
        for _ in range(6):  # whichever server was next
            assert len(await do(client.suggest(SPACE, GOAL, algorithm="random"))) == 1
        with pytest.raises(asktell.NotSupported):  # these serve suggestions alone
            await do(client.studies())
        await do(client.close())

        wrong = kind(f"localhost:{ports[1]}", token="wrong")
        with pytest.raises(asktell.Unauthenticated):
            await do(wrong.suggest(SPACE, GOAL, algorithm="random"))
        await do(wrong.close())

        monkeypatch.delenv("ASKTELL_TLS_CA")
        distrustful = kind(f"localhost:{ports[1]}", tls=True, timeout_s=2.0, slow_timeout_s=2.0)
        with pytest.raises(asktell.Unavailable):  # the system does not know our authority
            await do(distrustful.suggest(SPACE, GOAL, algorithm="random"))
        await do(distrustful.close())
