"""The server's certificate and private key, read once for both doors."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

CERTIFICATE_FLAG = "--tls-cert"
KEY_FLAG = "--tls-key"
CLIENT_CA_FLAG = "--tls-client-ca"


class TlsError(Exception):
    """Why the files cannot be used, in words for people, beginning with the flag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate chain and private key as PEM, and both in a context.

    `client_ca`: the PEM of the authorities of which every caller must have a certificate; None = callers need none.
    """

    certificate: bytes
    private_key: bytes = field(repr=False)
    client_ca: bytes | None = None
    context: ssl.SSLContext


def read_tls(certificate: Path, private_key: Path, client_ca: Path | None = None) -> Tls:
    """Reads the files and checks that they belong together.

    Raises:
        TlsError: a file cannot be read, is not what it should be, or they are not of one pair.
    """
    chain, key = _read(CERTIFICATE_FLAG, certificate), _read(KEY_FLAG, private_key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _require_certificate(CERTIFICATE_FLAG, certificate)
    trusted = None if client_ca is None else _read(CLIENT_CA_FLAG, client_ca)
    if client_ca is not None:
        _require_certificate(CLIENT_CA_FLAG, client_ca)
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_cert_chain(certificate, private_key, password=_encrypted)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError(f"{KEY_FLAG}: {private_key} is not the key of the certificate in {certificate}") from None
        raise TlsError(f"{KEY_FLAG}: {private_key} is not a private key in PEM form") from None
    except _EncryptedKey:
        raise TlsError(f"{KEY_FLAG}: {private_key} is encrypted; the server asks for no password") from None
    return Tls(certificate=chain, private_key=key, client_ca=trusted, context=context)


class _EncryptedKey(Exception):
    pass


def _encrypted() -> NoReturn:
    raise _EncryptedKey


def _read(flag: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsError(f"{flag}: cannot read {path}: {error.strerror or error}") from error


def _require_certificate(flag: str, path: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        raise TlsError(f"{flag}: {path} is not a certificate in PEM form") from None
