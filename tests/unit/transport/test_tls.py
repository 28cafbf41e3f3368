"""The TLS files: read once, and what is wrong with them said by the flag."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from asktell_server.transport.tls import TlsError, read_tls
from tests.support.certificates import openssl, self_signed
from tests.toolchains import require


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pairs, `cert.pem` with `key.pem` and `other.pem` with `other.key`, and the first key encrypted."""
    require("openssl")
    home = tmp_path_factory.mktemp("tls")
    for certificate, key in (("cert.pem", "key.pem"), ("other.pem", "other.key")):
        self_signed(home, certificate=certificate, key=key)
    openssl("ec", "-aes256", "-passout", "pass:secret", "-in", f"{home}/key.pem", "-out", f"{home}/encrypted.pem")
    (home / "garbage.pem").write_text("-----BEGIN NOTHING-----\n")
    (home / "folder").mkdir()
    return home


def test_a_pair_is_read_for_both_doors(files: Path) -> None:
    tls = read_tls(files / "cert.pem", files / "key.pem")
    assert tls.certificate == (files / "cert.pem").read_bytes()
    assert tls.private_key == (files / "key.pem").read_bytes()
    assert tls.context.protocol is ssl.PROTOCOL_TLS_SERVER
    assert "PRIVATE" not in repr(tls)


def test_callers_need_a_certificate_where_their_authority_is_given(files: Path) -> None:
    assert read_tls(files / "cert.pem", files / "key.pem").context.verify_mode is ssl.CERT_NONE
    tls = read_tls(files / "cert.pem", files / "key.pem", files / "other.pem")
    assert tls.context.verify_mode is ssl.CERT_REQUIRED
    assert tls.client_ca == (files / "other.pem").read_bytes()
    for wrong in ("missing.pem", "garbage.pem", "key.pem"):
        with pytest.raises(TlsError, match=r"^--tls-client-ca: "):
            read_tls(files / "cert.pem", files / "key.pem", files / wrong)


@pytest.mark.parametrize(
    ("certificate", "key", "flag", "what"),
    [
        ("missing.pem", "key.pem", "--tls-cert", "No such file"),
        ("folder", "key.pem", "--tls-cert", "Is a directory"),
        ("garbage.pem", "key.pem", "--tls-cert", "not a certificate in PEM form"),
        ("key.pem", "key.pem", "--tls-cert", "not a certificate in PEM form"),
        ("cert.pem", "missing.pem", "--tls-key", "No such file"),
        ("cert.pem", "garbage.pem", "--tls-key", "not a private key in PEM form"),
        ("cert.pem", "cert.pem", "--tls-key", "not a private key in PEM form"),
        ("cert.pem", "other.key", "--tls-key", "not the key of the certificate"),
        ("cert.pem", "encrypted.pem", "--tls-key", "encrypted"),
    ],
)
def test_what_is_wrong_is_said_by_the_flag(files: Path, certificate: str, key: str, flag: str, what: str) -> None:
    with pytest.raises(TlsError) as caught:
        read_tls(files / certificate, files / key)
    assert str(caught.value).startswith(f"{flag}: ")
    assert what in str(caught.value)
    assert str(files) in str(caught.value)
