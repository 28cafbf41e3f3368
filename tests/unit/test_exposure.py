"""A server that other machines can reach starts only with TLS and a token, or when it is told that it may go without."""

from __future__ import annotations

import itertools
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from asktell_server import cli
from asktell_server.exposure import warning
from asktell_server.settings import Settings
from tests.support.certificates import self_signed
from tests.toolchains import require

HERE = ("127.0.0.1:0", "127.9.8.7:1", "localhost:0", "LOCALHOST:0", "[::1]:0", "[::ffff:127.0.0.1]:0")
BEYOND = (
    "0.0.0.0:0",
    "[::]:0",
    "192.0.2.1:0",
    "[2001:db8::1]:0",
    "localhost.example:0",
    "[::ffff:192.0.2.1]:0",
    "db:1",
)
USAGE_ERROR = 2


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings of servers that would have been started."""
    settings: list[Settings] = []
    monkeypatch.setattr(cli, "_run", settings.append)
    monkeypatch.setattr(cli, "_configure_logging", lambda _level: None)
    return settings


@pytest.fixture
def pair(tmp_path: Path) -> list[str]:
    """The flags of a certificate and its key."""
    require("openssl")
    self_signed(tmp_path)
    return ["--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem")]


def serve(*arguments: str, token: str = "") -> Result:
    return CliRunner().invoke(cli.main, ["serve", *arguments], env={"ASKTELL_TOKEN": token})


@pytest.mark.parametrize(("listen", "http"), [*itertools.pairwise(HERE), (HERE[0], None)])
def test_on_loopback_nothing_is_wanted(started: list[Settings], listen: str, http: str | None) -> None:
    result = serve("--listen", listen, *(["--http", http] if http else []))
    assert (result.exit_code, len(started)) == (0, 1), result.output
    assert warning(started[0]) is None


@pytest.mark.parametrize("flag", ["--listen", "--http"])
@pytest.mark.parametrize("address", BEYOND)
def test_beyond_loopback_it_does_not_start_and_says_what_to_do(
    started: list[Settings], flag: str, address: str
) -> None:
    result = serve(flag, address, "--stateless")
    assert (result.exit_code, started) == (USAGE_ERROR, [])
    assert f"other machines can reach {address}" in result.output
    assert "no token and no TLS" in result.output
    assert "export ASKTELL_TOKEN=" in result.output
    assert f"asktell-server serve {flag} {shlex.quote(address)} --stateless --tls-cert" in result.output
    assert "--insecure" in result.output


def test_the_commands_that_mend_it_hold_no_password(started: list[Settings]) -> None:
    result = serve("--listen", "192.0.2.1:0", "--store", "redis://user:passw0rd@db:6379/0")
    assert "asktell-server serve --listen 192.0.2.1:0 --store redis://...@db:6379/0 --tls-cert" in result.output
    assert "passw0rd" not in result.output
    assert "subjectAltName=IP:192.0.2.1" in result.output
    assert not started


@pytest.mark.parametrize("address", ["0.0.0.0", ":50051", "0.0.0.0:", ":"])
def test_an_address_without_host_or_port_is_none(started: list[Settings], address: str) -> None:
    assert (serve("--listen", address).exit_code, started) == (USAGE_ERROR, [])


def test_it_wants_both_tls_and_a_token(started: list[Settings], pair: list[str]) -> None:
    beyond = ["--listen", "0.0.0.0:0"]
    without_tls = serve(*beyond, token="t0ken")
    assert (without_tls.exit_code, "has no TLS." in without_tls.output) == (USAGE_ERROR, True)
    assert "ASKTELL_TOKEN" not in without_tls.output
    assert "t0ken" not in without_tls.output
    without_token = serve(*beyond, *pair)
    assert (without_token.exit_code, "has no token." in without_token.output) == (USAGE_ERROR, True)
    assert "openssl req" not in without_token.output
    assert not started
    assert serve(*beyond, *pair, token="t0ken").exit_code == 0
    assert warning(started[0]) is None


def test_certificates_of_callers_stand_for_the_token(started: list[Settings], pair: list[str]) -> None:
    assert serve("--listen", "0.0.0.0:0", *pair, "--tls-client-ca", pair[1]).exit_code == 0
    assert warning(started[0]) is None
    alone = serve("--tls-client-ca", pair[1])
    assert (alone.exit_code, "needs --tls-cert" in alone.output, len(started)) == (USAGE_ERROR, True, 1)


def test_insecure_starts_it_and_says_what_is_given_away(started: list[Settings], pair: list[str]) -> None:
    for token, tls in itertools.product(("", "t0ken"), ([], pair)):
        assert serve("--listen", "0.0.0.0:7", "--insecure", *tls, token=token).exit_code == 0
        said = warning(started[-1]) or ""
        assert ("read, change and delete every study" in said) is not bool(token)
        assert ("reads every token" in said) is not bool(tls)
        assert ("INSECURE (--insecure): other machines can reach 0.0.0.0:7" in said) is (not token or not tls)
        assert "t0ken" not in said
