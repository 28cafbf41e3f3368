"""Addresses, variables and channel targets."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

import asktell
from asktell._core import channel
from asktell._core.settings import make_settings, parse_address


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("localhost:50051", "localhost:50051"),
        (" db1 ", "db1:50051"),
        ("10.0.0.1:7", "10.0.0.1:7"),
        ("[::1]:7", "[::1]:7"),
        ("[::1]", "[::1]:50051"),
    ],
)
def test_addresses(given: str, expected: str) -> None:
    assert parse_address(given) == expected


@pytest.mark.parametrize("given", ["http://x:1", "x:port", "::1", ":5", "x:0", "x:70000", "a/b"])
def test_malformed_addresses_are_refused(given: str) -> None:
    with pytest.raises(ValueError, match=r"address|brackets"):
        parse_address(given)


def test_arguments_come_before_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = tmp_path / "ca.pem"
    authority.write_bytes(b"PEM")
    monkeypatch.setenv("ASKTELL_ADDRESS", "a:1,b:2")
    monkeypatch.setenv("ASKTELL_TOKEN", "secret")
    monkeypatch.setenv("ASKTELL_TLS_CA", str(authority))
    settings = make_settings()
    assert settings.addresses == ("a:1", "b:2")
    assert (settings.token, settings.tls, settings.root_certificates) == ("secret", True, b"PEM")
    assert channel.metadata(settings) == (("authorization", "Bearer secret"),)
    assert "secret" not in repr(settings)
    assert make_settings("c:3", token="mine").addresses == ("c:3",)


def test_defaults() -> None:
    settings = make_settings()
    assert (settings.address, settings.tls, settings.token) == ("localhost:50051", False, None)
    assert channel.target(settings) == "dns:///localhost:50051"
    assert channel.metadata(settings) == ()


def test_several_addresses_are_one_target() -> None:
    assert channel.target(make_settings("127.0.0.1:1,127.0.0.2:2")) == "ipv4:127.0.0.1:1,127.0.0.2:2"
    assert channel.target(make_settings("127.0.0.1:1,[::1]:2")) == "ipv6:[::ffff:127.0.0.1]:1,[::1]:2"
    options = dict(channel.options(make_settings("db1:1,db2:2", tls=True)))
    assert options["grpc.default_authority"] == options["grpc.ssl_target_name_override"] == "db1"


def test_keepalive_does_not_annoy_servers() -> None:
    assert int(dict(channel.options(make_settings()))["grpc.keepalive_time_ms"]) >= 30_000


def test_timeouts_are_positive() -> None:
    with pytest.raises(ValueError, match="timeout_s must be greater than 0"):
        make_settings(timeout_s=0)


def test_pickles_carry_what_was_given_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKTELL_ADDRESS", "here:1")
    monkeypatch.setenv("ASKTELL_TOKEN", "secret")
    pickled = pickle.dumps(make_settings(project="p", timeout_s=5))
    assert b"secret" not in pickled
    monkeypatch.setenv("ASKTELL_ADDRESS", "there:2")
    monkeypatch.setenv("ASKTELL_TOKEN", "another")
    settings = pickle.loads(pickled)
    assert (settings.address, settings.project, settings.timeouts.default_s) == ("there:2", "p", 5)
    assert settings.token == "another"
    given = pickle.loads(pickle.dumps(make_settings("db1:1", root_certificates=b"PEM", worker_id="w")))
    assert (given.address, given.root_certificates, given.worker_id, given.tls) == ("db1:1", b"PEM", "w", True)


def test_a_client_that_was_given_its_token_is_not_pickled() -> None:
    client = asktell.Client("localhost:1", token="secret")
    with pytest.raises(pickle.PicklingError, match=r"set ASKTELL_TOKEN in both processes instead$"):
        pickle.dumps(client)
    client.close()


def test_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert make_settings().wait_s == 2
    monkeypatch.setenv("ASKTELL_WAIT", "30")
    assert (make_settings().wait_s, make_settings(wait_s=0).wait_s) == (30, 0)
    monkeypatch.setenv("ASKTELL_WAIT", "long")
    with pytest.raises(ValueError, match="ASKTELL_WAIT must be a number of seconds, got 'long'"):
        make_settings()
    with pytest.raises(ValueError, match="wait_s must be at least 0"):
        make_settings(wait_s=-1)
