"""Where the server is and how to talk to it, from arguments and ASKTELL_* variables."""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from asktell._core.flow import Timeouts

DEFAULT_ADDRESS = "localhost:50051"
DEFAULT_PORT = "50051"
DEFAULT_WAIT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a client needs to know. `root_certificates`: PEM bytes; None = the system's, where `tls` is on."""

    addresses: tuple[str, ...]
    project: str
    worker_id: str
    timeouts: Timeouts
    wait_s: float
    tls: bool
    token: str | None = field(repr=False)
    root_certificates: bytes | None = field(repr=False)
    client_certificate: tuple[bytes, bytes] | None = field(repr=False)
    """Chain and private key as PEM, for a server that wants to know its callers."""
    given: Mapping[str, Any] = field(repr=False, compare=False)
    """The arguments of `make_settings` that were given, without the token."""
    token_given: bool = field(repr=False, compare=False)

    @property
    def address(self) -> str:
        """The addresses as a person writes them."""
        return ",".join(self.addresses)

    def __reduce__(self) -> tuple[Callable[..., Settings], tuple[Mapping[str, Any]]]:
        """Another process makes its own: what was given goes along, the rest is read from its environment.

        Raises:
            pickle.PicklingError: a token was given. Pickles lie about in files and queues, where no secret belongs.
        """
        if self.token_given:
            raise pickle.PicklingError(
                "a client with token=… cannot be pickled, since its token would be: "
                "set ASKTELL_TOKEN in both processes instead"
            )
        return _made_again, (self.given,)


class ClientOptions(TypedDict, total=False):
    """The keyword arguments of `Client` and `AsyncClient`.

    Attributes:
        project: the namespace of studies that are named by their id alone; default "default".
        token: sent as `authorization: Bearer`; default ASKTELL_TOKEN. A client that is given one cannot be pickled.
        tls: encrypt, and trust the system's certificates.
        root_certificates: encrypt, and trust these: a PEM file, or its bytes; default ASKTELL_TLS_CA.
        client_certificate: PEM files of your certificate and its private key, for a server with `--tls-client-ca`; default
            ASKTELL_TLS_CERT and ASKTELL_TLS_KEY. Switches TLS on.
        timeout_s: deadline of every call, retries included; default 30.
        slow_timeout_s: the same for Ask and Suggest, which may fit a model; default 60.
        wait_s: how long the first call waits for a server on this machine whose port refuses connections: it is not started, or
            not yet; default ASKTELL_WAIT, then 2. Servers elsewhere, and those that have been there before, are waited for as
            long as each call's deadline.
        worker_id: kept with each trial that the client asks for; default host name and process id.
    """

    project: str
    token: str | None
    tls: bool
    root_certificates: str | os.PathLike[str] | bytes | None
    client_certificate: tuple[str | os.PathLike[str], str | os.PathLike[str]] | None
    timeout_s: float
    slow_timeout_s: float
    wait_s: float | None
    worker_id: str | None


def make_settings(
    address: str | None = None,
    *,
    project: str = "default",
    token: str | None = None,
    tls: bool = False,
    root_certificates: str | os.PathLike[str] | bytes | None = None,
    client_certificate: tuple[str | os.PathLike[str], str | os.PathLike[str]] | None = None,
    timeout_s: float = 30.0,
    slow_timeout_s: float = 60.0,
    wait_s: float | None = None,
    worker_id: str | None = None,
) -> Settings:
    """Arguments first, then ASKTELL_ADDRESS, ASKTELL_TOKEN, ASKTELL_TLS_CA, _CERT and _KEY, and ASKTELL_WAIT, then the defaults.

    Raises:
        ValueError: an address is malformed, or a certificate has no key. OSError: a certificate file cannot be read.
    """
    environment = os.environ
    text = address or environment.get("ASKTELL_ADDRESS") or DEFAULT_ADDRESS
    certificates = root_certificates or environment.get("ASKTELL_TLS_CA") or None
    if certificates is not None and not isinstance(certificates, bytes):
        certificates = Path(certificates).read_bytes()
    own = client_certificate or _own_certificate(environment)
    for name, seconds in (("timeout_s", timeout_s), ("slow_timeout_s", slow_timeout_s)):
        if not seconds > 0:
            raise ValueError(f"{name} must be greater than 0, got {seconds}")
    given = {
        "address": address,
        "project": project,
        "tls": tls,
        "root_certificates": certificates if root_certificates else None,
        "client_certificate": client_certificate,  # the files' names: a key goes into no pickle
        "timeout_s": timeout_s,
        "slow_timeout_s": slow_timeout_s,
        "wait_s": wait_s,
        "worker_id": worker_id,
    }
    return Settings(
        addresses=tuple(parse_address(part) for part in text.split(",") if part.strip()) or (DEFAULT_ADDRESS,),
        project=project,
        worker_id=worker_id or f"{socket.gethostname()}:{os.getpid()}",
        wait_s=_wait_s(wait_s, environment.get("ASKTELL_WAIT")),
        timeouts=Timeouts(default_s=timeout_s, slow_s=slow_timeout_s),
        tls=tls or certificates is not None or own is not None,
        token=token or environment.get("ASKTELL_TOKEN") or None,
        root_certificates=certificates,
        client_certificate=None if own is None else (Path(own[0]).read_bytes(), Path(own[1]).read_bytes()),
        given=given,
        token_given=bool(token) and token != environment.get("ASKTELL_TOKEN"),
    )


def _own_certificate(environment: Mapping[str, str]) -> tuple[str, str] | None:
    certificate, key = environment.get("ASKTELL_TLS_CERT", ""), environment.get("ASKTELL_TLS_KEY", "")
    if bool(certificate) != bool(key):
        raise ValueError("ASKTELL_TLS_CERT and ASKTELL_TLS_KEY go together, and one of them is not set")
    return (certificate, key) if certificate else None


def _made_again(given: Mapping[str, Any]) -> Settings:
    return make_settings(**given)


def _wait_s(given: float | None, environment: str | None) -> float:
    if given is None and not environment:
        return DEFAULT_WAIT_S
    name, value = ("wait_s", given) if given is not None else ("ASKTELL_WAIT", environment)
    try:
        seconds = float(value or 0.0)
    except ValueError:
        raise ValueError(f"{name} must be a number of seconds, got {value!r}") from None
    if not seconds >= 0:
        raise ValueError(f"{name} must be at least 0, got {value}")
    return seconds


def parse_address(text: str) -> str:
    """`host:port`, the port optional; IPv6 in brackets. Raises ValueError: it is something else."""
    text = text.strip()
    if "://" in text or "/" in text:
        raise ValueError(
            f"an address is host:port, got {text!r} (no path, no scheme; TLS is switched on with tls=True, or --tls)"
        )
    host, bracket, rest = text.partition("]")
    if bracket and host.startswith("["):
        host, port = host + bracket, rest.removeprefix(":") or DEFAULT_PORT
    elif text.count(":") > 1:
        raise ValueError(f"an IPv6 address goes in brackets, as in [::1]:50051; got {text!r}")
    else:
        host, _, port = text.partition(":")
        port = port or DEFAULT_PORT
    if not host.strip("[]") or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"an address is host:port, got {text!r}")
    return f"{host}:{port}"


def split_address(address: str) -> tuple[str, int]:
    """Host (without brackets) and port of what `parse_address` returned."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)
